"""UptimeRobot: a monitor is down, up again, or its certificate or domain runs out.

The body is its default variables, or a template that a user wrote of them, in names of any punctuation.
"""

from __future__ import annotations

from connectors.alerts.fields import an_object
from connectors.alerts.loose import finite, flat, fold, folded, host_of, one_of
from connectors.alerts.source import Payload, RawAlert, Source
from connectors.alerts.times import perhaps
from schemas.alert import AlertStatus, ResourceType, Severity
from schemas.errors import BadPayload

_MONITOR = ("monitorfriendlyname", "monitorname", "monitorurl")
_TYPE = ("alerttype", "alerttypefriendlyname")
_DOWN = (AlertStatus.FIRING, Severity.CRITICAL)
_UP = (AlertStatus.RESOLVED, Severity.INFO)
_EXPIRES = (AlertStatus.FIRING, Severity.WARNING)
_WORDS = {
    "1": _DOWN,
    "down": _DOWN,
    "2": _UP,
    "up": _UP,
    "3": _EXPIRES,
    "4": _EXPIRES,
    "sslexpiry": _EXPIRES,
    "domainexpiry": _EXPIRES,
    "sslanddomainexpiry": _EXPIRES,
}


def read(payload: Payload, received_at: int) -> list[RawAlert]:
    del received_at
    payload = an_object(payload, "")
    labels = {name: value for name, value in flat(payload, 1).items() if not _is_placeholder(value)}
    told = folded(labels, 1)
    name = one_of(told, _MONITOR)
    if name is None:
        raise BadPayload("is missing", field="monitorFriendlyName")
    status, severity = _what(told)
    address, details = told.get("monitorurl"), told.get("alertdetails")
    began, ended = _times(told, status)
    return [
        RawAlert(
            alert_type=name,
            severity=severity,
            source="uptimerobot",
            message=details or told.get("alerttypefriendlyname") or name,
            status=status,
            target_resource=host_of(address),
            resource_type=ResourceType.HOST if address else None,
            fired_at=began,
            ends_at=ended,
            labels=labels,
            generator_url=one_of(told, ("dashboardurl", "incidenturl")),
        )
    ]


def _what(told: dict[str, str]) -> tuple[AlertStatus, Severity]:
    words = [told[name] for name in _TYPE if name in told]
    if not words:
        raise BadPayload("is missing", field="alertType")
    for word in words:
        if found := _WORDS.get(fold(word)):
            return found
    raise BadPayload("must be 1 or Down, 2 or Up, 3 or SSL expiry, 4 or domain expiry", field="alertType")


def _times(told: dict[str, str], status: AlertStatus) -> tuple[int | None, int | None]:
    """Of what is over the end is told, and how many seconds it took."""
    at = perhaps(told, "alertdatetime")
    if at is None or status is AlertStatus.FIRING:
        return at, None
    took = finite(told.get("alertduration"))
    began = None if took is None or not 0 <= took * 1000 <= at else at - round(took * 1000)
    return began, at


def _is_placeholder(value: str) -> bool:
    """A variable that was not filled in says nothing."""
    return len(value) > 2 and value[0] == value[-1] == "*"


def detects(payload: Payload) -> bool:
    if not isinstance(payload, dict):
        return False
    names = {fold(name) for name in payload} if len(payload) <= 200 else set()
    return "monitorfriendlyname" in names and not names.isdisjoint(_TYPE)


SOURCE = Source("uptimerobot", read, detects)
