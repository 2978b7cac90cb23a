"""Which of all that stands on its topics the runs stage takes in, and whether it is new."""

from __future__ import annotations

from schemas.decision import RcaDecided
from schemas.envelope import Event
from schemas.flapping import IncidentFlapping
from schemas.incident import (
    IncidentCancelRequested,
    IncidentCauseJudged,
    IncidentExpired,
    IncidentHit,
    IncidentOpened,
    IncidentReopened,
    IncidentRerunRequested,
    IncidentResolved,
    IncidentSeverityRaised,
    IncidentStatus,
)
from schemas.run import RunFinished, RunReason, RunShared, RunStarted, RunThrottled
from streams.stage import Record
from streams.stages.incident_row import Incident, Phase, Plain
from streams.stages.run_endings import EXECUTED, STEPS, TOLD_BY, UNDONE

HIT, FINISHED = IncidentHit.type_name().encode(), RunFinished.type_name().encode()
SIGHTINGS: dict[type[Event], RunReason] = {
    IncidentOpened: RunReason.OPENED,
    IncidentReopened: RunReason.REOPENED,
    IncidentSeverityRaised: RunReason.SEVERITY_RAISED,
}
ENDS: dict[type[Event], IncidentStatus] = {
    IncidentResolved: IncidentStatus.RESOLVED,
    IncidentExpired: IncidentStatus.EXPIRED,
}
ACTS = (IncidentRerunRequested, IncidentCancelRequested, IncidentCauseJudged)
OF_SCHEDULE = (RunStarted, RunThrottled, RunShared)
TAKEN: tuple[type[Event], ...] = (
    *SIGHTINGS,
    *ENDS,
    *ACTS,
    *TOLD_BY,
    *OF_SCHEDULE,
    IncidentFlapping,
    RcaDecided,
)
TAKEN_BY_HEADER = frozenset(kind.type_name().encode() for kind in TAKEN)
EXECUTION_BY_HEADER = frozenset(kind.encode() for kind in (*STEPS, *EXECUTED, UNDONE))
"""what else stands on these topics, repeats above all, is not even decoded"""


def matters(record: Record, state: Incident) -> bool:
    """By its header alone: nearly all of the traffic are repeats, and a pending run answers them all."""
    kind = record.header("ce_type")
    if kind is None:
        kind = record.plain[0].type_name().encode()
    if kind == HIT:
        free = not state.phase and not state.flapping and state.sighting != b""
        return free and 0 < state.repeat_at <= record.timestamp
    if kind == FINISHED:
        return state.phase in (Phase.NONE, Phase.ASKED, Phase.SHARED)
    return kind in TAKEN_BY_HEADER or kind in EXECUTION_BY_HEADER


def is_new(kind: type[Event], event: Plain, state: Incident) -> bool:
    """An incident opens once: what opened it need not be remembered."""
    return not state.status if kind is IncidentOpened else state.takes(event["event_id"])
