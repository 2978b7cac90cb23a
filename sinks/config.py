"""The sink's settings; where Kafka and ClickHouse are stands in theirs."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from connectors.kafka.config import KafkaConfig
from sinks.batch import MIB, BatchConfig

DAY_MS = 24 * 3600 * 1000


class SinkConfig(BaseModel):
    """How the log is followed. Time-outs of the group follow from `embedded`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    group: str = Field("awoooi-sink", min_length=1)
    log_epoch: str = Field("", description="which life of an embedded broker; empty on a real cluster")
    embedded: bool = Field(False, description="the embedded broker, which waits before a group forms")
    fetch_max_wait_secs: float = Field(0.5, gt=0, le=5, description="how long the broker waits for a record")
    partition_fetch_bytes: int = Field(MIB, ge=64 * 1024, le=16 * MIB)
    shutdown_secs: float = Field(5.0, gt=0, description="for the last batch, when asked to end")
    batch: BatchConfig = BatchConfig()

    @property
    def rebalance_secs(self) -> float:
        return 4.0 if self.embedded else 10.0

    def consumer_options(self, kafka: KafkaConfig) -> dict[str, Any]:
        """For the aiokafka consumer."""
        patience = max(kafka.request_timeout_secs, self.rebalance_secs + 5)  # a join may take that long
        return {
            **kafka.client_options(),
            "request_timeout_ms": int(patience * 1000),
            "group_id": self.group,
            "enable_auto_commit": False,
            "auto_offset_reset": "earliest",
            "session_timeout_ms": 6000 if self.embedded else 10_000,
            "heartbeat_interval_ms": 1500 if self.embedded else 3000,
            "rebalance_timeout_ms": int(self.rebalance_secs * 1000),
            "max_poll_interval_ms": DAY_MS,  # not polling is on purpose while ClickHouse is away
            "fetch_max_wait_ms": int(self.fetch_max_wait_secs * 1000),
            "max_partition_fetch_bytes": self.partition_fetch_bytes,
            "retry_backoff_ms": 500,  # a broker that is away is asked, and logged, twice a second
            "metadata_max_age_ms": 30_000,  # a topic that is created later is found
        }
