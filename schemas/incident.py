"""The incident: an open fingerprint, and what happens to it."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar, Literal

from pydantic import Field

from schemas.alert import Alert, ResourceType, Severity
from schemas.envelope import Event, Long, Moment, Plain


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
    reason: str = Field(description="alert_resolved, closed_by_person or silent_too_long")


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
