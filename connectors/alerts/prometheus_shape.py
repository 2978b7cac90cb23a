"""The shape that Alertmanager made common: labels, annotations, startsAt, endsAt. Three sources share it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from connectors.alerts.fields import an_object, join, list_of_alerts, text, texts, wrong
from connectors.alerts.source import Payload, RawAlert
from connectors.alerts.times import moment
from connectors.alerts.vocabulary import RESOURCES, Resources, resource_of, severity_of, without_state
from schemas.alert import AlertStatus
from schemas.errors import BadPayload

_FIRING, _RESOLVED = AlertStatus.FIRING, AlertStatus.RESOLVED
_STATUSES = {"firing": _FIRING, "resolved": _RESOLVED}
_MESSAGES = ("summary", "message", "description")


@dataclass(frozen=True, slots=True)
class Dialect:
    """What differs between the sources: their name, and where labels say what the alert is about."""

    source: str
    resources: Resources = RESOURCES
    namespace: tuple[str, ...] = ("namespace",)
    cluster: tuple[str, ...] = ("cluster",)


def first_alert(payload: Payload) -> dict[str, Any] | None:
    """The first alert of a group or of a bare list, for detection; None where there is none."""
    alerts = payload.get("alerts") if isinstance(payload, dict) else payload
    if isinstance(alerts, list) and alerts and isinstance(alerts[0], dict):
        return alerts[0]
    return None


def read_group(payload: dict[str, Any], received_at: int, dialect: Dialect) -> list[RawAlert]:
    """A webhook's body. The group's own status, labels and annotations are never an alert's."""
    if "alerts" not in payload:
        raise BadPayload("is missing", field="alerts")
    items = list_of_alerts(payload["alerts"], "alerts")
    alerts = [read_alert(item, f"alerts.{i}", received_at, dialect) for i, item in enumerate(items)]
    if _left_out(payload):
        for alert in alerts:
            alert.incomplete = True
    return alerts


def _left_out(group: dict[str, Any]) -> bool:
    count = group.get("truncatedAlerts")
    if count is None or isinstance(count, int | float):
        return bool(count and count > 0)
    raise wrong("a number", count, "truncatedAlerts")


def read_alert(item: Any, at: str, received_at: int, dialect: Dialect) -> RawAlert:
    item = an_object(item, at)
    labels, annotations = texts(item, "labels", at), texts(item, "annotations", at)
    name = labels.get("alertname")
    if not name:
        raise BadPayload("is missing", field=f"{at}.labels.alertname")
    ends_at = moment(item, "endsAt", at)
    status = _status(item, ends_at, received_at, at)
    target, kind = resource_of(labels, dialect.resources)
    alert_type = without_state(name)
    return RawAlert(
        alert_type=alert_type,
        severity=severity_of(labels.get("severity")),
        source=dialect.source,
        message=first(annotations, _MESSAGES) or alert_type,
        status=status,
        description=annotations.get("description") or None,
        namespace=first(labels, dialect.namespace),
        target_resource=target,
        resource_type=kind,
        cluster=first(labels, dialect.cluster),
        fired_at=moment(item, "startsAt", at),
        ends_at=ends_at if status is _RESOLVED else None,  # of a firing alert it is only a time-out
        labels=_with_sender(labels, text(item, "fingerprint", at)),
        annotations=annotations,
        generator_url=text(item, "generatorURL", at),
    )


def first(values: dict[str, str], names: tuple[str, ...]) -> str | None:
    for name in names:
        value = values.get(name)
        if value:
            return value
    return None


def _status(item: dict[str, Any], ends_at: int | None, received_at: int, at: str) -> AlertStatus:
    """The alert's own status; the v2 API has none (or an object about silences), there endsAt decides."""
    value = item.get("status")
    if value is None or isinstance(value, dict):
        return _RESOLVED if ends_at is not None and ends_at <= received_at else _FIRING
    status = _STATUSES.get(value) if isinstance(value, str) else None
    if status is None:
        raise BadPayload("must be firing or resolved", field=join(at, "status"))
    return status


def _with_sender(labels: dict[str, str], fingerprint: str | None) -> dict[str, str]:
    return {**labels, "sender_fingerprint": fingerprint} if fingerprint else labels
