"""A run that serves more than its own incident: whom, and what its end tells them.

The parent's row keeps its children; the scheduler says who they are, and the parent's end is written under
each child, with the child's own run. Children stay with their parent through the runs that it is given at
once after one that failed or was voided: they have no other.
"""

from __future__ import annotations

from typing import Any

from schemas import ids
from schemas.draft import Draft
from schemas.incident import IncidentStatus
from schemas.run import EndReason, RunFinished, RunReason, RunSettled, RunState
from streams.stage import Now
from streams.stages.answers import of_incident
from streams.stages.correlate import STILL_SERVES
from streams.stages.incident_row import Incident, Plain
from streams.stages.kept_sighting import millis_of
from streams.stages.run_endings import Ending
from streams.stages.run_writing import about

LONGEST_DETAIL = 500
KEPT_DETAIL = 200
PARENT_RESOLVED = Ending(
    RunState.VOIDED, EndReason.PARENT_RESOLVED, status=None, again=RunReason.PARENT_RESOLVED
)


def takes_in(told: Plain, state: Incident) -> bool:
    """Whether the pending run serves this child from now on."""
    if not state.phase or state.closed_at:
        return False
    child = told["child"]
    known = [child["incident_id"], child["number"], millis_of(told["opened_at"])]
    if known not in state.children:
        state.children = [*state.children, known]
    return True


def too_late(event: Plain, state: Incident, now: Now) -> list[Draft]:
    """The run that was to serve it is over. What left all to people says so of the child too."""
    told = event["payload"]
    child = [told["child"]["incident_id"], told["child"]["number"], 0]
    number, *kept = state.ended or (0,)
    if kept and number == told["parent"]["number"] and not state.closed_at:
        end_state, reason, code, detail = kept
        ending = Ending(RunState(end_state), EndReason(reason), code)
        return [_end(child, told["parent"], ending, detail, None, event, now)]
    return [_end(child, told["parent"], PARENT_RESOLVED, "", None, event, now), _gone(event, state, now)]


def pass_on(ending: Ending, detail: str, event: Plain, state: Incident, now: Now) -> list[Draft]:
    """The end of the pending run, under each child."""
    children, state.children = state.children, []
    if not children:
        return []
    heir = None
    if state.closed_at and ending.status is not IncidentStatus.MITIGATED:
        oldest = min(children, key=lambda child: (child[2], child[0]))
        ending, heir = PARENT_RESOLVED, of_incident(oldest[0], oldest[1] + 1)
        detail = "the incident whose run served it is over, and this one is not"
    parent = of_incident(state.incident_id, state.runs)
    return [_end(child, parent, ending, detail, heir, event, now) for child in children]


def hands_over(event: Plain, state: Incident, now: Now) -> list[Draft]:
    """The alert is over while its run goes on: the oldest child gets a run, the others share that."""
    handed = pass_on(PARENT_RESOLVED, "", event, state, now)
    return [*handed, _gone(event, state, now)] if handed else []


def keep_end(state: Incident, ending: Ending, detail: str) -> None:
    """For a child that is still on its way."""
    serves = ending.reason in STILL_SERVES
    state.ended = (
        [state.runs, ending.state, ending.reason, ending.code, detail[:KEPT_DETAIL]] if serves else None
    )


def ending_by(told: Plain) -> Ending:
    """How a shared run ends for its child."""
    if told["reason"] == EndReason.PARENT_RESOLVED:
        return PARENT_RESOLVED
    helped = told["reason"] == EndReason.VERIFIED
    status = IncidentStatus.MITIGATED if helped else IncidentStatus.ESCALATED
    return Ending(RunState(told["state"]), EndReason(told["reason"]), told["error_code"], status)


def _end(
    child: list[Any], parent: Plain, ending: Ending, detail: str, heir: Plain | None, event: Plain, now: Now
) -> Draft:
    incident, number, _ = child
    plain = about(RunFinished, {**event, "incident_id": incident}, now)
    plain["run_id"] = ids.run_id(incident, number)
    plain["event_id"] = ids.ending_id("run", plain["run_id"])
    served = f"served by run {parent['number']} of {parent['incident_id']}"
    plain["payload"] = {
        "number": number,
        "state": ending.state,
        "reason": ending.reason,
        "error_code": ending.code,
        "detail": f"{served}: {detail}"[:LONGEST_DETAIL] if detail else served,
        "parent": parent,
        "heir": heir,
    }
    return Draft(RunFinished, incident.encode(), plain)


def _gone(event: Plain, state: Incident, now: Now) -> Draft:
    """For the scheduler: this incident serves nobody any more."""
    plain = about(RunSettled, event, now)
    plain["event_id"] = ids.output_id("run.settled", (event["event_id"],))
    plain["run_id"] = ids.run_id(state.incident_id, max(1, state.runs))
    plain["payload"] = {
        "number": max(1, state.runs),
        "state": RunState.VOIDED,
        "reason": EndReason.PARENT_RESOLVED,
        "closed": True,
        "queued_as": None,
        "ticket": 0,
    }
    return Draft(RunSettled, event["project_id"].encode(), plain)
