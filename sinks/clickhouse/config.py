"""Where ClickHouse is and who we are there."""

from __future__ import annotations

from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator


class ClickHouseConfig(BaseModel):
    """One address, one user. A password in the URL is refused: it would be printed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str = "http://127.0.0.1:8123"
    database: str = Field("awoooi", pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,62}$")
    user: str = "writer"
    password: SecretStr = SecretStr("")
    connect_timeout_secs: float = Field(5.0, gt=0)
    request_timeout_secs: float = Field(60.0, gt=0)
    ca_file: str | None = Field(None, description="PEM of the authority that signed the server's certificate")

    @field_validator("url")
    @classmethod
    def _http(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"an address like http://127.0.0.1:8123 is needed, not {url!r}")
        if parts.username or parts.password:
            raise ValueError("user and password stand in their own settings, not in the URL")
        return url
