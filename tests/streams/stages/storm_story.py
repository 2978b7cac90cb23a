"""A storm as the stages hear of it: alerts of many fingerprints, a small topology, what became of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from schemas.codec import Codec
from schemas.run import RunSettled
from schemas.topology import observed
from streams.connected import Connected
from streams.known_services import KnownServices
from streams.rows import PartitionRows
from streams.stages.schedule import ScheduleConfig
from streams.stages.schedule_row import Project
from streams.stages.storm import StormConfig
from tests.streams.stages.run_story import RunStory

NEEDS: Mapping[str, Sequence[str]] = {
    "shop": ["orders"],
    "orders": ["postgres"],
    "cart": ["postgres"],
    "postgres": [],
    "mail": [],
}
WINDOW = 300


def topology() -> Connected:
    told = [observed("test", name, depends_on=needs) for name, needs in NEEDS.items()]
    return Connected(KnownServices(Codec(), fixed=told), clock=lambda: 0.0)


def storms(threshold: int, released: int = 30, critical: int = 30, **more: Any) -> ScheduleConfig:
    return ScheduleConfig(storm=StormConfig(threshold, released, critical), **more)


@dataclass
class StormStory(RunStory):
    """`open("a", "b")` fires an alert of its own for each; `of("a")` is the incident's id."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._named: dict[str, str] = {}

    def opens(self, *names: str, severity: str = "warning", **more: Any) -> StormStory:
        for name in names:
            self.fire(fingerprint=fingerprint_of(name), severity=severity, **more)
        return self

    def resolves(self, name: str) -> StormStory:
        self.resolve(fingerprint=fingerprint_of(name), started=0)
        return self

    def about(self, number: int = 0) -> dict[str, Any]:
        asked = [one for one in self.requests if one.incident_id == self.incident]
        return super().about(number or max(one.payload.number for one in asked))

    async def wait(self, seconds: float, step: float = 1) -> StormStory:
        for _ in range(round(seconds / step)):
            self.pass_seconds(step)
            await self.tick()
        return self

    def of(self, name: str) -> str:
        wanted = fingerprint_of(name)
        return next(
            one.incident_id
            for one in self.log.events("incidents")
            if one.type == "incident.opened" and one.payload.fingerprint == wanted
        )

    def name_of(self, incident_id: str) -> str:
        found = (one for one in self.log.events("incidents") if one.incident_id == incident_id)
        return bytes.fromhex(next(found).payload.fingerprint).decode().rstrip()

    def told(self, kind: str) -> list[Any]:
        return [one for one in self.log.events("runs") if one.type == kind]

    def names(self, kind: str) -> list[str]:
        return [self.name_of(one.incident_id) for one in self.told(kind)]

    @property
    def started_at(self) -> dict[str, int]:
        """When, in seconds from the beginning."""
        began = self.told("run.started")
        return {self.name_of(one.incident_id): int(one.recorded_at.timestamp()) for one in began}

    @property
    def settled(self) -> list[Any]:
        return [one for one in self.log.events("runs.requests") if isinstance(one, RunSettled)]

    @property
    def links(self) -> list[Any]:
        return [one for one in self.log.events("incidents") if one.type == "incident.linked"]

    @property
    def project(self) -> Project:
        """As the scheduler has it now."""
        return Project.of_row(b"default", self._kept()[b"default"])

    def project_row(self, change: Callable[[Project], None]) -> None:
        rows, project = self._kept(), self.project
        change(project)
        rows.apply({b"default": project.row()})

    def _kept(self) -> PartitionRows:
        [placed] = [one for one in self.log.stages if one.name == "schedule"]
        found = (self.log.rows(placed, number) for number in range(self.log.partitions))
        return next(rows for rows in found if b"default" in rows)

    def ended(self, name: str) -> list[tuple[str, str]]:
        incident = self.of(name)
        return [
            (str(end.payload.state), str(end.payload.reason))
            for end in self.ends
            if end.incident_id == incident
        ]

    def status(self, name: str) -> str:
        incident, found = self.of(name), "PENDING"
        for event in self.log.events("incidents"):
            if event.incident_id == incident and event.type == "incident.moved":
                found = str(event.payload.status)
        return found


def fingerprint_of(name: str) -> str:
    return name.ljust(8).encode().hex()
