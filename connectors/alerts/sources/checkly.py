"""Checkly: the webhook of an alert channel.

Its body is a template that users write of Checkly's variables, in small letters or in capitals.
"""

from __future__ import annotations

from connectors.alerts.fields import an_object
from connectors.alerts.loose import finite, flat, fold, folded, labels_of, one_of, whereabouts
from connectors.alerts.source import Payload, RawAlert, Source
from connectors.alerts.times import perhaps
from connectors.alerts.vocabulary import without_state
from schemas.alert import AlertStatus, Metric, ResourceType, Severity
from schemas.errors import BadPayload

_FIRING, _RESOLVED = AlertStatus.FIRING, AlertStatus.RESOLVED
_TYPES = {
    "ALERT_FAILURE": (_FIRING, Severity.CRITICAL),
    "ALERT_FAILURE_REMAIN": (_FIRING, Severity.CRITICAL),
    "ALERT_DEGRADED_FAILURE": (_FIRING, Severity.CRITICAL),
    "ALERT_DEGRADED": (_FIRING, Severity.WARNING),
    "ALERT_DEGRADED_REMAIN": (_FIRING, Severity.WARNING),
    "ALERT_FAILURE_DEGRADED": (_FIRING, Severity.WARNING),
    "ALERT_SSL": (_FIRING, Severity.WARNING),
    "ALERT_RECOVERY": (_RESOLVED, Severity.INFO),
    "ALERT_DEGRADED_RECOVERY": (_RESOLVED, Severity.INFO),
}
_MESSAGE = ("checkerrormessage", "alerttitle", "event", "title")
_NUMBERS = {
    "responsetime": "response_time_ms",
    "apicheckresponsestatuscode": "status_code",
    "ssldaysremaining": "ssl_days_remaining",
}


def read(payload: Payload, received_at: int) -> list[RawAlert]:
    del received_at
    payload = an_object(payload, "")
    told = folded(payload, 2)
    name = told.get("checkname")
    if name is None:
        raise BadPayload("is missing", field="check_name")
    kind = told.get("alerttype", "").upper()
    if kind not in _TYPES:
        raise BadPayload(f"must be one of {', '.join(_TYPES)}", field="alert_type")
    status, severity = _TYPES[kind]
    at = perhaps(told, "startedat")
    labels = {**flat(payload, 1), **labels_of(told.get("tags", "").split(","))}
    target, its_type, namespace, cluster = whereabouts(labels)
    if domain := told.get("sslcheckdomain"):
        target, its_type = domain, ResourceType.HOST
    return [
        RawAlert(
            alert_type=without_state(name),
            severity=severity,
            source="checkly",
            message=one_of(told, _MESSAGE) or name,
            status=status,
            description=told.get("checkerrormessage"),
            namespace=namespace,
            target_resource=target,
            resource_type=its_type,
            cluster=cluster,
            metrics=_metrics(told),
            fired_at=at if status is _FIRING else None,
            ends_at=at if status is _RESOLVED else None,
            labels=labels,
            generator_url=one_of(told, ("link", "resultlink")),
        )
    ]


def _metrics(told: dict[str, str]) -> dict[str, Metric]:
    found = ((ours, finite(told.get(theirs))) for theirs, ours in _NUMBERS.items())
    return {name: number for name, number in found if number is not None}


def detects(payload: Payload) -> bool:
    if not isinstance(payload, dict) or len(payload) > 200:
        return False
    told = {fold(name): value for name, value in payload.items()}
    kind = told.get("alerttype")
    return "checkname" in told and isinstance(kind, str) and kind.upper().startswith("ALERT_")


SOURCE = Source("checkly", read, detects)
