"""The ingest worker as a child process, without files or settings.

`python -m tests.faults.ingest BOOTSTRAP [INSTANCE]`
"""

from __future__ import annotations

import sys
from pathlib import Path

from awoooi.worker import Worker, WorkerConfig, ingest_given
from connectors.kafka.config import KafkaConfig
from schemas.codec import Codec
from streams.faust_config import EngineConfig
from streams.pipeline import PipelineConfig
from tests.faults.load import few_sources
from tests.faults.serving import learn, run, serve

GROUP = "ingest"


def config(bootstrap: str, state: Path, instance: str = "", partitions: int = 4) -> WorkerConfig:
    engine = EngineConfig(
        kafka=KafkaConfig(bootstrap_servers=bootstrap),
        group=GROUP,
        worker="ingest",
        partitions=partitions,
        state_dir=state,
        embedded=True,  # short time-outs: a killed member is missed after seconds
        instance_id=instance,
    )
    return WorkerConfig("ingest", engine, PipelineConfig(), ingest_given(few_sources()))


async def main(bootstrap: str, instance: str = "") -> None:
    await serve(lambda state: [Worker(config(bootstrap, state, instance), Codec(), learn)])


if __name__ == "__main__":
    run(main(*sys.argv[1:3]))
