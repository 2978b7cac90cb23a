"""What is said of a run where that run is not met as it should be: topics have no order between them.

A worker that dies between its request and its row may read the answer before it reads again what it asked
for: that is kept until then. And a place in a queue may be drawn for a run that was called off meanwhile.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from schemas import ids
from schemas.catalog import event_classes
from schemas.draft import Draft
from schemas.envelope import Event, to_millis
from schemas.run import EndReason, RunSettled, RunState
from streams.stage import Events, Now
from streams.stages.incident_row import Incident, Plain
from streams.stages.run_writing import about

MOST_AHEAD = 8
LONGEST_TEXT = 500
_ENVELOPE = ("event_id", "project_id", "incident_id", "run_id", "occurred_at")
_PAYLOAD = (
    *("number", "attempt", "reason", "severity", "release_at", "ticket", "detail", "child", "parent", "heir"),
    *("state", "error_code", "session_status", "usage", "outcome", "rule", "approval_id", "signed_by"),
    *("expires_at", "undoes", "undo_id"),
)
"""of all that is said of runs, what this stage looks at"""


def is_ahead(event: Plain, state: Incident) -> bool:
    """Of the run that this row will ask for next: it has done so, and the row was lost."""
    return bool(event["run_id"] == ids.run_id(state.incident_id, state.runs + 1))


def keep(kind: type[Event], event: Plain, at: int, state: Incident) -> Events:
    told = event["payload"]
    payload = {name: _plain(told[name]) for name in _PAYLOAD if name in told}
    if "hypothesis" in told:
        payload["hypothesis"] = {"playbook": (told["hypothesis"] or {}).get("playbook", "")}
    kept = {name: _plain(event[name]) for name in _ENVELOPE} | {"actor": "", "sealed": None}
    state.ahead = [*state.ahead, [kind.type_name(), at, kept | {"payload": payload}]][:MOST_AHEAD]
    return ()


def met(state: Incident) -> list[tuple[type[Event], Plain, Incident, int]]:
    """What was kept of the run that is pending now."""
    pending = state.pending_run
    mine = [(kind, event, at) for kind, at, event in state.ahead if event["run_id"] == pending]
    state.ahead = [kept for kept in state.ahead if is_ahead(kept[2], state)]
    return [(event_classes()[kind], event, state, at) for kind, event, at in mine]


def leaves_unanswered(state: Incident) -> None:
    """The pending run ends while it is being asked for: what is drawn for it is nobody's."""
    asked = state.asked
    if asked and not asked.until:
        state.unanswered = [state.runs, asked.attempt, asked.ticket]


def given_back(event: Plain, number: int, state: Incident, now: Now) -> list[Draft]:
    """The place in the queue that it names, where nobody holds it."""
    told = event["payload"]
    if not number or not (_drawn_twice(told, number, state) or _drawn_late(told, number, state)):
        return []
    plain = about(RunSettled, event, now)
    ticket = f"{told['severity']}/{told['ticket']}"
    plain["event_id"] = ids.derive_id("run.settled", event["run_id"], ticket)
    plain["run_id"] = event["run_id"]
    plain["payload"] = {
        "number": number,
        "state": RunState.CANCELLED,
        "reason": EndReason.CANCELLED,
        "closed": False,
        "queued_as": told["severity"],
        "ticket": told["ticket"],
    }
    return [Draft(RunSettled, event["project_id"].encode(), plain)]


def _drawn_twice(told: Plain, number: int, state: Incident) -> bool:
    asked = state.asked
    if asked is None or not asked.until or number != state.runs or asked.attempt != told["attempt"]:
        return False
    return bool(asked.ticket != told["ticket"])


def _drawn_late(told: Plain, number: int, state: Incident) -> bool:
    """Its run had ended by then; what it held before was given back with that."""
    *run, held = state.unanswered or (0, 0, 0)
    return run == [number, told["attempt"]] and told["ticket"] not in (0, held)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return to_millis(value)
    return value[:LONGEST_TEXT] if isinstance(value, str) else value
