"""Graylog: the HTTP notification of an event definition, and the alarm callback that was before it.

Graylog tells of events, not of their ends; only the old callback knew of a condition that no longer holds.
"""

from __future__ import annotations

from typing import Any

from connectors.alerts.fields import an_object, first_of, part, text
from connectors.alerts.loose import Whereabouts, flat, graded, said, whereabouts
from connectors.alerts.source import Payload, RawAlert, Source
from connectors.alerts.times import any_moment
from connectors.alerts.vocabulary import without_state
from schemas.alert import AlertStatus, ResourceType, Severity
from schemas.errors import BadPayload, NoAlert

_PRIORITIES = {
    "1": Severity.INFO,  # low
    "2": Severity.WARNING,  # normal
    "3": Severity.CRITICAL,  # high
    "4": Severity.CRITICAL,  # critical
    "low": Severity.INFO,
    "normal": Severity.WARNING,
}
_TEST_IDS = frozenset({"NotificationTestId", "test-dummy-v1"})
_TEST_CONDITIONS = frozenset({"dummy", "Dummy Alert Condition"})


def read(payload: Payload, received_at: int) -> list[RawAlert]:
    del received_at
    payload = an_object(payload, "")
    if "check_result" in payload:
        return [_callback(payload)]
    if not _TEST_IDS.isdisjoint(filter(None, map(said, payload.values()))):
        raise NoAlert("is a test of the notification, no alert", field="event_definition_id")
    return [_event(payload, part(payload, "event", ""))]


def _event(payload: dict[str, Any], event: dict[str, Any]) -> RawAlert:
    name = first_of(payload, ("event_definition_title", "event_definition_id"), "")
    if name is None:
        raise BadPayload("is missing", field="event_definition_title")
    fields = {**flat(part(event, "group_by_fields", "event")), **flat(part(event, "fields", "event"))}
    target, kind, namespace, cluster = _about(fields, payload.get("backlog"))
    labels = {f"event_{key}": value for key in ("key", "source") if (value := said(event.get(key)))}
    return RawAlert(
        alert_type=without_state(name),
        severity=graded(said(event.get("priority")), _PRIORITIES),
        source="graylog",
        message=text(event, "message", "event") or name,
        status=AlertStatus.FIRING,
        description=text(payload, "event_definition_description", ""),
        namespace=namespace,
        target_resource=target,
        resource_type=kind,
        cluster=cluster,
        fired_at=any_moment(event, "timestamp", "event"),
        labels={**fields, **labels},
        generator_url=first_of(payload, ("event_url", "graylog_url"), ""),
    )


def _about(fields: dict[str, str], backlog: Any) -> Whereabouts:
    """The event's own fields, else those of the first message behind it, else the host that wrote it."""
    found = whereabouts(fields)
    if (
        found[0] is not None
        or not isinstance(backlog, list)
        or not backlog
        or not isinstance(backlog[0], dict)
    ):
        return found
    message = backlog[0]
    told = message.get("fields")
    of_message = whereabouts(flat(told, 2)) if isinstance(told, dict) else found
    if of_message[0] is not None:
        return of_message
    source = said(message.get("source"))
    return (source, ResourceType.HOST, *found[2:]) if source else found


def _callback(payload: dict[str, Any]) -> RawAlert:
    result, stream = part(payload, "check_result", ""), part(payload, "stream", "")
    condition = part(result, "triggered_condition", "check_result")
    if said(condition.get("type")) in _TEST_CONDITIONS:
        raise NoAlert(
            "is a test of the alarm callback, no alert", field="check_result.triggered_condition.type"
        )
    at = "check_result.triggered_condition"
    name = first_of(condition, ("title",), at) or first_of(stream, ("title", "id"), "stream")
    if name is None:
        raise BadPayload("is missing", field="stream.title")
    holds = result.get("triggered") is not False
    moment = any_moment(result, "triggered_at", "check_result")
    target, kind, namespace, cluster = _about({}, result.get("matching_messages"))
    labels = {"stream": said(stream.get("title")), "condition_type": said(condition.get("type"))}
    return RawAlert(
        alert_type=without_state(name),
        severity=Severity.WARNING,
        source="graylog",
        message=text(result, "result_description", "check_result") or name,
        status=AlertStatus.FIRING if holds else AlertStatus.RESOLVED,
        description=text(stream, "description", "stream"),
        namespace=namespace,
        target_resource=target,
        resource_type=kind,
        cluster=cluster,
        fired_at=moment if holds else None,
        ends_at=None if holds else moment,
        labels={name: value for name, value in labels.items() if value},
    )


def detects(payload: Payload) -> bool:
    if not isinstance(payload, dict):
        return False
    if isinstance(payload.get("check_result"), dict):
        return "stream" in payload
    return "event_definition_id" in payload and isinstance(payload.get("event"), dict)


SOURCE = Source("graylog", read, detects)
