"""Alertmanager: the webhook (version 4, and 1 to 3 before it), and the v2 API's array.

The file to copy for a new source: a detector that looks at the shape, a pure `read`, and SOURCE.
"""

from __future__ import annotations

from typing import Any

from connectors.alerts.fields import an_object, list_of_alerts, part, wrong
from connectors.alerts.source import Payload, RawAlert, Source
from connectors.alerts.sources.prometheus_shape import Dialect, first_alert, read_alert, read_group

_DIALECT = Dialect(source="prometheus")


def read(payload: Payload, received_at: int) -> list[RawAlert]:
    if isinstance(payload, dict):
        if "alert" in payload and "alerts" not in payload:
            return _read_version_1(payload, received_at)
        return read_group(payload, received_at, _DIALECT)
    if isinstance(payload, list):
        items = list_of_alerts(payload, "")
        return [read_alert(item, str(i), received_at, _DIALECT) for i, item in enumerate(items)]
    raise wrong("an object or a list of alerts", payload, "")


def _read_version_1(payload: dict[str, Any], received_at: int) -> list[RawAlert]:
    """Only here the group's status is each alert's: there was no other."""
    items = list_of_alerts(payload["alert"], "alert")
    made = [_as_today(item, f"alert.{i}", payload.get("status")) for i, item in enumerate(items)]
    return [read_alert(item, f"alert.{i}", received_at, _DIALECT) for i, item in enumerate(made)]


def _as_today(value: Any, at: str, status: Any) -> dict[str, Any]:
    item = an_object(value, at)
    rule = part(item, "payload", at)
    texts = ((name, item.get(name)) for name in ("summary", "description"))
    return {
        "labels": item.get("labels"),
        "annotations": {name: text for name, text in texts if text is not None},
        "startsAt": rule.get("activeSince"),
        "generatorURL": rule.get("generatorURL"),
        "status": status,
    }


def detects(payload: Payload) -> bool:
    """Labels within alerts; other senders of this shape add more, and their sources are asked first."""
    if isinstance(payload, dict) and isinstance(payload.get("alert"), list) and "alerts" not in payload:
        return "version" in payload and first_alert({"alerts": payload["alert"]}) is not None
    alert = first_alert(payload)
    if alert is None:
        return isinstance(payload, dict) and "groupKey" in payload and payload.get("alerts") == []
    return isinstance(alert.get("labels"), dict) and "alert_type" not in alert


SOURCE = Source("alertmanager", read, detects, yields=True)
