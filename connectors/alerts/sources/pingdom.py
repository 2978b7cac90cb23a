"""Pingdom: the webhook of a check that changed its state, and the older one, of incidents by action."""

from __future__ import annotations

from typing import Any

from connectors.alerts.fields import an_object, text
from connectors.alerts.loose import flat, graded, host_of, said, tags
from connectors.alerts.source import Payload, RawAlert, Source
from connectors.alerts.times import any_moment
from connectors.alerts.vocabulary import without_state
from schemas.alert import AlertStatus, ResourceType, Severity
from schemas.errors import BadPayload

_FIRING, _RESOLVED = AlertStatus.FIRING, AlertStatus.RESOLVED
_STATES = {
    "DOWN": _FIRING,
    "UNCONFIRMED_DOWN": _FIRING,
    "FAILING": _FIRING,
    "UNKNOWN": _FIRING,
    "UP": _RESOLVED,
    "SUCCESS": _RESOLVED,
}
_ACTIONS = {"assign": _FIRING, "notify_of_close": _RESOLVED}
_IMPORTANCE = {"low": Severity.WARNING}  # a check that fails, of which nobody is to be woken


def read(payload: Payload, received_at: int) -> list[RawAlert]:
    del received_at
    payload = an_object(payload, "")
    return [_of_incident(payload) if "action" in payload else _of_check(payload)]


def _of_check(payload: dict[str, Any]) -> RawAlert:
    status = _chosen(payload, "current_state", _STATES)
    name = _name(payload, "check_name")
    params = payload.get("check_params")
    params = {} if params is None else an_object(params, "", "check_params")
    url, at = text(params, "full_url", "check_params"), _changed_at(payload)
    target = text(params, "hostname", "check_params") or host_of(url)
    return RawAlert(
        alert_type=name,
        severity=_severity(payload, status),
        source="pingdom",
        message=text(payload, "long_description", "") or text(payload, "description", "") or name,
        status=status,
        description=text(payload, "description", ""),
        target_resource=target,
        resource_type=ResourceType.HOST if target else None,
        fired_at=at if status is _FIRING else None,
        ends_at=at if status is _RESOLVED else None,
        labels=_labels(payload),
        generator_url=url,
    )


def _changed_at(payload: dict[str, Any]) -> int | None:
    return any_moment(payload, "state_changed_timestamp", "") or any_moment(
        payload, "state_changed_utc_time", ""
    )


def _severity(payload: dict[str, Any], status: AlertStatus) -> Severity:
    """Old payloads do not say how important a check is: down is down."""
    importance = text(payload, "importance_level", "")
    if importance:
        return graded(importance, _IMPORTANCE)
    return Severity.CRITICAL if status is _FIRING else Severity.INFO


def _labels(payload: dict[str, Any]) -> dict[str, str]:
    told = ("check_id", "check_type", "previous_state", "importance_level")
    labels = {name: value for name in told if (value := said(payload.get(name)))}
    probe = payload.get("first_probe")
    if isinstance(probe, dict) and (location := said(probe.get("location"))):
        labels["location"] = location
    return {**tags(payload, "tags", ""), **labels}


def _of_incident(payload: dict[str, Any]) -> RawAlert:
    status = _chosen(payload, "action", _ACTIONS)
    name, host = _name(payload, "checkname"), text(payload, "host", "")
    return RawAlert(
        alert_type=name,
        severity=Severity.CRITICAL if status is _FIRING else Severity.INFO,
        source="pingdom",
        message=f"{name}: {text(payload, 'description', '') or status}",
        status=status,
        target_resource=host,
        resource_type=ResourceType.HOST if host else None,
        labels=flat(payload, 1),
    )


def _name(payload: dict[str, Any], field: str) -> str:
    name = text(payload, field, "")
    if not name:
        raise BadPayload("is missing", field=field)
    return without_state(name)


def _chosen(payload: dict[str, Any], field: str, words: dict[str, AlertStatus]) -> AlertStatus:
    status = words.get(text(payload, field, "") or "")
    if status is None:
        raise BadPayload(f"must be one of {', '.join(words)}", field=field)
    return status


def detects(payload: Payload) -> bool:
    if not isinstance(payload, dict):
        return False
    return {"check_id", "check_name", "current_state"} <= payload.keys() or {
        "incidentid",
        "checkname",
        "action",
    } <= payload.keys()


SOURCE = Source("pingdom", read, detects)
