"""Our own shape, for senders that can choose: one alert, a list, or `{"alerts": [...]}`.

Held to its word: what a sender wrote for us is checked, and the answer says what is allowed.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, TypeVar

from connectors.alerts.fields import an_object, as_metric, join, list_of_alerts, text, texts, told, wrong
from connectors.alerts.limits import MAX_METRICS
from connectors.alerts.source import Payload, RawAlert, Source
from connectors.alerts.sources.prometheus_shape import first_alert
from connectors.alerts.times import moment
from connectors.alerts.vocabulary import without_state
from schemas.alert import AlertStatus, Metric, ResourceType, Severity
from schemas.errors import BadPayload

_TELLING = {"alert_type", "severity"}  # others have an `alert_type` too
_Choice = TypeVar("_Choice", bound=StrEnum)


def read(payload: Payload, received_at: int) -> list[RawAlert]:
    del received_at  # this shape says its own status
    if isinstance(payload, list):
        return [_alert(item, str(i)) for i, item in enumerate(list_of_alerts(payload, ""))]
    payload = an_object(payload, "")
    if "alerts" in payload and "alert_type" not in payload:
        items = list_of_alerts(payload["alerts"], "alerts")
        return [_alert(item, f"alerts.{i}") for i, item in enumerate(items)]
    return [_alert(payload, "")]


def detects(payload: Payload) -> bool:
    alert = payload if isinstance(payload, dict) and "alert_type" in payload else first_alert(payload)
    return alert is not None and alert.keys() >= _TELLING


def _alert(value: Any, at: str) -> RawAlert:
    item = an_object(value, at)
    labels, sender = texts(item, "labels", at), text(item, "fingerprint", at)
    return RawAlert(
        alert_type=without_state(_required(item, "alert_type", at)),
        severity=_one_of(Severity, _required(item, "severity", at), join(at, "severity")),
        source=_required(item, "source", at),
        message=_required(item, "message", at),
        status=_choice(AlertStatus, item, "status", at) or AlertStatus.FIRING,
        description=text(item, "description", at),
        namespace=text(item, "namespace", at),
        target_resource=text(item, "target_resource", at),
        resource_type=_choice(ResourceType, item, "resource_type", at),
        cluster=text(item, "cluster", at),
        metrics=_metrics(item, at),
        fired_at=moment(item, "fired_at", at),
        ends_at=moment(item, "ends_at", at),
        labels={**labels, "sender_fingerprint": sender} if sender else labels,
        annotations=texts(item, "annotations", at),
        generator_url=text(item, "generator_url", at),
    )


def _required(item: dict[str, Any], name: str, at: str) -> str:
    value = text(item, name, at)
    if value is None or not value.strip():
        raise BadPayload("is missing", field=join(at, name))
    return value


def _choice(choices: type[_Choice], item: dict[str, Any], name: str, at: str) -> _Choice | None:
    value = text(item, name, at)
    return None if value is None else _one_of(choices, value, join(at, name))


def _one_of(choices: type[_Choice], value: str, field: str) -> _Choice:
    try:
        return choices(value)
    except ValueError:
        raise BadPayload(f"must be one of {', '.join(choices)}", field=field) from None


def _metrics(item: dict[str, Any], at: str) -> dict[str, Metric]:
    value = item.get("metrics")
    if value is None:
        return {}
    at = join(at, "metrics")
    if not isinstance(value, dict):
        raise wrong("an object", value, at)
    if len(value) > MAX_METRICS:
        raise BadPayload(f"holds {len(value)} entries, at most {MAX_METRICS} are allowed", field=at)
    return {name: as_metric(number, at, told(name)) for name, number in value.items()}


SOURCE = Source("awoooi", read, detects, yields=True)  # templates of others may name fields so too
