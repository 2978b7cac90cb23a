"""Grafana: unified alerting, which is Alertmanager's shape with values, and the legacy shape before it."""

from __future__ import annotations

import re
from typing import Any

from connectors.alerts.fields import an_object, join, text, texts, wrong
from connectors.alerts.limits import MAX_METRICS
from connectors.alerts.loose import finite, whereabouts
from connectors.alerts.source import Payload, RawAlert, Source
from connectors.alerts.sources.prometheus_shape import Dialect, first_alert, read_group
from connectors.alerts.vocabulary import severity_of, without_state
from schemas.alert import AlertStatus, Metric
from schemas.errors import BadPayload, NoAlert

_DIALECT = Dialect(source="grafana")
_OURS = frozenset({"silenceURL", "dashboardURL", "panelURL", "valueString", "values", "orgId"})
_VALUE = re.compile(r"\[ (?:var='([^']*)' )?(?:metric='([^']*)' )?labels=\{[^}]*\} value=([-+.\deE]+) \]")
_LEGACY_TEST = "Someone is testing the alert notification"
_LEGACY_STATES = {
    "alerting": AlertStatus.FIRING,
    "no_data": AlertStatus.FIRING,
    "pending": AlertStatus.FIRING,
    "unknown": AlertStatus.FIRING,
    "ok": AlertStatus.RESOLVED,
    "paused": AlertStatus.RESOLVED,
}


def read(payload: Payload, received_at: int) -> list[RawAlert]:
    payload = an_object(payload, "")
    if "alerts" not in payload and _is_legacy(payload):
        return [_read_legacy(payload)]
    alerts = read_group(payload, received_at, _DIALECT)
    if len(alerts) == 1 and _is_test(alerts[0]):
        raise NoAlert("is a test of the contact point, no alert", field="alerts.0.labels.alertname")
    for i, (alert, item) in enumerate(zip(alerts, payload["alerts"], strict=True)):
        alert.metrics = _metrics(item, f"alerts.{i}")
    return alerts


def detects(payload: Payload) -> bool:
    if not isinstance(payload, dict):
        return False
    alert = first_alert(payload)
    if alert is None:
        return _is_legacy(payload) or ("orgId" in payload and payload.get("alerts") == [])
    return isinstance(alert.get("labels"), dict) and ("orgId" in payload or not _OURS.isdisjoint(alert))


def _metrics(item: dict[str, Any], at: str) -> dict[str, Metric]:
    """The values that the rule's expressions had, under their names; NaN is how Grafana says none."""
    values = item.get("values")
    if values is None:
        return _from_text(text(item, "valueString", at) or "")
    if not isinstance(values, dict):
        raise wrong("an object", values, at, "values")
    return {name: number for name, value in _some(values) if (number := finite(value)) is not None}


def _some(values: dict[str, Any]) -> list[tuple[str, Any]]:
    return list(values.items())[:MAX_METRICS]


def _from_text(values: str) -> dict[str, Metric]:
    found: dict[str, Metric] = {}
    for variable, metric, value in _VALUE.findall(values[:4000]):
        number = finite(value)
        if number is not None:
            found[variable or metric or "value"] = number
    return found


def _is_test(alert: RawAlert) -> bool:
    """What the button of a contact point sends; all three are Grafana's own words."""
    told = alert.alert_type, alert.labels.get("instance"), alert.annotations.get("summary")
    return told == ("TestAlert", "Grafana", "Notification test")


def _is_legacy(payload: dict[str, Any]) -> bool:
    return "ruleName" in payload and "state" in payload and ("ruleId" in payload or "evalMatches" in payload)


def _read_legacy(payload: dict[str, Any]) -> RawAlert:
    tags = texts(payload, "tags", "")
    name = without_state(text(payload, "ruleName", "") or text(payload, "title", "") or "")
    status = _LEGACY_STATES.get(text(payload, "state", "") or "")
    if not name:
        raise BadPayload("is missing", field="ruleName")
    if name == "Test notification" and (text(payload, "message", "") or "").startswith(_LEGACY_TEST):
        raise NoAlert("is a test of the notification channel, no alert", field="ruleName")
    if status is None:
        raise BadPayload(f"must be one of {', '.join(_LEGACY_STATES)}", field="state")
    target, kind, namespace, cluster = whereabouts(tags)  # of a rule's tags alone: its end has no matches
    return RawAlert(
        alert_type=name,
        severity=severity_of(tags.get("severity")),
        source="grafana",
        message=text(payload, "message", "") or name,
        status=status,
        namespace=namespace,
        target_resource=target,
        resource_type=kind,
        cluster=cluster,
        metrics=_matches(payload),
        labels=tags,
        generator_url=text(payload, "ruleUrl", ""),
    )


def _matches(payload: dict[str, Any]) -> dict[str, Metric]:
    matches = payload.get("evalMatches")
    if matches is None:
        return {}
    if not isinstance(matches, list):
        raise wrong("a list", matches, "evalMatches")
    found: dict[str, Metric] = {}
    for i, value in enumerate(matches[:MAX_METRICS]):
        match = an_object(value, join("evalMatches", str(i)))
        number = finite(match.get("value"))
        if number is not None:
            found[text(match, "metric", f"evalMatches.{i}") or "value"] = number
    return found


SOURCE = Source("grafana", read, detects)
