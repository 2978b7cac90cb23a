"""Settings of the gateway."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from connectors.gateway.stamp import MIN_KEY_BYTES
from connectors.secret import one_of, read_secret
from schemas.catalog import MIB
from schemas.errors import Misconfigured


class GatewayConfig(BaseModel):
    """Checked without a network; the stamp's secret is hidden in `repr`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = "127.0.0.1"
    port: int = Field(8080, ge=0, le=65535, description="0 takes any free one")
    tokens_file: Path
    stamp_secret: SecretStr | None = Field(None, description="shared with the ingest worker")
    stamp_secret_file: Path | None = None
    max_body_bytes: int = Field(MIB, ge=1024, le=MIB)
    max_in_flight: int = Field(1000, ge=1, description="requests at once; more are asked to come again")
    max_in_flight_bytes: int = Field(64 * MIB, ge=MIB, description="bodies held in memory at once")
    max_connections: int = Field(5000, ge=1)
    body_timeout_secs: float = Field(10.0, gt=0, description="for a body to arrive in full")
    retry_after_secs: int = Field(2, ge=1, le=3600, description="what senders are told when Kafka is away")
    signatures_per_minute: int = Field(300, ge=1, description="signed approvals of one address")
    signatures_per_minute_in_all: int = Field(3000, ge=1, description="signed approvals of all addresses")
    signatures_at_once: int = Field(500, ge=1, description="signed approvals that wait for their verdict")
    signatures_turned_away_per_minute: int = Field(
        60, ge=1, description="refusals before the log that are recorded one by one; the others are counted"
    )
    streams_at_once: int = Field(500, ge=1, description="live streams; more are asked to come again")
    streams_of_one_person: int = Field(20, ge=1, description="of those")
    stream_heartbeat_secs: float = Field(
        15.0, gt=0, le=60, description="a live stream is never silent longer"
    )
    stream_look_secs: float = Field(
        2.0, gt=0, le=60, description="how often it is asked whether a stream's listener may still listen"
    )
    stream_patience_secs: float = Field(
        30.0, gt=0, description="a listener that takes nothing for so long is cut off"
    )
    silence_days: int = Field(30, ge=1, le=366, description="the longest silence that people can set")
    stop_timeout_secs: int = Field(10, ge=0, description="for open requests to end")

    @model_validator(mode="after")
    def _has_a_secret(self) -> Self:
        one_of(self.stamp_secret, self.stamp_secret_file, "stamp_secret")
        return self

    def stamp_key(self) -> bytes:
        made_by = "`awoooi init` makes it in the state folder"
        key = read_secret(self.stamp_secret, self.stamp_secret_file, "stamp_secret", made_by).encode()
        if len(key) < MIN_KEY_BYTES:
            raise Misconfigured(f"stamp_secret: {len(key)} bytes are too few, at least {MIN_KEY_BYTES}")
        return key
