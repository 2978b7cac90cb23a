"""Starts the runs that were asked for. Key: project.

It sees a project's requests together: rates, storms, correlation and budgets belong here and here alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from schemas import ids
from schemas.draft import Draft, envelope
from schemas.envelope import Event, to_millis
from schemas.errors import BadPayload, Never
from schemas.run import RunRequested, RunStarted
from streams.runner import stage_failed
from streams.stage import Events, Keyed, KeyedBase, Now, Record, State, pack, unpack


@dataclass(frozen=True, slots=True)
class ScheduleConfig:
    run_deadline_secs: float = 260


@dataclass(slots=True)
class Project(State):
    started: int = 0


class Schedule(KeyedBase[Project]):
    name = "schedule"
    reads: tuple[str, ...] = ("runs.requests",)

    def __init__(self, config: ScheduleConfig, epoch: str = "") -> None:
        self._deadline = int(config.run_deadline_secs * 1000)
        self._epoch = epoch

    def load(self, key: bytes, row: bytes | None) -> Project:
        if row is None:
            return Project()
        seen, started = unpack(row)
        return Project(seen, False, started)

    def dump(self, state: Project) -> bytes | None:
        return pack([state.seen, state.started])

    async def handle(self, record: Record, state: Project, now: Now) -> Events:
        kind, request = record.plain
        if kind is not RunRequested:
            raise BadPayload(f"{kind.type_name()} has no place here", field="type")
        self.note(record, state)
        state.started += 1
        return [self._start(request, now)]

    def _start(self, request: dict[str, Any], now: Now) -> Draft:
        asked = request["payload"]
        plain = envelope(
            RunStarted,
            event_id=ids.derive_id("run.started", request["run_id"]),
            project_id=request["project_id"],
            incident_id=request["incident_id"],
            run_id=request["run_id"],
            occurred_at=to_millis(request["occurred_at"]),
            recorded_at=now.millis,
            stage=self.name,
            causes=(request["event_id"],),
            sealed=request["sealed"],
            payload={
                "number": asked["number"],
                "reason": asked["reason"],
                "severity": asked["severity"],
                "deadline_at": now.millis + self._deadline,
                "models": True,
                "sighting": asked["sighting"],
            },
        )
        return Draft(RunStarted, request["incident_id"].encode(), plain)

    def dead_letter(self, record: Record, error: Never, now: Now) -> Event:
        return stage_failed(self.name, record, error, now, self._epoch)


def check_contract(stage: Schedule) -> Keyed[Project]:
    return stage
