"""One process each: gateway, worker, sink, store. They end cleanly on SIGTERM."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog

from awoooi.logs import set_up
from awoooi.running import chosen_sources, health, stop_event, until_there
from awoooi.settings import Settings
from schemas.errors import Misconfigured

if TYPE_CHECKING:
    from awoooi.worker import WorkerConfig

log = structlog.get_logger(__name__)

LATER_KINDS = ("rca", "policy", "execution", "notify")


def run_gateway(settings: Settings) -> None:
    from connectors.gateway.serve import run

    set_up(settings.log, "gateway")
    run(settings.gateway, settings.kafka, chosen_sources(settings))


def run_store(settings: Settings) -> None:
    from sinks.store.server import serve

    store = settings.store
    set_up(settings.log, "store")
    if not (store.writer_password.get_secret_value() and store.reader_password.get_secret_value()):
        raise Misconfigured(
            "the store has no passwords yet: `awoooi init` makes them, "
            "or AWOOOI_STORE_WRITER_PASSWORD and AWOOOI_STORE_READER_PASSWORD give them"
        )
    asyncio.run(serve(store, lambda: log.info("store_listens", host=store.host, port=store.port)))
    log.info("store_stopped")


def run_sink(settings: Settings) -> None:
    set_up(settings.log, "sink")
    _on_uvloop(_sink(settings))


async def _sink(settings: Settings) -> None:
    from prometheus_client import CollectorRegistry

    from awoooi.events import codec_of
    from awoooi.memory import collect_seldom
    from sinks.clickhouse.writer import Writer
    from sinks.config import SinkConfig
    from sinks.consumer import Sink

    stop, registry = stop_event(), CollectorRegistry()
    config = SinkConfig(log_epoch=settings.log_epoch, embedded=settings.embedded)
    where = settings.health
    async with codec_of(settings) as (codec, learn):
        writer = Writer(settings.clickhouse.writer())
        sink = Sink(settings.kafka, config, writer, codec, registry, learn=learn)
        pages = health(sink.checks(), registry, where.host, where.sink_port, "AWOOOI_HEALTH_SINK_PORT")
        collect_seldom()
        async with pages:
            await _until_stopped(sink.run(), stop)
    log.info("sink_stopped")


async def _until_stopped(work: Coroutine[Any, Any, None], stop: asyncio.Event) -> None:
    """The work is cancelled when `stop` is set; what it raises by itself is raised here."""
    running = asyncio.ensure_future(work)
    asked = asyncio.ensure_future(stop.wait())
    await asyncio.wait((running, asked), return_when=asyncio.FIRST_COMPLETED)
    asked.cancel()
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running


def run_worker_process(settings: Settings, kind: str) -> None:
    from streams.pipeline import WORKERS

    if kind in LATER_KINDS:
        raise Misconfigured(f"worker {kind}: comes with a later version; there are: {', '.join(WORKERS)}")
    if kind not in WORKERS:
        raise Misconfigured(f"worker {kind}: no such kind; there are: {', '.join(WORKERS)}")
    set_up(settings.log, f"worker {kind}")
    _on_uvloop(_worker(settings, kind))


async def _worker(settings: Settings, kind: str) -> None:
    from prometheus_client import REGISTRY

    from awoooi.events import codec_of
    from awoooi.worker import Worker

    stop, where = stop_event(), settings.health
    async with codec_of(settings) as (codec, learn):

        async def patient(number: int) -> None:
            await until_there("schema_registry", lambda: learn(number))

        worker = Worker(_worker_config(settings, kind), codec, patient)
        checks = {"worker": lambda: worker.unready() or ""}
        async with health(checks, REGISTRY, where.host, where.ingest_port, "AWOOOI_HEALTH_INGEST_PORT"):
            await worker.run(stop)
    log.info("worker_stopped")


def _worker_config(settings: Settings, kind: str) -> WorkerConfig:
    from awoooi.worker import WorkerConfig
    from streams.faust_config import EngineConfig
    from streams.pipeline import PipelineConfig
    from streams.stages.dedup import DedupConfig
    from streams.stages.normalize import NormalizeConfig

    return WorkerConfig(
        kind=kind,
        engine=EngineConfig(
            kafka=settings.kafka,
            group=group_of(kind),
            worker=kind,
            partitions=settings.partitions,
            state_dir=workers_dir(settings),
            epoch=settings.log_epoch,
            embedded=settings.embedded,
            tick_secs=settings.tick_secs,
        ),
        pipeline=PipelineConfig(
            normalize=NormalizeConfig(project_by_topic=settings.project_by_topic),
            dedup=DedupConfig(**settings.dedup.model_dump()),
            epoch=settings.log_epoch,
        ),
        sources=chosen_sources(settings),
        sealing_key_file=settings.sealing.public_key_file,
        stamp_key=settings.gateway.stamp_key(),
    )


def workers_dir(settings: Settings) -> Path:
    return settings.state_dir / "workers"


def reference_copy(settings: Settings) -> Path:
    """As awoooi.worker has it, which is slow to import."""
    return workers_dir(settings) / "reference.json"


def group_of(kind: str) -> str:
    """A worker kind's consumer group; the topics behind its rows begin with it."""
    return f"awoooi-{kind}"


def _on_uvloop(work: Coroutine[Any, Any, None]) -> None:
    import uvloop

    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())  # for the loops of other threads too
    asyncio.run(work)
