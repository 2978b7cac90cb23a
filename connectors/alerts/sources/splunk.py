"""Splunk: the webhook of an alert action, and that of a detector of Splunk Observability Cloud.

The first tells of one search and the first of its results. A search has no end: Splunk never says that its
alert is over. A detector does.
"""

from __future__ import annotations

from typing import Any

from connectors.alerts.fields import an_object, first_of, part, required, text
from connectors.alerts.loose import finite, flat, fold, graded, one_of, said, whereabouts
from connectors.alerts.source import Payload, RawAlert, Source
from connectors.alerts.times import any_moment, perhaps
from connectors.alerts.vocabulary import without_state
from schemas.alert import AlertStatus, Metric
from schemas.errors import BadPayload

_FIRING, _RESOLVED = AlertStatus.FIRING, AlertStatus.RESOLVED
_SEVERITY = ("severity", "severity_label", "urgency", "alert_severity", "priority")
_MESSAGE = ("message", "description", "_raw")
_TIMES = ("_time", "_indextime")
_STATES = {
    "anomalous": _FIRING,
    "ok": _RESOLVED,
    "manuallyresolved": _RESOLVED,
    "stopped": _RESOLVED,  # its detector or rule was changed, disabled or deleted
}
_DETECTORS = frozenset({"detectOnCondition", "statusExtended", "originatingMetric", "sf_schema"})


def read(payload: Payload, received_at: int) -> list[RawAlert]:
    del received_at
    payload = an_object(payload, "")
    if _is_detector(payload):
        return [_detected(payload)]
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


def _detected(payload: dict[str, Any]) -> RawAlert:
    """A rule of a detector, for one of its time series."""
    name, status = required(payload, ("rule", "detector"), ""), _state(payload)
    labels, metrics = _series(payload)
    target, kind, namespace, cluster = whereabouts(labels)
    changed = any_moment(payload, "timestamp", "")
    told = (
        ("detector", first_of(payload, ("detector",), "")),
        ("sender_fingerprint", first_of(payload, ("incidentId",), "")),
        (
            "sender_status",
            "muted" if status is _FIRING and payload.get("triggeredWhileMuted") is True else None,
        ),
    )
    return RawAlert(
        alert_type=without_state(name),
        severity=graded(first_of(payload, ("severity",), "")),
        source="splunk",
        message=text(payload, "messageTitle", "") or name,
        status=status,
        description=text(payload, "messageBody", "") or text(payload, "description", ""),
        namespace=namespace,
        target_resource=target,
        resource_type=kind,
        cluster=cluster,
        metrics=metrics,
        fired_at=changed if status is _FIRING else None,
        ends_at=changed if status is _RESOLVED else None,
        labels=labels | {label: value for label, value in told if value},
        generator_url=text(payload, "detectorUrl", ""),
    )


def _state(payload: dict[str, Any]) -> AlertStatus:
    """The extended one says why it is over; either may be left out of a body of one's own."""
    name = "statusExtended" if payload.get("statusExtended") else "status"
    word = required(payload, (name,), "")
    status = _STATES.get(fold(word))
    if status is None:
        raise BadPayload("must be one of anomalous, ok, manually resolved, stopped", field=name)
    return status


def _series(payload: dict[str, Any]) -> tuple[dict[str, str], dict[str, Metric]]:
    """The dimensions, which the inputs name too, and the first input's value."""
    labels = flat(part(payload, "dimensions", ""), 1)
    metrics: dict[str, Metric] = {}
    for name, item in part(payload, "inputs", "").items():
        if isinstance(item, dict):
            labels = {**(flat(key, 1) if isinstance(key := item.get("key"), dict) else {}), **labels}
            number = finite(item.get("value"))
            if number is not None and not metrics:
                metrics[said(payload.get("originatingMetric")) or name] = number
    return labels, metrics


def _is_detector(payload: dict[str, Any]) -> bool:
    return payload.keys() >= {"detector", "incidentId"} and not _DETECTORS.isdisjoint(payload)


def detects(payload: Payload) -> bool:
    if not isinstance(payload, dict):
        return False
    return {"sid", "search_name", "app"} <= payload.keys() or _is_detector(payload)


SOURCE = Source("splunk", read, detects)
