"""Checkmk: a notification script's variables as JSON; so do Nagios and its kin, whose macros they are.

Users choose the names' form: `NOTIFY_SERVICEDESC`, `SERVICEDESC` and `service_desc` are one.
"""

from __future__ import annotations

import re
from functools import lru_cache

from connectors.alerts.fields import an_object
from connectors.alerts.limits import MAX_LABELS
from connectors.alerts.loose import fold, graded, leaves, one_of, words
from connectors.alerts.source import Payload, RawAlert, Source
from connectors.alerts.times import perhaps
from schemas.alert import AlertStatus, ResourceType, Severity
from schemas.errors import BadPayload, NoAlert

_HOST = ("hostname", "host", "hostalias", "alias")
_SERVICE = ("servicedesc", "servicedescription", "service")
_TELLING = frozenset({"what", "hoststate", "servicestate", "servicedesc"})
_CHANGED = ("lastservicestatechange", "lasthoststatechange", "microtime", "timet")
_OUTPUT = ("serviceoutput", "hostoutput", "output", "summary")
_DETAILS = ("longserviceoutput", "longhostoutput", "longoutput")
_LINKS = ("serviceurl", "hosturl", "url")
_WELL = frozenset({"ok", "up"})
_SEVERITIES = {
    "down": Severity.CRITICAL,
    "unreachable": Severity.CRITICAL,
    "unknown": Severity.WARNING,  # nobody knows how bad it is
}
_SENDER_STATUS = {
    "ACKNOWLEDGEMENT": "acknowledged",
    "DOWNTIMESTART": "muted",
    "FLAPPINGSTART": "flapping",
    "CUSTOM": "custom",
}
_KINDS = words(
    """PROBLEM RECOVERY ACKNOWLEDGEMENT DOWNTIMESTART DOWNTIMEEND DOWNTIMECANCELLED FLAPPINGSTART FLAPPINGSTOP
    FLAPPINGDISABLED CUSTOM"""
)
_PERSONAL = re.compile(r"contact|password|secret|token|(^|_)parameter_", re.IGNORECASE)
HOST_CHECK = "Host check"


def read(payload: Payload, received_at: int) -> list[RawAlert]:
    del received_at
    payload = an_object(payload, "")
    found = leaves(payload, 1)
    told = {fold(name).removeprefix("notify"): value for name, value in found}
    kind = told.get("notificationtype", "").split(" ")[0].upper()
    if kind == "ALERTHANDLER":
        raise NoAlert("is the call of an alert handler, no alert", field="notification_type")
    if kind not in _KINDS:
        raise BadPayload(f"must be one of {', '.join(_KINDS)}", field="notification_type")
    host = one_of(told, _HOST)
    if host is None:
        raise BadPayload("is missing", field="host")
    service = None if told.get("what", "").upper() == "HOST" else one_of(told, _SERVICE)
    labels = {name: value for name, value in found[:MAX_LABELS] if not _is_personal(name[:200])}
    return [_alert(told, labels, kind, host, service)]


def _alert(
    told: dict[str, str], labels: dict[str, str], kind: str, host: str, service: str | None
) -> RawAlert:
    state = one_of(told, ("servicestate" if service else "hoststate", "status", "state")) or ""
    status = _status(kind, state)
    at = _at(told)
    if status is AlertStatus.FIRING and kind in _SENDER_STATUS:
        labels["sender_status"] = _SENDER_STATUS[kind]
    return RawAlert(
        alert_type=service or HOST_CHECK,
        severity=_severity(told, kind, state),
        source="checkmk",
        message=one_of(told, _OUTPUT) or f"{service or host} is {state or kind.lower()}",
        status=status,
        description=one_of(told, _DETAILS),
        target_resource=host,
        resource_type=ResourceType.HOST,
        fired_at=at if status is AlertStatus.FIRING else None,
        ends_at=at if status is AlertStatus.RESOLVED else None,
        labels=labels,
        generator_url=link if "://" in (link := one_of(told, _LINKS) or "") else None,  # often a mere path
    )


@lru_cache(maxsize=1024)
def _is_personal(name: str) -> bool:
    return _PERSONAL.search(name) is not None


def _status(kind: str, state: str) -> AlertStatus:
    """An acknowledgement or a downtime changes nothing: whether it fires, the state tells."""
    if kind in {"PROBLEM", "FLAPPINGSTART"}:
        return AlertStatus.FIRING
    return AlertStatus.RESOLVED if kind == "RECOVERY" or fold(state) in _WELL else AlertStatus.FIRING


def _severity(told: dict[str, str], kind: str, state: str) -> Severity:
    """What goes on and off is a warning, in whichever state it was just now."""
    found = graded(told.get("severity") or state, _SEVERITIES)
    return Severity.WARNING if kind == "FLAPPINGSTART" and found is Severity.INFO else found


def _at(told: dict[str, str]) -> int | None:
    """When the state changed; a date without a zone is the server's own, and only taken where that is UTC."""
    found = next((at for name in _CHANGED if name in told and (at := perhaps(told, name))), None)
    if found is None and {"UTC", "GMT"} & set(told.get("longdatetime", "").split()):
        return perhaps(told, "shortdatetime")
    return found


def detects(payload: Payload) -> bool:
    if not isinstance(payload, dict) or len(payload) > 1_000:
        return False
    names = {fold(name).removeprefix("notify") for name in payload}
    return "notificationtype" in names and not names.isdisjoint(_HOST) and not names.isdisjoint(_TELLING)


SOURCE = Source("checkmk", read, detects)
