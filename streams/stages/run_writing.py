"""What the runs stage writes, as events: that a run is asked for, has ended; that an incident moves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from schemas import ids
from schemas.decision import LearningCauseJudged
from schemas.draft import Draft, envelope
from schemas.envelope import Event
from schemas.incident import IncidentMoved, IncidentStatus
from schemas.run import RunCancelled, RunFinished, RunRequested, RunSettled, RunSpent, RunState
from streams.stage import Now
from streams.stages.incident_row import Asked, Awaited, Incident, Plain
from streams.stages.kept_sighting import millis_of, unpack_sighting
from streams.stages.run_endings import Ending

STAGE = "runs"


def about(kind: type[Event], event: Mapping[str, Any], now: Now) -> Plain:
    return envelope(
        kind,
        project_id=event["project_id"],
        incident_id=event["incident_id"],
        occurred_at=millis_of(event["occurred_at"]),
        recorded_at=now.millis,
        stage=STAGE,
        causes=(event["event_id"],),
    )


def by_time(state: Incident, awaited: Awaited) -> Plain:
    """What ends a run that nothing is heard of: for what is said of that, in place of an event."""
    return {
        "event_id": awaited.event_id,
        "project_id": awaited.project_id,
        "incident_id": state.incident_id,
        "run_id": state.pending_run,
        "occurred_at": awaited.until,
    }


def requested(
    state: Incident, asked: Asked, seen: tuple[bytes | None, Plain], occurred_at: Any, now: Now
) -> Draft:
    """The pending run; an attempt after the first is an event of its own."""
    sealed, sighting = seen
    run, attempt = state.pending_run, asked.attempt
    caused = {
        "event_id": asked.event_id,
        "project_id": asked.project_id,
        "incident_id": state.incident_id,
        "occurred_at": occurred_at,
    }
    plain = about(RunRequested, caused, now)
    plain["event_id"] = ids.derive_id("run.requested", run, *([str(attempt)] if attempt else []))
    plain["run_id"] = run
    plain["sealed"] = sealed
    plain["payload"] = {
        "number": state.runs,
        "reason": asked.reason,
        "severity": sighting["highest_severity"],
        "sighting": sighting,
        "note": asked.note,
        "attempt": attempt,
        "queued_as": asked.queued_as or None,
        "ticket": asked.ticket,
        "heir": asked.heir,
    }
    return Draft(RunRequested, asked.project_id.encode(), plain)


def asked_again(state: Incident, asked: Asked, occurred_at: Any, now: Now) -> list[Draft]:
    """Its turn has come, as far as it was told."""
    asked.until, asked.attempt = 0, asked.attempt + 1
    return [requested(state, asked, unpack_sighting(state.sighting), occurred_at, now)]


def hurried(state: Incident, asked: Asked, event: Plain, now: Now) -> list[Draft]:
    """It got worse, or a person asked, while it waited."""
    if state.wanted:
        asked.wants(state.wanted)
        state.wanted = None
    return asked_again(state, asked, event["occurred_at"], now)


def ended(state: Incident, ending: Ending, detail: str, event: Plain, actor: str, now: Now) -> Draft:
    called_off = ending.state is RunState.CANCELLED and not ending.never_began
    kind = RunCancelled if called_off else RunFinished
    plain = about(kind, event, now)
    plain["event_id"] = ids.ending_id("run", state.pending_run)
    plain["run_id"] = state.pending_run
    plain["actor"] = actor
    plain["payload"] = {
        "number": state.runs,
        "state": ending.state,
        "reason": ending.reason,
        "error_code": ending.code,
        "detail": detail,
        "parent": None,
        "heir": None,
    }
    return Draft(kind, plain["incident_id"].encode(), plain)


def settled(state: Incident, ending: Ending, event: Plain, now: Now) -> Draft:
    """For the scheduler: the pending run is over, and its place in a queue is free."""
    asked = state.asked or Asked()
    plain = about(RunSettled, event, now)
    plain["event_id"] = ids.derive_id("run.settled", state.pending_run)
    plain["run_id"] = state.pending_run
    plain["payload"] = {
        "number": state.runs,
        "state": ending.state,
        "reason": ending.reason,
        "closed": bool(state.closed_at),
        "queued_as": asked.queued_as or None,
        "ticket": asked.ticket,
    }
    return Draft(RunSettled, event["project_id"].encode(), plain)


def spent(event: Plain, now: Now) -> Draft:
    usage = event["payload"]["usage"]
    plain = about(RunSpent, event, now)
    plain["event_id"] = ids.derive_id("run.spent", event["run_id"])
    plain["run_id"] = event["run_id"]
    plain["payload"] = {name: usage[name] for name in ("tokens_in", "tokens_out", "cost_usd")}
    return Draft(RunSpent, event["project_id"].encode(), plain)


def moved(event: Plain, status: IncidentStatus, previous: str, reason: str, now: Now) -> Draft:
    plain = about(IncidentMoved, event, now)
    plain["event_id"] = ids.output_id("incident.moved", (event["event_id"],))
    plain["run_id"] = event["run_id"]
    plain["payload"] = {"status": status, "previous": previous, "reason": reason}
    return Draft(IncidentMoved, event["incident_id"].encode(), plain)


def judged(event: Plain, playbook: str, now: Now) -> Draft:
    told, run_id = event["payload"], event["run_id"]
    plain = about(LearningCauseJudged, event, now)
    plain["event_id"] = ids.output_id("learning.cause_judged", (event["event_id"],))
    plain["run_id"] = run_id
    plain["actor"] = event["actor"]
    plain["payload"] = {
        "session_id": run_id,
        "verdict": told["verdict"],
        "cause": told["cause"],
        "service": told["service"],
        "playbook": playbook,
    }
    return Draft(LearningCauseJudged, event["incident_id"].encode(), plain)
