"""A whole debate stepped in memory: an incident opens, agents speak, the coordinator decides."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from agents.desk import Desk
from agents.models.model import NoPanel, Panel
from agents.playbooks.book import load_book
from connectors.evidence import Gatherer
from schemas.catalog import TICKS_PREFIX, key_of, topic_of
from schemas.decision import RcaDecided
from schemas.envelope import Event
from schemas.headers import event_headers
from streams.around import Around
from streams.known_services import KnownServices
from streams.memory import MemoryLog
from streams.pipeline import Given, PipelineConfig, stages
from streams.placed import Placed
from streams.stages.evidence import EvidenceNeeds
from streams.stages.schedule import ScheduleConfig
from tests.streams.stages.evidence_support import KEYS, gateway
from tests.streams.timeline import Timeline

DEADLINE_SECS = 260
_book = cache(load_book)


@dataclass
class Debates(Timeline):
    """The timeline of the incidents, with everything behind them. `away` are stages that do not run."""

    panel: Panel = field(default_factory=NoPanel)
    gatherers: Sequence[Gatherer] = ()
    schedule: ScheduleConfig = field(default_factory=lambda: ScheduleConfig(run_deadline_secs=DEADLINE_SECS))
    away: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.desk = Desk(_book(), self._seconds, self.panel)
        evidence = EvidenceNeeds(
            self.gatherers,
            Around(KnownServices(self.codec), self._seconds),
            gateway(*(one.tool for one in self.gatherers)),
            KEYS,
            self._seconds,
        )
        given = Given(self.codec, evidence=evidence, desk=self.desk)
        config = PipelineConfig(dedup=self.config, schedule=self.schedule)
        self.all: list[Placed] = list(stages(config, given))
        for placed in self.all:
            placed.runner.clock = lambda: self.now
        self.log = MemoryLog(self._present(), self.codec, lambda: self.now, batch=self.batch)

    def _seconds(self) -> float:
        return self.now / 1000

    def _present(self) -> list[Placed]:
        return [placed for placed in self.all if placed.name not in self.away]

    async def run(self) -> Debates:
        self.log.stages = self._present()
        await self.log.run()
        return self

    async def back(self, *names: str) -> Debates:
        self.away -= set(names)
        return await self.run()

    def put(self, event: Event) -> None:
        """Write an event to its topic by hand."""
        headers = event_headers(event, "application/avro", b"1" * 32, b"test")
        self.log.append(topic_of(type(event)).name, self.codec.encode(event), key_of(event), headers)

    @property
    def decisions(self) -> list[RcaDecided]:
        return [event for event in self.log.events("rca.decisions") if isinstance(event, RcaDecided)]

    def starts(self) -> list[Any]:
        """In the order of time: partitions have none between them."""
        started = [event for event in self.log.events("runs") if event.type == "run.started"]
        return sorted(started, key=lambda event: (event.recorded_at, event.payload.number))

    def ends(self) -> list[Any]:
        return [event for event in self.log.events("runs") if event.type != "run.started"]

    def asked_models(self) -> list[bool]:
        return [event.payload.models for event in self.starts()]

    def late(self) -> list[Any]:
        return [event.payload for event in self.log.events("rca.decisions") if event.type == "rca.late"]

    def moves(self) -> list[tuple[str, str]]:
        moved = (event for event in self.log.events("incidents") if event.type == "incident.moved")
        return [(event.payload.status, event.payload.reason) for event in moved]

    def times_written(self, kind: str) -> int:
        """Copies among them."""
        logs = (log for (topic, _), log in self.log.topics.items() if not topic.startswith(TICKS_PREFIX))
        return sum(record.event.type == kind for log in logs for record in log)


def only(events: Iterable[Any]) -> Any:
    [event] = events
    return event
