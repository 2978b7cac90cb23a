"""Axiom: the custom webhook of a monitor that opens and closes."""

from __future__ import annotations

from typing import Any

from connectors.alerts.fields import an_object, join, text
from connectors.alerts.loose import finite, flat, fold, said, whereabouts
from connectors.alerts.source import Payload, RawAlert, Source
from connectors.alerts.times import any_moment
from connectors.alerts.vocabulary import severity_of, without_state
from schemas.alert import AlertStatus
from schemas.errors import BadPayload

_ACTIONS = {
    "open": AlertStatus.FIRING,
    "opened": AlertStatus.FIRING,
    "triggered": AlertStatus.FIRING,
    "close": AlertStatus.RESOLVED,
    "closed": AlertStatus.RESOLVED,
    "resolved": AlertStatus.RESOLVED,
}


def read(payload: Payload, received_at: int) -> list[RawAlert]:
    del received_at
    payload = an_object(payload, "")
    status = _ACTIONS.get(fold(text(payload, "action", "") or ""))
    if status is None:
        raise BadPayload("must be Open or Closed", field="action")
    return [_alert(an_object(payload.get("event"), "", "event"), status)]


def _alert(event: dict[str, Any], status: AlertStatus) -> RawAlert:
    name = text(event, "title", "event") or said(event.get("monitorID"))
    if name is None:
        raise BadPayload("is missing", field="event.title")
    labels, at = _labels(event), any_moment(event, "timestamp", "event")
    target, kind, namespace, cluster = whereabouts(labels)
    value = finite(event.get("value"))
    return RawAlert(
        alert_type=without_state(name),
        severity=severity_of(labels.get("severity")),
        source="axiom",
        message=text(event, "body", "event") or name,
        status=status,
        description=text(event, "description", "event"),
        namespace=namespace,
        target_resource=target,
        resource_type=kind,
        cluster=cluster,
        metrics={} if value is None else {"value": value},
        fired_at=at if status is AlertStatus.FIRING else None,
        ends_at=at if status is AlertStatus.RESOLVED else None,
        labels=labels,
        generator_url=text(event, "url", "event"),
    )


def _labels(event: dict[str, Any]) -> dict[str, str]:
    """What the monitor matched, or the group that it looked at."""
    matched = event.get("matchedEvent")
    labels = {} if matched is None else flat(an_object(matched, join("event", "matchedEvent"), ""), 4)
    keys, values = event.get("groupKeys"), event.get("groupValues")
    if isinstance(keys, list) and isinstance(values, list):
        pairs = ((said(key), said(value)) for key, value in zip(keys[:100], values, strict=False))
        labels.update({key: value for key, value in pairs if key and value})
    if monitor := said(event.get("monitorID")):
        labels["monitor_id"] = monitor
    return labels


def detects(payload: Payload) -> bool:
    event = payload.get("event") if isinstance(payload, dict) else None
    return isinstance(event, dict) and "monitorID" in event and "action" in payload


SOURCE = Source("axiom", read, detects)
