"""The ingest worker as a child process, without files or settings.

`python -m tests.faults.ingest BOOTSTRAP INSTANCE`
"""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
import tempfile
from pathlib import Path

import uvloop

from awoooi.worker import Worker, WorkerConfig, ingest_given
from connectors.alerts.registry import sources
from connectors.kafka.config import KafkaConfig
from schemas.codec import Codec
from streams.faust_config import EngineConfig
from streams.pipeline import PipelineConfig
from tests.peers.waiting import wait_until_async

GROUP = "ingest"


async def learn(number: int) -> None:
    raise AssertionError(f"no registry here, yet asked for {number}")


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
    return WorkerConfig("ingest", engine, PipelineConfig(), ingest_given(sources()))


async def main(bootstrap: str, instance: str) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    with tempfile.TemporaryDirectory() as state:
        worker = Worker(config(bootstrap, Path(state), instance), Codec(), learn)
        running = asyncio.ensure_future(worker.run(stop))
        await wait_until_async(lambda: not worker.unready() or running.done(), 120)
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        await running


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    asyncio.run(main(*sys.argv[1:3]))
