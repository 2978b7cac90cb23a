"""Prometheus' own records: its API's answers about alerts and rules, and an alert alone, without an envelope.

A pending alert does not fire yet, and is passed over.
"""

from __future__ import annotations

from typing import Any

from connectors.alerts.fields import an_object, join, list_of_alerts, part, texts, wrong
from connectors.alerts.loose import finite, said
from connectors.alerts.source import Payload, RawAlert, Source
from connectors.alerts.sources.prometheus_shape import Dialect, first, read_alert
from schemas.errors import BadPayload, NoAlert

_DIALECT = Dialect(source="prometheus")
_NAMES = ("alertname", "alert", "name", "summary", "title")  # of a record whose labels do not name it
_RECORD = frozenset(
    {"annotations", "startsAt", "activeAt", "endsAt", "state", "status", "summary", "generatorURL"}
)
_FIRING, _PENDING = "firing", "pending"
_STATES = {_FIRING: _FIRING, "resolved": "resolved", "inactive": "resolved"}


def read(payload: Payload, received_at: int) -> list[RawAlert]:
    if isinstance(payload, list):
        return _listed(list_of_alerts(payload, ""), "", received_at)
    payload = an_object(payload, "")
    if "data" in payload:
        return _answered(payload["data"], received_at)
    if "groups" in payload:
        return _of_groups(payload, "", received_at)
    if "alerts" in payload:
        return _listed(list_of_alerts(payload["alerts"], "alerts"), "alerts", received_at)
    if _is_pending(payload):
        raise NoAlert("is pending: it does not fire yet", field="state")
    return [_alert(payload, "", received_at)]


def _answered(data: Any, received_at: int) -> list[RawAlert]:
    """`/api/v1/alerts`, `/api/v1/rules`, and the same of Alertmanager's first API: a bare list."""
    if isinstance(data, list):
        return _listed(list_of_alerts(data, "data"), "data", received_at)
    data = an_object(data, "data")
    if "groups" in data:
        return _of_groups(data, "data", received_at)
    if "alerts" not in data:
        raise BadPayload("is missing", field="data.alerts")
    return _listed(list_of_alerts(data["alerts"], "data.alerts"), "data.alerts", received_at)


def _of_groups(data: dict[str, Any], at: str, received_at: int) -> list[RawAlert]:
    """Rules with the alerts that each has now; recording rules have none."""
    found: list[RawAlert] = []
    at = join(at, "groups")
    for i, group in enumerate(list_of_alerts(data["groups"], at)):
        rules = an_object(group, f"{at}.{i}").get("rules") or []
        for j, rule in enumerate(list_of_alerts(rules, f"{at}.{i}.rules")):
            where = f"{at}.{i}.rules.{j}"
            alerts = an_object(rule, where).get("alerts") or []
            found += _listed(list_of_alerts(alerts, f"{where}.alerts"), f"{where}.alerts", received_at)
            list_of_alerts(found, at)
    return found


def _listed(items: list[Any], at: str, received_at: int) -> list[RawAlert]:
    return [
        _alert(item, join(at, str(i)), received_at)
        for i, item in enumerate(items)
        if not (isinstance(item, dict) and _is_pending(item))
    ]


def _is_pending(item: dict[str, Any]) -> bool:
    return item.get("state") == _PENDING or item.get("status") == _PENDING


def _alert(value: Any, at: str, received_at: int) -> RawAlert:
    """As Alertmanager's: only some names differ."""
    item = an_object(value, at)
    labels = texts(item, "labels", at)
    if not labels.get("alertname"):
        labels = {**labels, "alertname": _name(item, at)}
    annotations = part(item, "annotations", at)
    if summary := said(item.get("summary")):
        annotations = {"summary": summary, **annotations}
    started = item.get("startsAt", item.get("activeAt"))
    made = {
        **item,
        "labels": labels,
        "annotations": annotations,
        "startsAt": started,
        "status": _state(item, at),
    }
    alert = read_alert(made, at, received_at, _DIALECT)
    number = finite(item.get("value"))
    if number is not None:
        alert.metrics = {"value": number}
    return alert


def _name(item: dict[str, Any], at: str) -> str:
    own = {name: text for name in _NAMES if (text := said(item.get(name)))}
    name = first(own, _NAMES) or first(texts(item, "annotations", at), ("summary", "title"))
    if name is None:
        raise BadPayload("is missing", field=join(at, "labels.alertname"))
    return name


def _state(item: dict[str, Any], at: str) -> Any:
    """As it is where it is no word: none at all, or an object about silences in Alertmanager's API."""
    field = "state" if item.get("status") is None else "status"
    value = item.get(field)
    if value is None or isinstance(value, dict):
        return value
    if not isinstance(value, str):
        raise wrong("text", value, at, field)
    if value not in _STATES:
        raise BadPayload("must be firing, pending, inactive or resolved", field=join(at, field))
    return _STATES[value]


def detects(payload: Payload) -> bool:
    if not isinstance(payload, dict) or "alerts" in payload:
        return False
    data = payload.get("data")
    if data is not None:
        return payload.get("status") == "success" and _holds_alerts(data)
    return _is_record(payload)


def _holds_alerts(data: Any) -> bool:
    if isinstance(data, dict):
        return isinstance(data.get("alerts"), list) or isinstance(data.get("groups"), list)
    return isinstance(data, list) and bool(data) and _is_record(data[0])


def _is_record(item: Any) -> bool:
    """Labels, and beside them what an alert has; a name or severity among them, or nothing else beside."""
    if not isinstance(item, dict) or _RECORD.isdisjoint(item):
        return False
    labels = item.get("labels")
    if not isinstance(labels, dict):
        return False
    return not {"alertname", "severity"}.isdisjoint(labels) or item.keys() <= _RECORD | {"labels", "value"}


SOURCE = Source("prometheus", read, detects)
