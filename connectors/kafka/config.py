"""How to reach Kafka."""

from __future__ import annotations

import re
import ssl
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from connectors.secret import one_of, read_secret
from schemas.errors import Misconfigured

_ADDRESS = re.compile(r"(?:[^\s:,\[\]]+|\[[0-9a-fA-F:.]+\]):([0-9]{1,5})")

SecurityProtocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
SaslMechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]


class KafkaConfig(BaseModel):
    """Settings of every Kafka client; checked without a network, the password hidden in `repr`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    bootstrap_servers: str = Field("127.0.0.1:9092", description="host:port, several with commas between")
    security_protocol: SecurityProtocol = "PLAINTEXT"
    sasl_mechanism: SaslMechanism | None = None
    username: str | None = None
    password: SecretStr | None = None
    password_file: Path | None = None
    ca_file: Path | None = Field(None, description="PEM; the system's authorities where none is given")
    cert_file: Path | None = Field(None, description="PEM of a client certificate")
    key_file: Path | None = Field(None, description="PEM of its key")
    client_id: str = "awoooi"
    request_timeout_secs: float = Field(5.0, gt=0, le=300)

    @field_validator("bootstrap_servers")
    @classmethod
    def _addresses(cls, value: str) -> str:
        for address in value.split(","):
            found = _ADDRESS.fullmatch(address.strip())
            if found is None or not 0 < int(found[1]) < 65536:
                raise ValueError(f"{address.strip()!r} is not host:port (several: with commas between)")
        return value

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.uses_sasl:
            if self.sasl_mechanism is None or not self.username:
                raise ValueError(f"{self.security_protocol} needs sasl_mechanism and username")
            one_of(self.password, self.password_file, "password")
        elif self.sasl_mechanism or self.username or self.password or self.password_file:
            raise ValueError("a log-in is given: security_protocol must be SASL_SSL or SASL_PLAINTEXT")
        if (self.cert_file is None) != (self.key_file is None):
            raise ValueError("cert_file and key_file go together")
        if not self.uses_tls and (self.ca_file or self.cert_file):
            raise ValueError("certificates are given: security_protocol must be SSL or SASL_SSL")
        return self

    @property
    def servers(self) -> list[str]:
        return [address.strip() for address in self.bootstrap_servers.split(",")]

    @property
    def uses_sasl(self) -> bool:
        return self.security_protocol.startswith("SASL_")

    @property
    def uses_tls(self) -> bool:
        return self.security_protocol.endswith("SSL")

    def ssl_context(self) -> ssl.SSLContext | None:
        """Certificates and host names are always checked; None where no TLS is spoken."""
        if not self.uses_tls:
            return None
        try:
            context = ssl.create_default_context(cafile=self.ca_file)
        except OSError as error:
            raise Misconfigured(f"ca_file: {self.ca_file} is no readable PEM file: {error}") from error
        if self.cert_file is not None:
            try:
                context.load_cert_chain(self.cert_file, self.key_file)
            except OSError as error:
                raise Misconfigured(f"cert_file, key_file: {self.cert_file}: {error}") from error
        return context

    def client_options(self) -> dict[str, Any]:
        """For any aiokafka client."""
        return {
            "bootstrap_servers": self.servers,
            "client_id": self.client_id,
            "request_timeout_ms": int(self.request_timeout_secs * 1000),
            "security_protocol": self.security_protocol,
            "ssl_context": self.ssl_context(),
            **self._login(),
        }

    def _login(self) -> dict[str, str]:
        if not self.uses_sasl:
            return {}
        assert self.sasl_mechanism
        assert self.username
        return {
            "sasl_mechanism": self.sasl_mechanism,
            "sasl_plain_username": self.username,
            "sasl_plain_password": read_secret(self.password, self.password_file, "password"),
        }
