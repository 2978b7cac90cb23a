"""The alert: one firing or resolved signal, the same shape whatever stack it came from."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar, Literal

from pydantic import Field

from schemas.envelope import Event, Long, Moment, Plain


class Severity(StrEnum):
    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        return _RANK[self]


_RANK = {Severity.INFO: 0, Severity.WARNING: 1, Severity.CRITICAL: 2}


class AlertStatus(StrEnum):
    FIRING = "firing"
    RESOLVED = "resolved"


class ResourceType(StrEnum):
    POD = "pod"
    DEPLOYMENT = "deployment"
    SERVICE = "service"
    NODE = "node"
    STATEFULSET = "statefulset"
    DAEMONSET = "daemonset"
    JOB = "job"
    PVC = "pvc"
    HOST = "host"


Metric = float | bool | str


class AlertOrigin(Plain):
    epoch: str = Field("", description="log epoch; empty on a real cluster")
    topic: str = Field(description="raw topic")
    partition: Long = Field(description="of the raw topic")
    offset: Long = Field(description="in the partition")
    index: Long = Field(description="which alert of the record")


class Alert(Plain):
    alert_type: str = Field(description="what kind of alert: the same when it fires and when it resolves")
    severity: Severity = Field(description="as the source's word is mapped")
    source: str = Field(description="the stack it came from")
    message: str = Field(description="in one sentence, personal values covered")
    description: str | None = Field(None, description="at length, personal values covered")
    namespace: str | None = Field(None, description="Kubernetes namespace")
    target_resource: str | None = Field(None, description="name of what it is about")
    resource_type: ResourceType | None = Field(None, description="what kind of thing that is")
    cluster: str = Field("default", description="where it came from")
    metrics: dict[str, Metric] = Field(default_factory=dict, description="numbers named in the text")
    fired_at: Moment | None = Field(None, description="when it began, as the sender says")
    ends_at: Moment | None = Field(None, description="when it ended, as the sender says")
    received_at: Moment = Field(description="when the raw record was written")
    status: AlertStatus = Field(description="whether it fires or has ended")
    project_id: str = Field(description="the tenant")
    fingerprint: str = Field(description="identity within the project, 16 hex digits")
    labels: dict[str, str] = Field(default_factory=dict, description="as sent, personal values covered")
    annotations: dict[str, str] = Field(default_factory=dict, description="as sent, personal values covered")
    generator_url: str | None = Field(None, description="where its rule can be looked at")
    origin: AlertOrigin = Field(description="where the raw record stands")
    sanitized: bool = Field(False, description="hostile text was replaced")
    patterns: tuple[str, ...] = Field((), description="which families of hostile text were found")
    truncated: tuple[str, ...] = Field((), description="fields cut at their documented length")
    incomplete: bool = Field(False, description="the sender left alerts of this group out")


class AlertNormalized(Event):
    """A raw alert was read, cleaned and identified."""

    type: Literal["alert.normalized"] = "alert.normalized"
    payload: Alert
    id_over: ClassVar[str] = "its origin: log epoch, raw topic, partition, offset, index in the record"


class CloseRequest(Plain):
    fingerprint: str = Field(description="whose incident is to close")
    incident_id: str = Field(description="the incident that is meant; another one stays open")
    reason: str = Field(description="in the person's words")


class CloseRequested(Event):
    """A person asked to close an incident; dedup, which keeps it, decides."""

    type: Literal["close.requested"] = "close.requested"
    payload: CloseRequest
    id_over: ClassVar[str] = "the request, so that sending it again is the same event"


class Rejection(Plain):
    source: str = Field(description="the stack that the topic belongs to")
    topic: str = Field(description="where the raw record stands")
    partition: Long = Field(description="of that topic")
    offset: Long = Field(description="in the partition")
    epoch: str = Field("", description="log epoch; empty on a real cluster")
    reason: str = Field(description="short constant, for counting")
    detail: str = Field(description="what is wrong, and where, in words")
    size: Long = Field(description="bytes of the original value")
    sha256: str = Field(description="of the original value")
    original: bytes | None = Field(None, description="the whole value; None where the record had none")
    original_key: bytes | None = Field(None, description="the record's key, where it had one")
    original_stamp: bytes | None = Field(
        None, description="the gateway's proof of the project, as it came: sent again, it proves it again"
    )
    project_id: str = Field("default", description="the tenant that the topic is mapped to")


class Replay(Plain):
    rejected: str = Field(description="the alert.rejected whose original was sent through again")
    source: str = Field(description="the stack it came from")
    topic: str = Field(description="the raw topic: where it stands again")
    partition: Long = Field(description="of that topic")
    offset: Long = Field(description="in the partition")
    project_id: str = Field("default", description="the tenant, as it was rejected")


class AlertReplayed(Event):
    """A person sent a rejected record through again, byte for byte."""

    type: Literal["alert.replayed"] = "alert.replayed"
    payload: Replay
    id_over: ClassVar[str] = "the rejected record, and where it stands again"


class AlertRejected(Event):
    """A raw record that no source can read, with its bytes whole."""

    type: Literal["alert.rejected"] = "alert.rejected"
    payload: Rejection
    id_over: ClassVar[str] = "the raw record's place: log epoch, topic, partition, offset"
