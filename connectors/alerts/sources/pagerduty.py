"""PagerDuty: webhooks of version 3, 2 and 1, and what is written for its Events API (version 2).

An incident's events tell of people too (notes, responders, workflows): those are no alerts.
"""

from __future__ import annotations

import re
from typing import Any

from connectors.alerts.fields import an_object, first_of, join, list_of_alerts, part, parts, required, told
from connectors.alerts.loose import flat, graded, said, whereabouts
from connectors.alerts.source import Payload, RawAlert, Source
from connectors.alerts.times import any_moment
from connectors.alerts.vocabulary import severity_of, without_state
from schemas.alert import AlertStatus, ResourceType, Severity
from schemas.errors import BadPayload, NoAlert

_FIRING, _RESOLVED = AlertStatus.FIRING, AlertStatus.RESOLVED
_VERBS: dict[str, str | None] = {
    "trigger": None,
    "triggered": None,
    "reopened": None,
    "unacknowledge": None,
    "unacknowledged": None,
    "acknowledge": "acknowledged",
    "acknowledged": "acknowledged",
    "escalate": "escalated",
    "escalated": "escalated",
    "delegate": "reassigned",
    "delegated": "reassigned",
    "assign": "reassigned",
    "reassigned": "reassigned",
    "priority_updated": "updated",
    "service_updated": "updated",
    "incident_type.changed": "updated",
    "resolve": "resolved",
    "resolved": "resolved",
}
"""what each event of an incident makes the label `sender_status`; others are no alerts"""
_URGENCIES = {"high": Severity.CRITICAL, "low": Severity.WARNING}  # low is what does not wake anybody
_ACTIONS = ("trigger", "acknowledge", "resolve")
_NUMBER = re.compile(r"\[#\d{1,10}\]\s*")


def read(payload: Payload, received_at: int) -> list[RawAlert]:
    del received_at
    payload = an_object(payload, "")
    if "messages" in payload:
        return _messages(payload)
    if "event_action" in payload:
        return [_sent_event(payload)]
    for name in ("annotation", "status_update"):
        if name in payload:
            raise NoAlert("tells what somebody wrote about an incident, no alert", field=name)
    if "incident" in payload:
        return [_incident(part(payload, "incident", ""), "incident", None, None)]
    if "event" not in payload:
        raise BadPayload("is missing", field="event")
    event = part(payload, "event", "")
    kind = required(event, ["event_type"], "event")
    data = part(event, "data", "event")
    verb = _verb(kind, "event.event_type")
    about = first_of(data, ("type",), "event.data") or "incident"
    if about != "incident":
        raise NoAlert(f"is about {told(about)}, no alert", field="event.data.type")
    return [_incident(data, "event.data", verb, any_moment(event, "occurred_at", "event"))]


def detects(payload: Payload) -> bool:
    if not isinstance(payload, dict):
        return False
    event, incident, messages = payload.get("event"), payload.get("incident"), payload.get("messages")
    if isinstance(event, dict):
        return isinstance(event.get("event_type"), str) and "resource_type" in event and "data" in event
    if isinstance(incident, dict):
        about = incident.get("type") in ("incident", "incident_reference") and "self" in incident
        return about and not payload.keys().isdisjoint({"agent", "annotation", "status_update"})
    if isinstance(messages, list) and messages and isinstance(messages[0], dict):
        kind = messages[0].get("event") or messages[0].get("type")
        return isinstance(kind, str) and kind.startswith("incident.")
    return payload.get("event_action") in _ACTIONS and ("routing_key" in payload or "dedup_key" in payload)


def _messages(payload: dict[str, Any]) -> list[RawAlert]:
    """Versions 1 and 2 send several at once; a note among them takes no alert away."""
    alerts, notes = [], []
    for i, item in enumerate(list_of_alerts(payload["messages"], "messages")):
        try:
            alerts.append(_message(an_object(item, f"messages.{i}"), f"messages.{i}"))
        except NoAlert as note:
            notes.append(note)
    if notes and not alerts:
        raise notes[0]
    return alerts


def _message(item: dict[str, Any], at: str) -> RawAlert:
    name = "event" if "event" in item else "type"
    verb = _verb(required(item, [name], at), join(at, name))
    at_that_time = any_moment(item, "created_on", at)
    if "incident" not in item:
        item, at = part(item, "data", at), join(at, "data")
    return _incident(part(item, "incident", at), join(at, "incident"), verb, at_that_time)


def _verb(kind: str, field: str) -> str:
    what, _, verb = kind.partition(".")
    if what == "incident" and verb in _VERBS:
        return verb
    if kind == "pagey.ping":
        raise NoAlert("is a test of the webhook, no alert", field=field)
    raise NoAlert(f"is {told(kind)}, no alert", field=field)


def _incident(item: dict[str, Any], at: str, verb: str | None, happened_at: int | None) -> RawAlert:
    state = first_of(item, ("status",), at)
    said_so = _VERBS.get(verb or "") or (state if state in {"acknowledged", "resolved"} else None)
    status = _RESOLVED if "resolved" in {said_so, state} else _FIRING
    name, service, labels = _name(item, at), _service(item, at), _labels(item, at)
    if service:
        labels.setdefault("service", service)
    if said_so and status is _FIRING:
        labels["sender_status"] = said_so
    target, kind, namespace, cluster = whereabouts(labels)
    details = part(item, "body", at).get("details")
    return RawAlert(
        alert_type=name,
        severity=_severity(item, at),
        source="pagerduty",
        message=name,
        status=status,
        description=said(details),
        namespace=namespace,
        target_resource=target,
        resource_type=kind,
        cluster=cluster,
        fired_at=any_moment(item, "created_at", at) or any_moment(item, "created_on", at),
        ends_at=(happened_at or _changed_at(item, at)) if status is _RESOLVED else None,
        labels=labels,
        generator_url=first_of(item, ("html_url",), at),
    )


def _changed_at(item: dict[str, Any], at: str) -> int | None:
    return any_moment(item, "last_status_change_at", at) or any_moment(item, "last_status_change_on", at)


def _name(item: dict[str, Any], at: str) -> str:
    """Version 1 keeps it with what triggered; a reference has `[#33] title` alone."""
    found = first_of(item, ("title", "description"), at)
    if found is None:
        found = first_of(part(item, "trigger_summary_data", at), ("subject", "description"), at)
    found = found or required(item, ["summary", "incident_key", "id"], at)
    return without_state(_NUMBER.sub("", found, count=1) or found)


def _service(item: dict[str, Any], at: str) -> str | None:
    return first_of(part(item, "service", at), ("summary", "name"), join(at, "service"))


def _severity(item: dict[str, Any], at: str) -> Severity:
    """The priority that people gave it, else the urgency."""
    priority = item.get("priority")
    if isinstance(priority, dict):
        priority = first_of(priority, ("summary", "name"), join(at, "priority"))
    if priority:
        return graded(said(priority))  # an account names them as it likes: P1, SEV-1, Major
    return _URGENCIES.get(first_of(item, ("urgency",), at) or "", Severity.WARNING)


def _labels(item: dict[str, Any], at: str) -> dict[str, str]:
    """What the alert that opened it said of itself, where the webhook brings it along."""
    bodies = [part(item, "body", at)]
    for i, alert in enumerate(parts(item, "alerts", at)[:1]):
        bodies.append(part(alert, "body", f"{join(at, 'alerts')}.{i}"))
    labels: dict[str, str] = {}
    for body in bodies:
        details = body.get("details") or body.get("cef_details")
        labels |= flat(details, 1) if isinstance(details, dict) else {}
    sender = first_of(item, ("incident_key", "id"), at)
    return {**labels, "sender_fingerprint": sender} if sender else labels


def _sent_event(item: dict[str, Any]) -> RawAlert:
    """What others write for PagerDuty's Events API; some can be pointed here as well."""
    action = required(item, ["event_action"], "")
    if action not in _ACTIONS:
        raise BadPayload(f"must be one of {', '.join(_ACTIONS)}", field="event_action")
    content = part(item, "payload", "")
    summary = required(content, ["summary"], "payload")
    details = content.get("custom_details")
    labels = flat(details, 1) if isinstance(details, dict) else {}
    for name in ("component", "group", "class"):
        value = first_of(content, (name,), "payload")
        if value:
            labels.setdefault(name, value)
    target, kind, namespace, cluster = whereabouts(labels)
    if target is None:
        target = first_of(content, ("source",), "payload")
        kind = ResourceType.HOST if target else None
    sender = first_of(item, ("dedup_key",), "")
    at = any_moment(content, "timestamp", "payload")
    more = {"sender_fingerprint": sender} if sender else {}
    return RawAlert(
        alert_type=without_state(first_of(content, ("class",), "payload") or summary),
        severity=severity_of(first_of(content, ("severity",), "payload")),
        source="pagerduty",
        message=summary,
        status=_RESOLVED if action == "resolve" else _FIRING,
        namespace=namespace,
        target_resource=target,
        resource_type=kind,
        cluster=cluster,
        fired_at=None if action == "resolve" else at,
        ends_at=at if action == "resolve" else None,
        labels={**labels, **more, **({"sender_status": "acknowledged"} if action == "acknowledge" else {})},
        generator_url=first_of(item, ("client_url",), ""),
    )


SOURCE = Source("pagerduty", read, detects)
