"""CDEvents: incidents that were detected, reported, resolved; bare, or bound to a CloudEvent.

An incident has no name of its own, only an id that all its events share: so the id is the alert's type,
and two incidents of one service stay two.
"""

from __future__ import annotations

import re
from typing import Any

from connectors.alerts.envelopes import opened
from connectors.alerts.fields import an_object, first_of, join, part, required, text
from connectors.alerts.loose import flat, graded, one_of, said
from connectors.alerts.source import Payload, RawAlert, Source
from connectors.alerts.times import any_moment
from schemas.alert import AlertStatus, ResourceType
from schemas.errors import BadPayload, NoAlert

_TYPE = re.compile(r"(?:dev\.cdevents|cd)\.(\w{1,40})\.(\w{1,40})(?:\.[\w.-]{0,60})?", re.ASCII)
_PREDICATES = {
    "detected": AlertStatus.FIRING,
    "reported": AlertStatus.FIRING,
    "resolved": AlertStatus.RESOLVED,
}


def read(payload: Payload, received_at: int) -> list[RawAlert]:
    del received_at
    event = an_object(payload, "")
    if "context" not in event:
        envelope = opened(event)
        if envelope is None or not isinstance(envelope.inside, dict):
            raise BadPayload("is missing", field="context")
        event = envelope.inside
    context, subject = part(event, "context", ""), part(event, "subject", "")
    return [_alert(event, context, subject, _status(context))]


def _status(context: dict[str, Any]) -> AlertStatus:
    kind = _TYPE.fullmatch(text(context, "type", "context") or "")
    if kind is None:
        raise BadPayload("must be like dev.cdevents.incident.detected.0.3.0", field="context.type")
    if kind[1] != "incident":
        raise NoAlert(f"tells of a {kind[1]}, not of an incident", field="context.type")
    status = _PREDICATES.get(kind[2])
    if status is None:
        raise BadPayload(f"must say one of {', '.join(_PREDICATES)}", field="context.type")
    return status


def _alert(
    event: dict[str, Any], context: dict[str, Any], subject: dict[str, Any], status: AlertStatus
) -> RawAlert:
    name, content = required(subject, ("id",), "subject"), part(subject, "content", "subject")
    service, environment = (_reference(content, each) for each in ("service", "environment"))
    custom = event.get("customData")
    told = flat(custom) if isinstance(custom, dict) else {}
    labels = {f"custom.{key}": value for key, value in told.items()} | {"sender_fingerprint": name}
    found = {"environment": environment, "service": service, "artifact": said(content.get("artifactId"))}
    at = any_moment(context, "timestamp", "context")
    return RawAlert(
        alert_type=name,
        severity=graded(one_of(told, ("severity", "priority"))),
        source="cdevents",
        message=first_of(content, ("description",), "subject.content") or name,
        status=status,
        target_resource=service,
        resource_type=ResourceType.SERVICE if service else None,
        fired_at=at if status is AlertStatus.FIRING else None,
        ends_at=at if status is AlertStatus.RESOLVED else None,
        labels={**labels, **{key: value for key, value in found.items() if value}},
        generator_url=first_of(content, ("ticketURI",), "subject.content"),
    )


def _reference(content: dict[str, Any], name: str) -> str | None:
    """A reference is an object with an id; in early versions it was the id alone."""
    value = content.get(name)
    return first_of(value, ("id",), join("subject.content", name)) if isinstance(value, dict) else said(value)


def detects(payload: Payload) -> bool:
    """Also of what is no incident: only this source can say why it is no alert."""
    if not isinstance(payload, dict):
        return False
    context = payload.get("context")
    if not isinstance(context, dict):
        return False
    kind = context.get("type")
    return isinstance(kind, str) and "subject" in payload and _TYPE.fullmatch(kind) is not None


SOURCE = Source("cdevents", read, detects)
