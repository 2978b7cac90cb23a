"""AWOOOI's own worker: the dedup stage alone, or all stages of ingest."""

from __future__ import annotations

import argparse
import asyncio
import signal
from collections.abc import Container, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import structlog
import uvloop

from agents.sealing import Sealer
from awoooi.worker import Worker, WorkerConfig, ingest_given
from benchmarks.broker import PARTITIONS
from benchmarks.child import READY
from connectors.alerts.registry import sources
from connectors.kafka.config import KafkaConfig
from schemas.codec import Codec
from streams.faust_app import Engine
from streams.faust_config import EngineConfig
from streams.pipeline import Given, PipelineConfig, stages
from streams.placed import Placed
from streams.runner import Rows, Runner, Turn
from streams.stage import Record

OPEN = asyncio.Event()


@dataclass(slots=True)
class GatedRunner(Runner):
    """Takes nothing in before the gate opens, so that all workers start on the same load at once."""

    gate: asyncio.Event = field(default_factory=lambda: OPEN)

    async def turn(
        self, records: Sequence[Record], rows: Rows | None = None, busy: Container[bytes | None] = ()
    ) -> Turn:
        await self.gate.wait()
        return await Runner.turn(self, records, rows, busy)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("bootstrap")
    parser.add_argument("group")
    parser.add_argument("state_dir", type=Path)
    parser.add_argument("--only", help="one stage instead of all of ingest")
    parser.add_argument("--gated", action="store_true", help="wait for SIGUSR1 before the first batch")
    given = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(30))
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())  # as `awoooi worker` does
    asyncio.run(_run(_worker(given)))


def _worker(given: argparse.Namespace) -> Worker:
    engine = EngineConfig(
        KafkaConfig(bootstrap_servers=given.bootstrap),
        given.group,
        "ingest",
        PARTITIONS,
        given.state_dir,
    )
    codec = Codec()
    worker = Worker(WorkerConfig("ingest", engine, PipelineConfig(), ingest_given(sources())), codec, _learn)
    if given.only or given.gated:
        placed = _placed(codec, given.only, gated=given.gated)
        worker.engine = Engine(engine, placed, codec, _learn)
    return worker


def _placed(codec: Codec, only: str | None, *, gated: bool) -> Sequence[Placed]:
    sealer: Sealer | None = None
    every = stages(PipelineConfig(), Given(codec, sources(), sealer), ("ingest",))
    chosen = [placed for placed in every if only in (None, placed.name)]
    return [_behind_gate(placed) for placed in chosen] if gated else chosen


def _behind_gate(placed: Placed) -> Placed:
    runner = placed.runner
    gated = GatedRunner(runner.stage, runner.codec, runner.clock, runner.epoch)
    return replace(placed, runner=gated)


async def _run(worker: Worker) -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.add_signal_handler(signal.SIGUSR1, OPEN.set)
    telling = asyncio.create_task(_tell_when_ready(worker))
    try:
        await worker.run(stop)
    finally:
        telling.cancel()


async def _tell_when_ready(worker: Worker) -> None:
    while worker.unready() is not None:  # noqa: ASYNC110  it tells nobody when it has become ready
        await asyncio.sleep(0.02)
    print(READY, flush=True)


async def _learn(number: int) -> None:
    raise AssertionError(f"no registry here, and somebody wrote with schema {number}")


if __name__ == "__main__":
    main()
