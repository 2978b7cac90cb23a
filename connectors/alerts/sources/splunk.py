"""Splunk: the webhook of an alert action. It tells of one search and the first of its results.

A search has no end: Splunk never says that an alert is over.
"""

from __future__ import annotations

from typing import Any

from connectors.alerts.fields import an_object, text
from connectors.alerts.loose import flat, graded, one_of, whereabouts
from connectors.alerts.source import Payload, RawAlert, Source
from connectors.alerts.times import perhaps
from connectors.alerts.vocabulary import without_state
from schemas.alert import AlertStatus
from schemas.errors import BadPayload

_SEVERITY = ("severity", "urgency", "alert_severity", "priority")
_MESSAGE = ("message", "description", "_raw")
_TIMES = ("_time", "_indextime")


def read(payload: Payload, received_at: int) -> list[RawAlert]:
    del received_at
    payload = an_object(payload, "")
    name = text(payload, "search_name", "")
    if not name:
        raise BadPayload("is missing", field="search_name")
    result = payload.get("result")
    found = {} if result is None else an_object(result, "", "result")
    return [_alert(payload, name, found, flat(found))]


def _alert(payload: dict[str, Any], name: str, result: dict[str, Any], told: dict[str, str]) -> RawAlert:
    target, kind, namespace, cluster = whereabouts(told)
    labels = {field: value for field, value in told.items() if not _is_internal(field)}
    return RawAlert(
        alert_type=without_state(name),
        severity=graded(one_of(told, _SEVERITY)),
        source="splunk",
        message=one_of(told, _MESSAGE) or name,
        status=AlertStatus.FIRING,
        namespace=namespace,
        target_resource=target,
        resource_type=kind,
        cluster=cluster,
        fired_at=next(filter(None, (perhaps(result, field) for field in _TIMES)), None),
        labels={**labels, **_about_the_search(payload)},
        generator_url=text(payload, "results_link", ""),
    )


def _about_the_search(payload: dict[str, Any]) -> dict[str, str]:
    told = ((f"splunk_{name}", text(payload, name, "")) for name in ("app", "owner", "sid"))
    return {name: value for name, value in told if value}


def _is_internal(field: str) -> bool:
    """What Splunk adds to every event; `host`, `source`, `sourcetype` and `index` say something."""
    return field.startswith(("_", "date_", "time", "punct", "linecount", "eventtype"))


def detects(payload: Payload) -> bool:
    return isinstance(payload, dict) and {"sid", "search_name"} <= payload.keys() and "app" in payload


SOURCE = Source("splunk", read, detects)
