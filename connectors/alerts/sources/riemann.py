"""Riemann: its events, one or a list of them: host, service, state, metric, time."""

from __future__ import annotations

from typing import Any

from connectors.alerts.fields import an_object, join, list_of_alerts, text
from connectors.alerts.loose import finite, flat, fold, graded, tags
from connectors.alerts.source import Payload, RawAlert, Source
from connectors.alerts.times import any_moment
from schemas.alert import AlertStatus, ResourceType, Severity
from schemas.errors import BadPayload

_NAMED = frozenset({"host", "service", "state"})
_OWN = frozenset({"metric", "metric_f", "metric_d", "metric_sint64", "ttl", "time", "time_micros"})
_WELL = frozenset({"ok", "up", "normal", "online", "resolved"})
_STATES = {"down": Severity.CRITICAL, "expired": Severity.WARNING}  # expired: it no longer reports
_WORDS = frozenset({"description", "tags"})
_METRICS = ("metric", "metric_f", "metric_d", "metric_sint64")


def read(payload: Payload, received_at: int) -> list[RawAlert]:
    del received_at
    if isinstance(payload, list):
        return [_alert(item, str(i)) for i, item in enumerate(list_of_alerts(payload, ""))]
    return [_alert(payload, "")]


def _alert(item: Any, at: str) -> RawAlert:
    event = an_object(item, at)
    service, state, host = (text(event, name, at) for name in ("service", "state", "host"))
    if service is None or state is None:
        raise BadPayload("is missing", field=join(at, "service" if service is None else "state"))
    status = AlertStatus.RESOLVED if fold(state) in _WELL else AlertStatus.FIRING
    moment = any_moment(event, "time", at)
    metric = next((number for name in _METRICS if (number := finite(event.get(name))) is not None), None)
    return RawAlert(
        alert_type=service,
        severity=graded(state, _STATES),
        source="riemann",
        message=text(event, "description", at) or f"{service} is {state}",
        status=status,
        target_resource=host,
        resource_type=ResourceType.HOST if host else None,
        metrics={} if metric is None else {"metric": metric},
        fired_at=moment if status is AlertStatus.FIRING else None,
        ends_at=moment if status is AlertStatus.RESOLVED else None,
        labels=_labels(event, at),
    )


def _labels(event: dict[str, Any], at: str) -> dict[str, str]:
    """Whatever a client added, and its tags."""
    added = {name: value for name, value in event.items() if name not in _OWN and name not in _WORDS}
    more = event.get("attributes")
    return {**flat(added, 1), **(flat(more, 1) if isinstance(more, dict) else {}), **tags(event, "tags", at)}


def detects(payload: Payload) -> bool:
    """The three names are everyone's; what Riemann adds to them is not, nor that there is nothing else."""
    if isinstance(payload, list):
        return bool(payload) and len(payload) < 1_000 and all(_is_event(item) for item in payload)
    return _is_event(payload)


def _is_event(item: Any) -> bool:
    if not isinstance(item, dict) or not item.keys() >= _NAMED:
        return False
    if not all(isinstance(item[name], str) for name in _NAMED):
        return False
    return not _OWN.isdisjoint(item) or (len(item) > len(_NAMED) and item.keys() <= _NAMED | _WORDS)


SOURCE = Source("riemann", read, detects)
