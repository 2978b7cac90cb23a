"""One worker process: codec, reference data and stages put together, run until told to stop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import structlog

from agents.sealing import Sealer, load_public_key
from awoooi.memory import collect_seldom, return_memory
from awoooi.running import until_there
from connectors.alerts.source import Source
from connectors.kafka.admin import apply_topics, partition_counts
from schemas.codec import Codec
from schemas.errors import Misconfigured, NotNow
from schemas.topology import ServiceObserved
from streams.connected import Connected
from streams.faust_app import Engine, Learn
from streams.faust_config import EngineConfig
from streams.known_services import KnownServices
from streams.pipeline import Given, PipelineConfig, changelogs, stages
from streams.policy.silenced import TOPIC as SILENCES
from streams.policy.silenced import Quiet
from streams.reference import Reference

log = structlog.get_logger(__name__)
READY_LOOK_SECS = 0.5
TOPOLOGY = "topology"
Make = Callable[[Codec, Reference], Given]
Tell = Callable[[Codec, Reference], Coroutine[Any, Any, None]]


@dataclass(frozen=True, slots=True)
class WorkerConfig:
    kind: str
    engine: EngineConfig
    pipeline: PipelineConfig
    make: Make
    """what its stages are given"""
    tell: Tell | None = None
    """what it says of itself once the reference data is read, beside its stages"""


@dataclass(slots=True)
class Worker:
    """`ready` follows the broker, the tables and the reference data."""

    config: WorkerConfig
    codec: Codec
    learn: Learn
    shared: Reference | None = None
    """of another worker in this process, which starts and stops it"""
    engine: Engine = field(init=False)
    reference: Reference = field(init=False)

    def __post_init__(self) -> None:
        config, engine = self.config, self.config.engine
        copy = reference_copy(engine.state_dir) if engine.embedded else None
        self.reference = self.shared or Reference(engine.kafka, copy=copy)
        placed = stages(config.pipeline, config.make(self.codec, self.reference), (config.kind,))
        self.engine = Engine(engine, placed, self.codec, self.learn)

    def unready(self) -> str | None:
        """Why it is not ready, in words; None when it is."""
        if not self.reference.ready.is_set():
            return "the reference data is being read"
        if not self.engine.ready:
            return "the stages wait for their partitions and rows"
        return None

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop` is set, or a stage is broken: then it raises."""
        asked = asyncio.ensure_future(stop.wait())
        try:
            if await _first(asyncio.ensure_future(self._require_topics()), asked):
                await self._work(asked)
        finally:
            asked.cancel()

    async def _work(self, asked: asyncio.Future[Any]) -> None:
        """No stage begins before the reference data is read: nothing is decided on half of it."""
        collect_seldom()
        self.engine.app.finalize()
        if self.shared is None:
            await self.reference.start()
        try:
            if await _first(asyncio.ensure_future(self.reference.ready.wait()), asked):
                await self._run_stages(asked)
        finally:
            if self.shared is None:
                await self.reference.stop()

    async def _run_stages(self, asked: asyncio.Future[Any]) -> None:
        app = self.engine.app
        await app.start()
        work = [self._tell_ready(), return_memory()]
        if self.config.tell is not None:
            work.append(self.config.tell(self.codec, self.reference))
        beside = [asyncio.ensure_future(one) for one in work]
        try:
            await _first(asyncio.ensure_future(app.wait_until_stopped()), asked)
        finally:
            for task in beside:
                task.cancel()
            await self.engine.stop()
        if app.crash_reason is not None:
            raise app.crash_reason

    async def _tell_ready(self) -> None:
        """One line each time that it becomes ready, and one when it no longer is."""
        told: str | None = "not started"
        while True:
            why = self.unready()
            if (why is None) != (told is None):
                log.info(
                    "worker_ready" if why is None else "worker_not_ready", kind=self.config.kind, why=why
                )
                told = why
            await asyncio.sleep(READY_LOOK_SECS)

    async def _require_topics(self) -> None:
        """The rows' topics are this worker's own to make; all others are `awoooi topics apply`'s."""
        config = self.config.engine
        rows = changelogs(config.group, self.config.kind)
        report = await until_there("broker", lambda: apply_topics(config.kafka, rows, config.partitions))
        if report.refused:
            why = "; ".join(f"{topic}: {reason}" for topic, reason in report.refused.items())
            raise Misconfigured(f"the topics behind the stages' rows could not be made: {why}")
        await until_there("topics", self._compare_topics)

    async def _compare_topics(self) -> None:
        """Keyed topics must have as many partitions as the settings say: rows and records lie together."""
        config, there = self.config.engine, await partition_counts(self.config.engine.kafka)
        needed = {topic for placed in self.engine.stages for topic in placed.topics}
        missing = sorted(needed - there.keys())
        if missing:
            raise NotNow(f"missing: {', '.join(missing)}; `awoooi topics apply` makes them")
        keyed = {topic for placed in self.engine.stages if placed.keyed for topic in placed.topics}
        wrong = sorted(topic for topic in keyed if there[topic] != config.partitions)
        if wrong:
            raise Misconfigured(
                f"AWOOOI_PARTITIONS is {config.partitions}, but {wrong[0]} has {there[wrong[0]]} partitions: "
                "their number is fixed for life, set AWOOOI_PARTITIONS to it"
            )


def ingest_given(
    sources: Mapping[str, Source],
    sealing_key_file: Path | None = None,
    stamp_key: bytes | None = None,
    services: Sequence[ServiceObserved] = (),
) -> Make:
    """What the stages of `ingest` are given: alert sources, the public sealing key, the gateway's stamp, and
    the services that a file tells of beside the topic `topology`.
    """
    sealer = None if sealing_key_file is None else Sealer(load_public_key(sealing_key_file))

    def make(codec: Codec, reference: Reference) -> Given:
        read = partial(reference.offset, SILENCES)
        quiet = Quiet(codec, lambda: reference.current(SILENCES), read)
        known = KnownServices(codec, lambda: reference.values(TOPOLOGY), services)
        connected = Connected(known, time.monotonic)
        return Given(codec, sources, sealer, stamp_key, quiet, read, connected)

    return make


async def _first(work: asyncio.Future[Any], asked: asyncio.Future[Any]) -> bool:
    """Whether the work ended before we were asked to stop; what it raised is raised."""
    await asyncio.wait((work, asked), return_when=asyncio.FIRST_COMPLETED)
    if not work.done():
        work.cancel()
        return False
    work.result()
    return True


def reference_copy(state_dir: Path) -> Path:
    """Where switches, silences, signers and the like outlive the embedded broker."""
    return state_dir / "reference.json"
