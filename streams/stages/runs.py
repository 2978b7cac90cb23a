"""Asks for runs, keeps an incident's state, and ends a run once. Key: incident.

Rates, storms and budgets are the scheduler's: it sees a project's requests together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from schemas import ids
from schemas.draft import Draft, envelope
from schemas.envelope import Event, to_millis
from schemas.errors import Never
from schemas.incident import (
    IncidentExpired,
    IncidentHit,
    IncidentMoved,
    IncidentOpened,
    IncidentReopened,
    IncidentResolved,
    IncidentSeverityRaised,
    IncidentStatus,
)
from schemas.run import RunReason, RunRequested, RunStarted
from streams import windows
from streams.runner import stage_failed
from streams.stage import Events, Keyed, KeyedBase, Now, Record, State, pack, unpack

KEPT_AFTER_CLOSING = 2 * windows.DAY
HIT = IncidentHit.type_name().encode()
ASKS: dict[type[Event], RunReason] = {
    IncidentOpened: RunReason.OPENED,
    IncidentReopened: RunReason.REOPENED,
    IncidentSeverityRaised: RunReason.SEVERITY_RAISED,
}
ENDS: dict[type[Event], IncidentStatus] = {
    IncidentResolved: IncidentStatus.RESOLVED,
    IncidentExpired: IncidentStatus.EXPIRED,
}
Plain = dict[str, Any]


@dataclass(slots=True)
class Incident(State):
    status: str = ""
    runs: int = 0
    pending_run: str = ""
    """the run that was asked for and has not ended"""
    wanted: str = ""
    """why another run is wanted once the pending one ends"""
    closed_at: int = 0
    """epoch milliseconds; 0 while it is open"""
    forgotten: bool = False


class Runs(KeyedBase[Incident]):
    name = "runs"
    reads: tuple[str, ...] = ("incidents", "runs")

    def __init__(self, epoch: str = "") -> None:
        self._epoch = epoch

    def load(self, key: bytes, row: bytes | None) -> Incident:
        if row is None:
            return Incident()
        closed_at, seen, status, runs, pending_run, wanted = unpack(row)
        return Incident(seen, False, status, runs, pending_run, wanted, closed_at)

    def dump(self, state: Incident) -> bytes | None:
        if state.forgotten:
            return None
        return pack([state.closed_at, state.seen, state.status, state.runs, state.pending_run, state.wanted])

    def due(self, row: bytes) -> int | None:
        """A closed incident is forgotten when it can no longer be reopened, with a day to spare."""
        closed_at = int(row[1 : row.index(b",")])
        return closed_at + KEPT_AFTER_CLOSING if closed_at else None

    async def wake(self, state: Incident, now: Now) -> Events:
        if state.closed_at and state.closed_at + KEPT_AFTER_CLOSING <= now.millis:
            state.forgotten = state.changed = True
        return ()

    async def handle(self, record: Record, state: Incident, now: Now) -> Events:
        if record.header("ce_type") == HIT:
            return ()  # nearly all of the traffic; a repeat asks for nothing while a run is pending
        kind, event = record.plain
        self.note(record, state)
        if kind in ASKS:
            return self._ask(event, ASKS[kind], state, now)
        if kind is RunStarted:
            return self._move(event, IncidentStatus.INVESTIGATING, "run_started", state, now)
        if kind in ENDS:
            state.status = ENDS[kind]
            state.closed_at = to_millis(event["occurred_at"])
        return ()

    def _ask(self, event: Plain, reason: RunReason, state: Incident, now: Now) -> Events:
        if reason is not RunReason.SEVERITY_RAISED:
            state.status, state.closed_at = IncidentStatus.PENDING, 0
        if state.pending_run:
            state.wanted = reason
            return ()
        state.runs += 1
        state.pending_run = ids.run_id(event["incident_id"], state.runs)
        sighting = event["payload"]
        plain = self._envelope(RunRequested, event, now)
        plain["event_id"] = ids.derive_id("run.requested", state.pending_run)
        plain["run_id"] = state.pending_run
        plain["sealed"] = event["sealed"]
        plain["payload"] = {
            "number": state.runs,
            "reason": reason,
            "severity": sighting["highest_severity"],
            "sighting": sighting,
        }
        return [Draft(RunRequested, event["project_id"].encode(), plain)]

    def _move(self, event: Plain, status: IncidentStatus, reason: str, state: Incident, now: Now) -> Events:
        previous = state.status
        if not previous or previous in (status, IncidentStatus.RESOLVED, IncidentStatus.EXPIRED):
            return ()
        state.status = status
        plain = self._envelope(IncidentMoved, event, now)
        plain["event_id"] = ids.output_id("incident.moved", (event["event_id"],))
        plain["run_id"] = event["run_id"]
        plain["payload"] = {"status": status, "previous": previous, "reason": reason}
        return [Draft(IncidentMoved, event["incident_id"].encode(), plain)]

    def _envelope(self, kind: type[Event], event: Plain, now: Now) -> Plain:
        return envelope(
            kind,
            project_id=event["project_id"],
            incident_id=event["incident_id"],
            occurred_at=to_millis(event["occurred_at"]),
            recorded_at=now.millis,
            stage=self.name,
            causes=(event["event_id"],),
        )

    def dead_letter(self, record: Record, error: Never, now: Now) -> Event:
        return stage_failed(self.name, record, error, now, self._epoch)


def check_contract(stage: Runs) -> Keyed[Incident]:
    return stage
