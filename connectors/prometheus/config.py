"""Where Prometheus is, who we are there, and how much is asked of it."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from connectors.secret import read_secret


class PrometheusConfig(BaseModel):
    """Also what speaks its API: Thanos, Mimir, VictoriaMetrics. Without a url it is a gap in evidence."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str | None = Field(
        None, pattern=r"^https?://[^@\s]+$", description="http(s)://host:port, with its path prefix"
    )
    user: str | None = None
    password: SecretStr | None = None
    password_file: Path | None = None
    bearer_token: SecretStr | None = None
    bearer_token_file: Path | None = Field(None, description="instead of bearer_token")
    tenant: str | None = Field(None, pattern=r"^[\x21-\x7e]+$", description="sent as X-Scope-OrgID")
    ca_file: Path | None = Field(None, description="PEM; the system's authorities where none is given")
    cluster_label: str | None = Field(
        None, pattern=r"^[a-zA-Z_][a-zA-Z0-9_]*$", description="label that names the cluster, of several"
    )
    timeout_secs: float = Field(8.0, gt=0, le=60, description="for all questions of one run together")
    window_secs: int = Field(1800, ge=300, le=86_400, description="how far back evidence looks")
    at_once: int = Field(16, ge=1, le=200, description="questions of this process; Prometheus takes 20")
    most_series: int = Field(10, ge=1, le=100, description="of one question")

    @model_validator(mode="after")
    def _one_way_in(self) -> Self:
        has_password = self.password is not None or self.password_file is not None
        has_bearer = self.bearer_token is not None or self.bearer_token_file is not None
        if (self.user is None) != (not has_password):
            raise ValueError("user and password go together")
        if has_password and has_bearer:
            raise ValueError("give either user and password or a bearer token")
        for name in ("password", "bearer_token"):
            if getattr(self, name) is not None and getattr(self, f"{name}_file") is not None:
                raise ValueError(f"give either {name} or {name}_file")
        return self

    def login(self) -> tuple[str, str] | None:
        if self.user is None:
            return None
        return self.user, read_secret(self.password, self.password_file, "prometheus.password")

    def headers(self) -> dict[str, str]:
        headers = {} if self.tenant is None else {"X-Scope-OrgID": self.tenant}
        if self.bearer_token is not None or self.bearer_token_file is not None:
            token = read_secret(self.bearer_token, self.bearer_token_file, "prometheus.bearer_token")
            headers["Authorization"] = f"Bearer {token}"
        return headers
