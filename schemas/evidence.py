"""What was gathered for a run: the one snapshot that all five agents argue about.

Every event of the run carries it on, so that a turn can be understood, repeated and audited alone.
"""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar, Literal

from pydantic import Field

from schemas.alert import ResourceType, Severity
from schemas.envelope import Event, Long, Moment, Plain
from schemas.operations import Target
from schemas.run import RunReason


class Source(StrEnum):
    ALERT = "alert"
    KUBERNETES = "kubernetes"
    PROMETHEUS = "prometheus"
    TOPOLOGY = "topology"
    HISTORY = "history"
    SILENCES = "silences"
    PERSON = "person"


WRITTEN = frozenset({Source.ALERT, Source.PERSON})
"""what somebody wrote: it may be read, and shows nothing by itself"""


class EvidenceItem(Plain):
    """One thing that was seen. What cites it names its id."""

    id: str = Field(description="within the run: E1, E2, …")
    source: Source = Field(description="where it was read")
    kind: str = Field(description="pod, deployment, event, series, metric, blame, past_incident, silence, …")
    about: str = Field("", description="the service or resource that it tells of")
    observed_at: Moment = Field(description="the time it tells of")
    text: str = Field(description="one line for people and models, personal values covered")
    numbers: dict[str, float] = Field(default_factory=dict, description="what rules can compare")
    words: dict[str, str] = Field(default_factory=dict, description="states, reasons, conditions")


class Gap(Plain):
    """What could not be had, and why: never an error of the run."""

    source: Source = Field(description="which part is missing")
    reason: str = Field(description="in one sentence")


class NodeKind(StrEnum):
    DATABASE = "database"
    CACHE = "cache"
    QUEUE = "queue"
    SERVICE = "service"
    INGRESS = "ingress"
    NODE = "node"


class Health(StrEnum):
    HEALTHY = "healthy"
    DEGRADED = "degraded"
    UNHEALTHY = "unhealthy"
    UNKNOWN = "unknown"


class Neighbour(Plain):
    """A service around the target, in the direction that it was reached."""

    service: str = Field(description="its name")
    kind: NodeKind = Field(description="what it is")
    health: Health = Field(description="from open incidents and metrics")
    distance: Long = Field(description="hops from the target")


class Suspect(Plain):
    """A candidate for the root cause, best first."""

    service: str = Field(description="its name")
    kind: NodeKind = Field(description="what it is")
    health: Health = Field(description="from open incidents and metrics")
    distance: Long = Field(description="hops from the target; 0 is the target itself")
    share: float = Field(description="how much of the symptom it explains, 0 to 1")
    why: str = Field(description="what speaks against it, in one sentence")


class Surroundings(Plain):
    """The slice of the topology around the target."""

    service: str = Field("", description="the target as the topology names it; empty: not in it")
    upstream: tuple[Neighbour, ...] = Field((), description="who depends on it: the blast radius")
    downstream: tuple[Neighbour, ...] = Field((), description="what it depends on")
    suspects: tuple[Suspect, ...] = Field((), description="root-cause candidates, best first")
    needs: dict[str, tuple[str, ...]] = Field(
        default_factory=dict, description="of those named here: which needs which"
    )
    truncated: bool = Field(False, description="more was found than is kept here")


class Subject(Plain):
    """What the run is about: the incident as the agents may see it."""

    alert_type: str = Field(description="what kind of alert")
    severity: Severity = Field(description="highest seen on the incident")
    source: str = Field(description="the stack it came from")
    message: str = Field(description="in one sentence, personal values covered")
    description: str = Field("", description="at length, personal values covered")
    resource_type: ResourceType | None = Field(None, description="what kind of thing it is about")
    target: Target = Field(description="what it is about")
    labels: dict[str, str] = Field(default_factory=dict, description="as sent, personal values covered")
    hit_count: Long = Field(description="alerts counted on the incident")
    opened_at: Moment = Field(description="when its first alert was received")
    last_seen_at: Moment = Field(description="when its latest alert was received")
    sanitized: bool = Field(False, description="hostile text was replaced")


class Brief(Plain):
    """What every stage of a run is given: subject, evidence, time."""

    number: Long = Field(description="which run of the incident, from 1")
    reason: RunReason = Field(description="why it was asked for")
    started_at: Moment = Field(description="when the run began")
    deadline_at: Moment = Field(description="when the whole run must have ended")
    models: bool = Field(True, description="false: the budget is spent, rules only")
    debate: bool = Field(True, description="false: the project has it off, rules only and a person decides")
    cloud: bool = Field(True, description="false: the privacy shield failed, no cloud model is asked")
    subject: Subject = Field(description="the incident")
    items: tuple[EvidenceItem, ...] = Field((), description="what was seen")
    gaps: tuple[Gap, ...] = Field((), description="what could not be had")
    surroundings: Surroundings = Field(default_factory=Surroundings, description="topology around it")
    targets: tuple[Target, ...] = Field((), description="all that evidence names: nothing else is acted on")
    evidence_id: str = Field("", description="the evidence.collected event; empty within that event itself")


class EvidenceCollected(Event):
    """A snapshot was gathered for a run; what could not be had is in its gaps."""

    type: Literal["evidence.collected"] = "evidence.collected"
    payload: Brief
    id_over: ClassVar[str] = "the run"
