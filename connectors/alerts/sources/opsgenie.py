"""Opsgenie: the outgoing webhook, which tells of everything that is done to an alert.

Jira Service Management, which took it over, sends the same alerts; `read_action` reads both.
"""

from __future__ import annotations

import re
from typing import Any

from connectors.alerts.fields import an_object, first_of, join, part, required, told
from connectors.alerts.loose import flat, fold, said, tags, whereabouts
from connectors.alerts.source import Payload, RawAlert, Source
from connectors.alerts.times import any_moment
from connectors.alerts.vocabulary import severity_of, without_state
from schemas.alert import AlertStatus
from schemas.errors import NoAlert

_FIRING, _RESOLVED = AlertStatus.FIRING, AlertStatus.RESOLVED
_ACTIONS: dict[str, tuple[AlertStatus, str | None]] = {
    "create": (_FIRING, None),
    "unacknowledge": (_FIRING, None),
    "snoozeend": (_FIRING, None),
    "snoozeended": (_FIRING, None),
    "acknowledge": (_FIRING, "acknowledged"),
    "snooze": (_FIRING, "snoozed"),
    "escalate": (_FIRING, "escalated"),
    "escalatenext": (_FIRING, "escalated"),
    "assignownership": (_FIRING, "assigned"),
    "takeownership": (_FIRING, "assigned"),
    "updatepriority": (_FIRING, "updated"),
    "updatemessage": (_FIRING, "updated"),
    "updatedescription": (_FIRING, "updated"),
    "close": (_RESOLVED, None),
    "delete": (_RESOLVED, None),
}
"""by the action in the present tense; others (notes, tags, responders) are no alerts"""
_PRIORITY = re.compile(r"[Pp]?([1-5])")


def read(payload: Payload, received_at: int) -> list[RawAlert]:
    del received_at
    return [read_action(an_object(payload, ""), "opsgenie", "")]


def detects(payload: Payload) -> bool:
    """An alert with an `alertId`, and what was done to it in Opsgenie's words: `Create`, not `created`."""
    if not isinstance(payload, dict):
        return False
    action, alert = payload.get("action"), payload.get("alert")
    return isinstance(action, str) and action[:1].isupper() and isinstance(alert, dict) and "alertId" in alert


def read_action(payload: dict[str, Any], source: str, at: str) -> RawAlert:
    action = required(payload, ["action"], at)
    status, state = _meaning(action, join(at, "action"))
    item, at = part(payload, "alert", at), join(at, "alert")
    if action.lower().startswith("escalat") and "message" not in item:
        raise NoAlert("tells of an escalation without its alert, no alert", field=at)
    message = required(item, ["message"], at)
    labels = _labels(item, at)
    target, kind, namespace, cluster = whereabouts(labels)
    sender = first_of(item, ("alias", "alertId"), at)
    if sender:
        labels["sender_fingerprint"] = sender
    if state:
        labels["sender_status"] = state
    resolved = status is _RESOLVED
    return RawAlert(
        alert_type=without_state(message),
        severity=severity_of(_priority(item, at)),
        source=source,
        message=message,
        status=status,
        description=first_of(item, ("description",), at),
        namespace=namespace,
        target_resource=target or labels.get("entity"),
        resource_type=kind,
        cluster=cluster,
        fired_at=any_moment(item, "createdAt", at),
        ends_at=any_moment(item, "updatedAt", at) if resolved else None,
        labels=labels,
        generator_url=first_of(item, ("alertUrl", "url"), at),
    )


def _meaning(action: str, field: str) -> tuple[AlertStatus, str | None]:
    plain = fold(action)
    found = _ACTIONS.get(plain) or _ACTIONS.get(plain.removesuffix("d"))  # relays write `acknowledged`
    if found is None:
        raise NoAlert(f"{told(action)} does nothing to the state of an alert, no alert", field=field)
    return found


def _priority(item: dict[str, Any], at: str) -> str | None:
    """`P2`; older webhooks write 2."""
    word = first_of(item, ("priority",), at)
    number = _PRIORITY.fullmatch(word) if word else None
    return f"p{number[1]}" if number else word


def _labels(item: dict[str, Any], at: str) -> dict[str, str]:
    details = item.get("details")
    labels = flat(details, 1) if isinstance(details, dict) else {}
    for name, value in tags(item, "tags", at).items():
        labels.setdefault(name, value)
    for name in ("entity", "source", "team"):
        found = said(item.get(name))
        if found:
            labels.setdefault(name, found)
    return labels


SOURCE = Source("opsgenie", read, detects)
