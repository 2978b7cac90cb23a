"""Alertmanager: the webhook (version 4, and 3 which reads the same), and the v2 API's array.

The file to copy for a new source: a detector that looks at the shape, a pure `read`, and SOURCE.
"""

from __future__ import annotations

from connectors.alerts.fields import list_of_alerts, wrong
from connectors.alerts.source import Payload, RawAlert, Source
from connectors.alerts.sources.prometheus_shape import Dialect, first_alert, read_alert, read_group

_DIALECT = Dialect(source="prometheus")


def read(payload: Payload, received_at: int) -> list[RawAlert]:
    if isinstance(payload, dict):
        return read_group(payload, received_at, _DIALECT)
    if isinstance(payload, list):
        items = list_of_alerts(payload, "")
        return [read_alert(item, str(i), received_at, _DIALECT) for i, item in enumerate(items)]
    raise wrong("an object or a list of alerts", payload, "")


def detects(payload: Payload) -> bool:
    """Labels within alerts; other senders of this shape add more, and their sources are asked first."""
    alert = first_alert(payload)
    if alert is None:
        return isinstance(payload, dict) and "groupKey" in payload and payload.get("alerts") == []
    return isinstance(alert.get("labels"), dict) and "alert_type" not in alert


SOURCE = Source("alertmanager", read, detects, yields=True)
