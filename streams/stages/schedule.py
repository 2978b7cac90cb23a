"""Starts the runs that were asked for. Key: project.

It sees a project's requests together: rates, storms, correlation and budgets belong here and here alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from schemas import ids
from schemas.envelope import Event
from schemas.errors import BadPayload, Never
from schemas.run import RunRequested, RunStart, RunStarted
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
        self._deadline = timedelta(seconds=config.run_deadline_secs)
        self._epoch = epoch

    def load(self, key: bytes, row: bytes | None) -> Project:
        if row is None:
            return Project()
        seen, started = unpack(row)
        return Project(seen, False, started)

    def dump(self, state: Project) -> bytes | None:
        return pack([state.seen, state.started])

    async def handle(self, record: Record, state: Project, now: Now) -> Events:
        request = record.event
        if not isinstance(request, RunRequested):
            raise BadPayload(f"{request.type} has no place here", field="type")
        self.note(record, state)
        state.started += 1
        return [self._start(request, now)]

    def _start(self, request: RunRequested, now: Now) -> RunStarted:
        return RunStarted(
            event_id=ids.derive_id("run.started", request.run_id),
            project_id=request.project_id,
            incident_id=request.incident_id,
            run_id=request.run_id,
            occurred_at=request.occurred_at,
            recorded_at=now.moment,
            stage=self.name,
            causes=(request.event_id,),
            sealed=request.sealed,
            payload=RunStart(
                number=request.payload.number,
                reason=request.payload.reason,
                severity=request.payload.severity,
                deadline_at=now.moment + self._deadline,
                sighting=request.payload.sighting,
            ),
        )

    def dead_letter(self, record: Record, error: Never, now: Now) -> Event:
        return stage_failed(self.name, record, error, now, self._epoch)


def check_contract(stage: Schedule) -> Keyed[Project]:
    return stage
