"""What a worker's engine is set up with: our settings in Faust's words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import faust

from connectors.kafka.config import KafkaConfig
from schemas.catalog import ticks_topic
from streams.faust_transport import SCHEME, Flow, LeanMonitor
from streams.placed import Placed

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class EngineConfig:
    kafka: KafkaConfig
    group: str
    worker: str
    partitions: int
    state_dir: Path
    epoch: str = ""
    embedded: bool = False
    tick_secs: float = 1.0
    batch_records: int = 4000
    """of a topic whose repeats need not be decoded; others come in quarters"""
    slow_in_flight: int = 256
    """slow calls at once, of all slow stages together"""
    instance_id: str = ""
    """static group membership: a quick restart moves no partitions"""
    compression: str = ""

    @property
    def ticks(self) -> str:
        return ticks_topic(self.worker).name


# A killed worker is missed after its session; Faust's own minute is long at three in the morning.
TIMEOUTS = {"broker_session_timeout": 15.0, "broker_heartbeat_interval": 3.0}

# The embedded broker waits half the rebalance time-out before a group forms.
EMBEDDED_TIMEOUTS = {
    "broker_rebalance_timeout": 4.0,
    "broker_session_timeout": 6.0,
    "broker_heartbeat_interval": 1.5,
}


def app_of(config: EngineConfig, stages: Sequence[Placed]) -> Any:
    kafka = config.kafka
    datadir = config.state_dir / config.group
    datadir.mkdir(parents=True, exist_ok=True)
    app = faust.App(
        config.group,
        broker=[f"{SCHEME}://{server}" for server in kafka.servers],
        broker_credentials=_credentials(kafka),
        store="memory://",
        datadir=datadir,
        topic_partitions=config.partitions,
        topic_replication_factor=1,
        topic_disable_leader=True,
        topic_allow_declare=False,
        table_standby_replicas=0,
        stream_wait_empty=False,
        stream_buffer_maxsize=100_000,  # batches; the transport's bound is far below
        broker_commit_interval=1.0,
        broker_max_poll_records=_most_in_a_poll(config, stages),
        broker_max_poll_interval=600.0,
        broker_request_timeout=60.0,
        consumer_max_fetch_size=5 * MIB,  # of a backlog about a batch: half of one makes nearly as many hits
        consumer_auto_offset_reset="earliest",
        consumer_group_instance_id=config.instance_id or None,
        producer_linger=0.002,
        producer_max_batch_size=MIB,
        producer_max_request_size=8 * MIB,
        producer_compression_type=config.compression or None,
        producer_request_timeout=30.0,
        web_enabled=False,
        monitor=LeanMonitor(),
        **(EMBEDDED_TIMEOUTS if config.embedded else TIMEOUTS),
    )
    app.flow = _flow(config, stages)
    return app


def _flow(config: EngineConfig, stages: Sequence[Placed]) -> Flow:
    glanced = [topic for placed in stages if placed.glances for topic in placed.topics]
    slow = [topic for placed in stages if placed.slow for topic in placed.topics]
    return Flow(
        batch=config.batch_records // 4,
        batches=dict.fromkeys(glanced, config.batch_records),
        topics=frozenset({config.ticks, *(topic for placed in stages for topic in placed.topics)}),
        slow=dict.fromkeys(slow, _in_flight(config)),
        ticks=config.ticks,
    )


def _in_flight(config: EngineConfig) -> int:
    """Slow records of one partition: keys are spread unevenly, and a full one would block its others."""
    return min(config.slow_in_flight, max(32, 4 * config.slow_in_flight // config.partitions))


def _most_in_a_poll(config: EngineConfig, stages: Sequence[Placed]) -> int:
    """Whoever calls slowly must not be handed thousands of calls at once."""
    return config.slow_in_flight if any(p.slow for p in stages) else 4 * config.batch_records


def _credentials(kafka: KafkaConfig) -> Any:
    """The same log-in as every other client's, in Faust's words."""
    options = kafka.client_options()
    if kafka.uses_sasl:
        return faust.SASLCredentials(
            username=options["sasl_plain_username"],
            password=options["sasl_plain_password"],
            ssl_context=options["ssl_context"],
            mechanism=options["sasl_mechanism"],
        )
    return faust.SSLCredentials(options["ssl_context"]) if kafka.uses_tls else None
