"""The ingest worker in a storm as a child process: few runs at a time, and a topology.

`python -m tests.faults.storming BOOTSTRAP [INSTANCE]`
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from awoooi.worker import Worker, WorkerConfig, ingest_given
from schemas.codec import Codec
from schemas.topology import observed
from streams.pipeline import PipelineConfig
from streams.stages.schedule import ScheduleConfig
from streams.stages.storm import StormConfig
from tests.faults.ingest import config
from tests.faults.load import few_sources
from tests.faults.serving import learn, run, serve

STORM = StormConfig(threshold=50, released=6000, critical=2400)
SERVICES = (
    observed("test", "shop", depends_on=("orders",)),
    observed("test", "orders", depends_on=("postgres",)),
    observed("test", "postgres"),
)


def storming(bootstrap: str, state: Path, instance: str = "") -> WorkerConfig:
    pipeline = PipelineConfig(schedule=ScheduleConfig(storm=STORM))
    make = ingest_given(few_sources(), services=SERVICES)
    return replace(config(bootstrap, state, instance), pipeline=pipeline, make=make)


async def main(bootstrap: str, instance: str = "") -> None:
    await serve(lambda state: [Worker(storming(bootstrap, state, instance), Codec(), learn)])


if __name__ == "__main__":
    run(main(*sys.argv[1:3]))
