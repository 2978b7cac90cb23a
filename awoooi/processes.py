"""One process each: gateway, worker, sink, store. They end cleanly on SIGTERM."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog

from awoooi.logs import set_up
from awoooi.running import chosen_sources, health, stop_event, until_there
from awoooi.settings import Settings
from schemas.errors import Misconfigured

if TYPE_CHECKING:
    from awoooi.worker import Make, Tell, Worker, WorkerConfig
    from schemas.codec import Codec
    from streams.faust_app import Learn
    from streams.pipeline import PipelineConfig

log = structlog.get_logger(__name__)

LATER_KINDS = ("notify",)
UNHURRIED, UNHURRIED_SECS = ("rca",), 30.0
"""workers that time only what they may forget"""
ALL = "all"
"""every kind in one process: each keeps its own group, so that they can be taken apart again"""


def run_gateway(settings: Settings) -> None:
    from awoooi.act_desk import act_desk
    from awoooi.approval_follower import follower_of
    from awoooi.gateway_views import gateway_views
    from awoooi.live_follower import live_ring
    from awoooi.log_in import log_ins
    from connectors.gateway.serve import Gateway, run

    set_up(settings.log, "gateway")
    gateway = Gateway(
        settings.gateway,
        settings.kafka,
        chosen_sources(settings),
        approvals=follower_of(settings),
        desk=act_desk(settings),
        views=partial(gateway_views, settings),
        live=live_ring(settings),
        log_ins=log_ins(settings.oidc),
    )
    run(gateway)


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

    from awoooi.audit_pins import pins_of
    from awoooi.events import codec_of
    from awoooi.memory import collect_seldom
    from sinks.clickhouse.writer import Writer
    from sinks.config import SinkConfig
    from sinks.consumer import Sink

    stop, registry = stop_event(), CollectorRegistry()
    config = SinkConfig(log_epoch=settings.log_epoch, embedded=settings.embedded)
    where = settings.health
    async with codec_of(settings) as (codec, learn), pins_of(settings, codec, registry) as pins:
        writer = Writer(settings.clickhouse.writer())
        sink = Sink(settings.kafka, config, writer, codec, registry, learn=learn, pins=pins)
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

    kinds = tuple(WORKERS) if kind == ALL else tuple(dict.fromkeys(kind.split(",")))
    for one in kinds:
        why = "comes with a later version" if one in LATER_KINDS else "no such kind"
        if one not in WORKERS:
            raise Misconfigured(f"worker {one}: {why}; there are: {', '.join((*WORKERS, ALL))}")
    set_up(settings.log, f"worker {kind}")
    _on_uvloop(_worker(settings, kinds))


async def _worker(settings: Settings, kinds: Sequence[str]) -> None:
    from prometheus_client import REGISTRY

    from awoooi.events import codec_of
    from awoooi.switch_view import measured

    stop, where = stop_event(), settings.health
    port, setting = health_port(settings, kinds[0])
    async with codec_of(settings) as (codec, learn):

        async def patient(number: int) -> None:
            await until_there("schema_registry", lambda: learn(number))

        async with _workers(settings, kinds, codec, patient) as workers:
            checks = {worker.config.kind: partial(_why_unready, worker) for worker in workers}
            pages = health(checks, REGISTRY, where.host, port, setting)
            with measured(REGISTRY, codec, workers[0].reference):
                async with pages:
                    await _until_one_ends([worker.run(stop) for worker in workers], stop)
    log.info("worker_stopped")


async def _until_one_ends(work: Sequence[Coroutine[Any, Any, None]], stop: asyncio.Event) -> None:
    """Then all of them: a process with half of its stages is none. What one raises is raised."""
    running = [asyncio.ensure_future(one) for one in work]
    await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
    stop.set()
    await asyncio.wait(running)
    for one in running:
        one.result()


def health_port(settings: Settings, kind: str) -> tuple[int, str]:
    """And the setting that chooses it. Several kinds in one process have the page of the first."""
    return getattr(settings.health, f"{kind}_port"), f"AWOOOI_HEALTH_{kind.upper()}_PORT"


def _why_unready(worker: Worker) -> str:
    return worker.unready() or ""


@asynccontextmanager
async def _workers(
    settings: Settings, kinds: Sequence[str], codec: Codec, learn: Learn
) -> AsyncIterator[list[Worker]]:
    """They share the reference data of the first, which starts and stops it."""
    from awoooi.worker import Worker

    workers: list[Worker] = []
    async with AsyncExitStack() as opened:
        for kind in kinds:
            make = await _make(settings, kind, opened)
            shared = workers[0].reference if workers else None
            config = replace(_worker_config(settings, kind, make), tell=_tell(settings, kind))
            workers.append(Worker(config, codec, learn, shared))
        yield workers


async def _make(settings: Settings, kind: str, opened: AsyncExitStack) -> Make:
    from awoooi.evidence import services_of_file
    from awoooi.execution import execution_given
    from awoooi.rca import policy_given, rca_given
    from awoooi.worker import ingest_given

    if kind == "rca":
        return await opened.enter_async_context(rca_given(settings))
    if kind == "execution":
        return await opened.enter_async_context(execution_given(settings))
    if kind == "policy":
        return policy_given(settings, opened)
    sealing, gateway = settings.sealing, settings.gateway
    services = services_of_file(settings)
    return ingest_given(chosen_sources(settings), sealing.public_key_file, gateway.stamp_key(), services)


def _tell(settings: Settings, kind: str) -> Tell | None:
    if kind != "rca":  # who goes by them
        return None
    from agents.playbooks.book import load_book
    from awoooi.playbook_log import tell_playbooks

    return partial(tell_playbooks, settings.kafka, load_book(settings.playbooks))


def _worker_config(settings: Settings, kind: str, make: Make) -> WorkerConfig:
    from awoooi.worker import WorkerConfig
    from streams.faust_config import EngineConfig

    engine = EngineConfig(
        kafka=settings.kafka,
        group=group_of(kind),
        worker=kind,
        partitions=settings.partitions,
        state_dir=workers_dir(settings),
        epoch=settings.log_epoch,
        embedded=settings.embedded,
        tick_secs=max(settings.tick_secs, UNHURRIED_SECS if kind in UNHURRIED else 0),
        slow_in_flight=settings.runs.at_once,
    )
    return WorkerConfig(kind, engine, _pipeline_config(settings), make)


def _pipeline_config(settings: Settings) -> PipelineConfig:
    from awoooi.scheduling import schedule_config
    from streams.pipeline import PipelineConfig
    from streams.stages.dedup import DedupConfig
    from streams.stages.normalize import NormalizeConfig

    return PipelineConfig(
        normalize=NormalizeConfig(settings.project_by_topic, settings.identity),
        dedup=DedupConfig(**settings.dedup.model_dump()),
        schedule=schedule_config(settings),
        epoch=settings.log_epoch,
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
