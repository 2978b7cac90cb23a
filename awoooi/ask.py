"""`awoooi ask`: the whole panel on one payload, with no broker: for trying prompts, playbooks, models.

The payload goes through the stages that workers run, in memory; its evidence is the alert itself and, where
one is given, a topology.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from agents.argument import argument
from agents.desk import Desk
from agents.models.model import NoPanel
from agents.panel_run import Debate, debate
from agents.playbooks.book import load_book
from agents.sealing import Opener, Sealer
from agents.snapshot import Gathered, Keys, snapshot, wanted
from agents.surroundings import surroundings
from agents.topology import Topology, from_observations
from agents.visible import visible
from awoooi.models import panel_of
from awoooi.running import chosen_sources
from awoooi.settings import Settings
from awoooi.try_out import read_payloads
from connectors.alerts.detection import AUTO
from connectors.evidence import Wanted
from connectors.topology_file import read_topology
from schemas.catalog import RAW_PREFIX
from schemas.codec import Codec
from schemas.envelope import Event, to_millis
from schemas.errors import BadPayload
from schemas.evidence import Brief, Gap, Source, Surroundings
from schemas.run import RunStarted
from streams.around import findings
from streams.known_services import service_names
from streams.memory import MemoryLog
from streams.placed import Placed
from streams.runner import Runner
from streams.stages.dedup import Dedup, DedupConfig
from streams.stages.normalize import Normalize, NormalizeConfig
from streams.stages.runs import Runs
from streams.stages.schedule import Schedule, ScheduleConfig

NOT_ASKED = (Source.KUBERNETES, Source.PROMETHEUS, Source.HISTORY, Source.SILENCES)


def ask(settings: Settings, file: str, *, topology: str, rules: bool, as_json: bool) -> int:
    """Exit status: 1 where something was rejected."""
    started, rejected = asyncio.run(runs_of(settings, file))
    if not started and not rejected:
        raise BadPayload(f"{file}: nothing in it fires, so there is nothing to argue about")
    graphs = _graphs(topology)
    for number, run in enumerate(started):
        debated = asyncio.run(_argued(settings, run, graphs, rules=rules))
        if as_json:
            print(debated.package.model_dump_json())
        else:
            print(("\n" if number else "") + argument(debated.package, debated.heard), end="")
    for why in rejected:
        print(visible(f"rejected, {why}"), file=sys.stderr)
    return 1 if rejected else 0


async def _argued(
    settings: Settings, run: RunStarted, graphs: dict[str, Topology] | None, *, rules: bool
) -> Debate:
    panel = NoPanel() if rules else panel_of(settings)
    desk = Desk(load_book(settings.playbooks), time.monotonic, panel)
    try:
        return await debate(brief_of(run, graphs), desk, lambda: datetime.now(UTC))
    finally:
        await panel.close()


# -- a payload into runs, as the ingest worker does it


@cache
def _key() -> X25519PrivateKey:
    """Seals for this process alone."""
    return X25519PrivateKey.generate()


async def runs_of(settings: Settings, file: str) -> tuple[Sequence[RunStarted], Sequence[str]]:
    """The runs that the payload starts, and why its other records were rejected."""
    codec, topic = Codec(), RAW_PREFIX + AUTO
    config, sealer = NormalizeConfig(identity=settings.identity), Sealer(_key().public_key())
    normalize = Normalize(config, chosen_sources(settings), sealer)
    first = Placed(Runner(normalize, codec), (topic,), keyed=False)
    keyed = (Dedup(DedupConfig()), Runs(), Schedule(ScheduleConfig(settings.runs.deadline_secs)))
    others = [Placed(Runner(stage, codec), stage.reads, keyed=True) for stage in keyed]
    log = MemoryLog([first, *others], codec, _now)
    for _, payload in read_payloads(file).numbered:
        log.append(topic, payload)
    await log.run()
    started = [event for event in log.events("runs") if isinstance(event, RunStarted)]
    return started, [_why(event) for event in log.events("alerts.rejected")]


def _why(event: Event) -> str:
    return f"{event.payload.reason}: {event.payload.detail}"


def _now() -> int:
    return time.time_ns() // 1_000_000


# -- the evidence that there is without asking anybody


def brief_of(run: RunStarted, graphs: dict[str, Topology] | None = None) -> Brief:
    keys = Keys(Opener([_key()]), None, _key().public_key().public_bytes_raw())
    about = wanted(run, keys, to_millis(run.recorded_at))
    around = _around(about, graphs or {})
    gathered = [Gathered(Source.TOPOLOGY, findings(around, about))] if around.service else []
    brief = snapshot(run, gathered, keys, around).brief
    not_asked = [Gap(source=source, reason="not asked by this command") for source in NOT_ASKED]
    if not around.service:
        reason = "the target is none of its services" if graphs else "no topology was given"
        not_asked.append(Gap(source=Source.TOPOLOGY, reason=reason))
    return brief.model_copy(update={"gaps": (*brief.gaps, *not_asked)})


def _around(about: Wanted, graphs: dict[str, Topology]) -> Surroundings:
    graph = graphs.get(about.cluster) or next(iter(graphs.values()), Topology())
    service = graph.resolve(*service_names(about.name, about.labels), namespace=about.namespace)
    return surroundings(graph, service) if service else Surroundings()


def _graphs(file: str) -> dict[str, Topology] | None:
    return from_observations(read_topology(Path(file))) if file else None
