"""Asks for runs, keeps an incident's state, and ends a run once. Key: incident.

Rates, storms and budgets are the scheduler's: it sees a project's requests together.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from schemas import ids
from schemas.decision import RcaDecided
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
from schemas.run import RunReason, RunRequested, RunSpent, RunStarted
from streams import windows
from streams.runner import stage_failed
from streams.stage import Events, Keyed, KeyedBase, Now, Record, State, pack, unpack

KEPT_AFTER_CLOSING = 2 * windows.DAY
PASSED_OVER = (IncidentHit.type_name().encode(), IncidentMoved.type_name().encode())
ASKS: dict[type[Event], RunReason] = {
    IncidentOpened: RunReason.OPENED,
    IncidentReopened: RunReason.REOPENED,
    IncidentSeverityRaised: RunReason.SEVERITY_RAISED,
}
ENDS: dict[type[Event], IncidentStatus] = {
    IncidentResolved: IncidentStatus.RESOLVED,
    IncidentExpired: IncidentStatus.EXPIRED,
}
ASKED_FROM = ("event_id", "sealed", "payload")
Plain = dict[str, Any]


@dataclass(slots=True)
class Incident(State):
    status: str = ""
    runs: int = 0
    pending_run: str = ""
    """the run that was asked for and has not ended"""
    wanted: Plain | None = None
    """the run to ask for once the pending one ends: why, and what it starts from"""
    closed_at: int = 0
    """epoch milliseconds; 0 while it is open"""
    forgotten: bool = False


class Runs(KeyedBase[Incident]):
    name = "runs"
    reads: tuple[str, ...] = ("incidents", "runs", "rca.decisions")

    def __init__(self, epoch: str = "") -> None:
        self._epoch = epoch

    def load(self, key: bytes, row: bytes | None) -> Incident:
        if row is None:
            return Incident()
        closed_at, seen, status, runs, pending_run, wanted = unpack(row)
        return Incident(seen, False, status, runs, pending_run, wanted and opened(wanted), closed_at)

    def dump(self, state: Incident) -> bytes | None:
        if state.forgotten:
            return None
        wanted = state.wanted and kept(state.wanted)
        return pack([state.closed_at, state.seen, state.status, state.runs, state.pending_run, wanted])

    def due(self, row: bytes) -> int | None:
        """A closed incident is forgotten when it can no longer be reopened, with a day to spare."""
        closed_at = int(row[1 : row.index(b",")])
        return closed_at + KEPT_AFTER_CLOSING if closed_at else None

    async def wake(self, state: Incident, now: Now) -> Events:
        if state.closed_at and state.closed_at + KEPT_AFTER_CLOSING <= now.millis:
            state.forgotten = state.changed = True
        return ()

    async def handle(self, record: Record, state: Incident, now: Now) -> Events:
        if record.header("ce_type") in PASSED_OVER:
            return ()  # nearly all of the traffic; a repeat asks for nothing while a run is pending
        kind, event = record.plain
        self.note(record, state)
        if kind in ASKS:
            return self._ask(event, ASKS[kind], state, now)
        if kind is RunStarted:
            if event["run_id"] != state.pending_run:
                return ()  # its end was read first: topics have no order between them
            return self._move(event, IncidentStatus.INVESTIGATING, "run_started", state, now)
        if kind is RcaDecided:
            return self._decided(event, state, now)
        if kind in ENDS:
            state.status = ENDS[kind]
            state.closed_at = to_millis(event["occurred_at"])
        return ()

    def _ask(self, event: Plain, reason: RunReason, state: Incident, now: Now) -> Events:
        if reason is not RunReason.SEVERITY_RAISED:
            state.status, state.closed_at = IncidentStatus.PENDING, 0
        asked = {"reason": reason, **{name: event[name] for name in ASKED_FROM}}
        if state.pending_run:
            state.wanted = asked
            return ()
        return [self._request(asked, event, state, now)]

    def _request(self, asked: Plain, told_by: Plain, state: Incident, now: Now) -> Draft:
        state.runs += 1
        state.pending_run = ids.run_id(told_by["incident_id"], state.runs)
        sighting = asked["payload"]
        plain = self._envelope(RunRequested, {**told_by, "event_id": asked["event_id"]}, now)
        plain["event_id"] = ids.derive_id("run.requested", state.pending_run)
        plain["run_id"] = state.pending_run
        plain["sealed"] = asked["sealed"]
        plain["payload"] = {
            "number": state.runs,
            "reason": asked["reason"],
            "severity": sighting["highest_severity"],
            "sighting": sighting,
            "note": None,
        }
        return Draft(RunRequested, told_by["project_id"].encode(), plain)

    # -- endings

    def _decided(self, event: Plain, state: Incident, now: Now) -> Events:
        """The debate is over. What it cost is told; while nobody acts on decisions, the run ends with it."""
        if event["run_id"] != state.pending_run:
            return ()
        package = event["payload"]
        moved = self._move(event, IncidentStatus.ESCALATED, f"rca_{package['branch']}", state, now)
        spent = self._spent(event, now)
        state.pending_run, wanted, state.wanted = "", state.wanted, None
        again = [self._request(wanted, event, state, now)] if wanted and not state.closed_at else []
        return [spent, *moved, *again]

    def _spent(self, event: Plain, now: Now) -> Draft:
        usage = event["payload"]["usage"]
        plain = self._envelope(RunSpent, event, now)
        plain["event_id"] = ids.derive_id("run.spent", event["run_id"])
        plain["run_id"] = event["run_id"]
        plain["payload"] = {name: usage[name] for name in ("tokens_in", "tokens_out", "cost_usd")}
        return Draft(RunSpent, event["project_id"].encode(), plain)

    # -- what is written

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


def kept(wanted: Plain) -> Plain:
    """As a row can hold it: times in milliseconds, ciphertext as base64."""
    sealed = wanted["sealed"]
    return {
        **_in_millis(wanted),
        "sealed": None if sealed is None else b64encode(sealed).decode(),
    }


def opened(wanted: Plain) -> Plain:
    return {**wanted, "sealed": None if wanted["sealed"] is None else b64decode(wanted["sealed"])}


def _in_millis(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _in_millis(item) for name, item in value.items()}
    return to_millis(value) if isinstance(value, datetime) else value


def check_contract(stage: Runs) -> Keyed[Incident]:
    return stage
