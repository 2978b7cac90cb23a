"""The incident: an open fingerprint, and what happens to it."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar, Literal

from pydantic import Field

from schemas.alert import Alert, ResourceType, Severity
from schemas.envelope import Event, Long, Moment, Plain
from schemas.silence import QuietKind


class IncidentStatus(StrEnum):
    PENDING = "PENDING"
    INVESTIGATING = "INVESTIGATING"
    WAITING_APPROVAL = "WAITING_APPROVAL"
    EXECUTING = "EXECUTING"
    MITIGATED = "MITIGATED"
    ESCALATED = "ESCALATED"
    RESOLVED = "RESOLVED"
    EXPIRED = "EXPIRED"


class Counts(Plain):
    """What the fingerprint has seen; cumulative, so that the latest event tells all."""

    fingerprint: str = Field(description="identity within the project, 16 hex digits")
    severity: Severity = Field(description="of the latest alert")
    highest_severity: Severity = Field(description="highest seen while open")
    hit_count: Long = Field(description="alerts counted on this incident, the opening one among them")
    opened_at: Moment = Field(description="when its first alert was received")
    last_seen_at: Moment = Field(description="when its latest alert was received")
    generation: Long = Field(description="how often it was reopened")
    count_5m: Long = Field(description="alerts of this fingerprint in the last 5 minutes")
    count_1h: Long = Field(description="in the last hour")
    count_24h: Long = Field(description="in the last 24 hours")
    last_occurrence_at: Moment | None = Field(
        None, description="the fingerprint's last alert before this incident (re)opened"
    )


class Sighting(Counts):
    """Counts, with the alert that made the difference and the incident's facts for SQL."""

    alert_type: str = Field(description="what kind of alert")
    source: str = Field(description="the stack it came from")
    message: str = Field(description="in one sentence, personal values covered")
    cluster: str = Field(description="where it came from")
    namespace: str | None = Field(None, description="Kubernetes namespace")
    target_resource: str | None = Field(None, description="name of what it is about")
    resource_type: ResourceType | None = Field(None, description="what kind of thing that is")
    alert: Alert = Field(description="the alert that made the difference")


class IncidentOpened(Event):
    """First sight of a fingerprint: an incident was opened."""

    type: Literal["incident.opened"] = "incident.opened"
    payload: Sighting
    id_over: ClassVar[str] = "the alert that opened it"


class IncidentHit(Event):
    """One or more repeats were counted on an open incident; cumulative."""

    type: Literal["incident.hit"] = "incident.hit"
    payload: Counts
    id_over: ClassVar[str] = "the incident and its hit count"


class IncidentSeverityRaised(Event):
    """A repeat was more severe than anything seen before on this incident."""

    type: Literal["incident.severity_raised"] = "incident.severity_raised"
    payload: Sighting
    id_over: ClassVar[str] = "the alert that raised it"


class IncidentReopened(Event):
    """It fired again within the reopen window."""

    type: Literal["incident.reopened"] = "incident.reopened"
    payload: Sighting
    id_over: ClassVar[str] = "the alert that reopened it"


class Closure(Counts):
    resolved_at: Moment | None = Field(None, description="when it resolved; none where it expired")
    reason: str = Field(description="alert_resolved, heartbeat_returned, closed_by_person or silent_too_long")


class IncidentResolved(Event):
    """Its alert resolved, or a person closed it."""

    type: Literal["incident.resolved"] = "incident.resolved"
    payload: Closure
    id_over: ClassVar[str] = "the alert or the request that closed it"


class IncidentExpired(Event):
    """Its alert fell silent for too long."""

    type: Literal["incident.expired"] = "incident.expired"
    payload: Closure
    id_over: ClassVar[str] = "the incident and its generation, never the tick"


class Move(Plain):
    status: IncidentStatus = Field(description="its state now")
    previous: IncidentStatus = Field(description="its state before")
    reason: str = Field(description="short constant")


class IncidentMoved(Event):
    """Its state changed."""

    type: Literal["incident.moved"] = "incident.moved"
    payload: Move
    id_over: ClassVar[str] = "the event that moved it"


class Quieted(Plain):
    silence_id: str = Field(description="of the silence, window or freeze; of an inhibition rule and cause")
    kind: QuietKind = Field(description="silence, maintenance, freeze or inhibition")
    active: bool = Field(description="false: it is over, or is no longer about this incident")
    by: str = Field("", description="who set it; of an inhibition the rule")
    comment: str = Field("", description="why, in the words of who set it")
    until: Moment | None = Field(None, description="when it ends, where that is known")
    set_in: str = Field("", description="awoooi, or the system that it was set in")


class IncidentSilenced(Event):
    """Somebody keeps it quiet, or no longer does: while so, nothing is done to it without a person."""

    type: Literal["incident.silenced"] = "incident.silenced"
    payload: Quieted
    id_over: ClassVar[str] = "the incident, and how often its quiet changed"


class Link(Plain):
    parent_incident_id: str = Field(description="the older incident that it belongs to")
    service: str = Field(description="the service that it is about, as the topology calls it")
    parent_service: str = Field(description="the one that the parent is about")
    path: tuple[str, ...] = Field(description="the services from one to the other, each needing the next")
    distance: Long = Field(description="hops between them; 0: the same service")
    root_candidate: str = Field(description="of the services that are linked, what all of them need, so far")


class IncidentLinked(Event):
    """It opened soon after another, on a service that the topology connects with the other's."""

    type: Literal["incident.linked"] = "incident.linked"
    payload: Link
    id_over: ClassVar[str] = "the incident and its parent"


# -- what people say of it: personal values covered, the real ones sealed in the envelope

PERSON_ASKED = "the request, so that sending it again is the same event"


class Acknowledgement(Plain):
    note: str = Field("", description="in the person's words, empty where none were given")


class IncidentAcknowledged(Event):
    """A person said that they look at it."""

    type: Literal["incident.acknowledged"] = "incident.acknowledged"
    payload: Acknowledgement
    id_over: ClassVar[str] = PERSON_ASKED


class Assignment(Plain):
    assignee: str = Field(description="whose it is from now on; empty: nobody's")
    note: str = Field("", description="in the person's words, empty where none were given")


class IncidentAssigned(Event):
    """A person said whose it is."""

    type: Literal["incident.assigned"] = "incident.assigned"
    payload: Assignment
    id_over: ClassVar[str] = PERSON_ASKED


class Comment(Plain):
    text: str = Field(description="in the person's words")


class IncidentCommented(Event):
    """A person wrote something beside it."""

    type: Literal["incident.commented"] = "incident.commented"
    payload: Comment
    id_over: ClassVar[str] = PERSON_ASKED


class CancelRequest(Plain):
    run_id: str = Field("", description="the run that is meant, another goes on; empty: whichever is pending")
    reason: str = Field("", description="in the person's words, empty where none were given")


class IncidentCancelRequested(Event):
    """A person asked to call off the pending run, and its approval with it; the runs stage decides."""

    type: Literal["incident.cancel_requested"] = "incident.cancel_requested"
    payload: CancelRequest
    id_over: ClassVar[str] = PERSON_ASKED


class RerunRequest(Plain):
    note: str = Field("", description="in the person's words: evidence of the new run")


class IncidentRerunRequested(Event):
    """A person asked for a new run; the runs stage asks for it once none is pending."""

    type: Literal["incident.rerun_requested"] = "incident.rerun_requested"
    payload: RerunRequest
    id_over: ClassVar[str] = PERSON_ASKED


class CauseVerdict(StrEnum):
    RIGHT = "right"
    WRONG = "wrong"


class CauseJudgement(Plain):
    verdict: CauseVerdict = Field(description="of the cause that the run named")
    cause: str = Field("", description="the real one in the person's words, empty where it is not known")
    service: str = Field("", description="whose fault it was, empty where it is not known")


class IncidentCauseJudged(Event):
    """A person said whether the cause that a run named is the right one; `run_id` says which run."""

    type: Literal["incident.cause_judged"] = "incident.cause_judged"
    payload: CauseJudgement
    id_over: ClassVar[str] = PERSON_ASKED


INCIDENT_EVENTS: tuple[type[Event], ...] = (
    IncidentOpened,
    IncidentHit,
    IncidentSeverityRaised,
    IncidentMoved,
    IncidentLinked,
    IncidentResolved,
    IncidentReopened,
    IncidentExpired,
    IncidentSilenced,
    IncidentAcknowledged,
    IncidentAssigned,
    IncidentCommented,
    IncidentCancelRequested,
    IncidentRerunRequested,
    IncidentCauseJudged,
)
