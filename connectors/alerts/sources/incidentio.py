"""incident.io: the webhooks of its incidents and of its alerts.

`event_type` names the event, and its object stands under that name, or under `incident` and `alert` where a
relay has put it there. What else incident.io tells of (follow-ups, actions, members) is no alert.
"""

from __future__ import annotations

from typing import Any

from connectors.alerts.fields import an_object, first_of, join, part, text
from connectors.alerts.loose import flat, fold, graded, said, whereabouts, words
from connectors.alerts.source import Payload, RawAlert, Source
from connectors.alerts.times import any_moment
from connectors.alerts.vocabulary import without_state
from schemas.alert import AlertStatus
from schemas.errors import BadPayload, NoAlert

_EVENTS = ("public_incident.", "private_incident.", "public_alert.", "private_alert.")
_OVER = frozenset(
    words("resolved closed learning postincident documenting reviewing declined merged canceled cancelled")
)
_PRACTICE = frozenset({"test", "tutorial"})
_UNDER_WAY = frozenset({"", "triage", "active", "live", "investigating", "fixing", "firing"})


def read(payload: Payload, received_at: int) -> list[RawAlert]:
    del received_at
    payload = an_object(payload, "")
    event = text(payload, "event_type", "")
    if event is None:
        raise BadPayload("is missing", field="event_type")
    what = event.rpartition(".")[2]
    if what.startswith("incident_"):
        return [_incident(*_object(payload, event, "incident"))]
    if what.startswith("alert_"):
        return [_alert(*_object(payload, event, "alert"))]
    raise NoAlert("tells of neither an incident nor an alert", field="event_type")


def _object(payload: dict[str, Any], event: str, name: str) -> tuple[dict[str, Any], str]:
    """An update that says what changed has its object one deeper."""
    at = event if event in payload else name
    found = an_object(payload.get(at), "", at)
    if isinstance(found.get(name), dict):
        found, at = found[name], join(at, name)
    if found.keys() <= {"id"}:
        raise NoAlert("is private: nothing but its id is told", field=at)
    return found, at


def _incident(incident: dict[str, Any], at: str) -> RawAlert:
    name = first_of(incident, ("name", "reference"), at)
    if name is None:
        raise BadPayload("is missing", field=join(at, "name"))
    if said(incident.get("mode")) in _PRACTICE:
        raise NoAlert("is an incident for practice, no alert", field=join(at, "mode"))
    severity, state = part(incident, "severity", at), _state(incident)
    status = AlertStatus.RESOLVED if fold(state) in _OVER else AlertStatus.FIRING
    labels = _labels(incident, state if status is AlertStatus.FIRING else "")
    target, kind, namespace, cluster = whereabouts(labels)
    began = any_moment(incident, "created_at", at)
    return RawAlert(
        alert_type=without_state(name),
        severity=graded(said(severity.get("name"))),
        source="incidentio",
        message=text(incident, "summary", at) or name,
        status=status,
        namespace=namespace,
        target_resource=target,
        resource_type=kind,
        cluster=cluster,
        fired_at=began,
        ends_at=any_moment(incident, "updated_at", at) if status is AlertStatus.RESOLVED else None,
        labels=labels,
        generator_url=text(incident, "permalink", at),
    )


def _state(incident: dict[str, Any]) -> str:
    """The category is one of a few; the name is the customer's own. Older versions have the text alone."""
    status = incident.get("incident_status", incident.get("status"))
    if isinstance(status, dict):
        return said(status.get("category")) or said(status.get("name")) or ""
    return said(status) or ""


def _labels(incident: dict[str, Any], state: str) -> dict[str, str]:
    labels = {name: value for name in ("reference", "mode") if (value := said(incident.get(name)))}
    if own := said(incident.get("id")):
        labels["sender_fingerprint"] = own
    kind = incident.get("incident_type")
    if isinstance(kind, dict) and (name := said(kind.get("name"))):
        labels["incident_type"] = name
    if fold(state) not in _UNDER_WAY:
        labels["sender_status"] = state.lower()
    for entry in _entries(incident):
        labels.setdefault(*entry)
    return labels


def _entries(incident: dict[str, Any]) -> list[tuple[str, str]]:
    """Custom fields that have a value."""
    entries = incident.get("custom_field_entries")
    found = []
    for entry in entries[:50] if isinstance(entries, list) else ():
        if isinstance(entry, dict):
            told = flat(entry, 2)
            values = entry.get("values")
            first = values[0] if isinstance(values, list) and values and isinstance(values[0], dict) else {}
            value = said(first.get("value_text")) or flat(first, 2).get("value_option.value")
            name = told.get("custom_field.name")
            if name and value:
                found.append((name.lower(), value))
    return found


def _alert(alert: dict[str, Any], at: str) -> RawAlert:
    name = first_of(alert, ("title", "deduplication_key"), at)
    if name is None:
        raise BadPayload("is missing", field=join(at, "title"))
    status = AlertStatus.RESOLVED if fold(said(alert.get("status")) or "") in _OVER else AlertStatus.FIRING
    own = said(alert.get("deduplication_key")) or said(alert.get("id"))
    labels = {"sender_fingerprint": own} if own else {}
    for entry in alert["attributes"][:50] if isinstance(alert.get("attributes"), list) else ():
        told = flat(entry, 3) if isinstance(entry, dict) else {}
        if (key := told.get("attribute.name")) and (
            value := told.get("value.label") or told.get("value.literal")
        ):
            labels.setdefault(key.lower(), value)
    target, kind, namespace, cluster = whereabouts(labels)
    return RawAlert(
        alert_type=without_state(name),
        severity=graded(labels.get("severity") or labels.get("priority")),
        source="incidentio",
        message=text(alert, "description", at) or name,
        status=status,
        namespace=namespace,
        target_resource=target,
        resource_type=kind,
        cluster=cluster,
        fired_at=any_moment(alert, "created_at", at),
        ends_at=any_moment(alert, "resolved_at", at) if status is AlertStatus.RESOLVED else None,
        labels=labels,
        generator_url=text(alert, "source_url", at),
    )


def detects(payload: Payload) -> bool:
    event = payload.get("event_type") if isinstance(payload, dict) else None
    if not isinstance(event, str) or not event.startswith(_EVENTS):
        return False
    return event in payload or "incident" in payload or "alert" in payload


SOURCE = Source("incidentio", read, detects)
