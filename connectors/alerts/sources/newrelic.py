"""New Relic: issues as workflows send them, and the incidents of the notification channels before them."""

from __future__ import annotations

from typing import Any

from connectors.alerts.fields import an_object, first_of, join, parts, texts, wrong
from connectors.alerts.loose import said, whereabouts
from connectors.alerts.source import Payload, RawAlert, Source
from connectors.alerts.times import any_moment
from connectors.alerts.vocabulary import severity_of, without_state
from schemas.alert import AlertStatus, ResourceType, Severity
from schemas.errors import BadPayload, NoAlert

_FIRING, _RESOLVED = AlertStatus.FIRING, AlertStatus.RESOLVED
_STATES = {
    "open": _FIRING,
    "opened": _FIRING,
    "created": _FIRING,
    "active": _FIRING,
    "activated": _FIRING,
    "acknowledged": _FIRING,
    "closed": _RESOLVED,
    "deactivated": _RESOLVED,
    "resolved": _RESOLVED,
}
_SEVERITIES = {
    "critical": Severity.CRITICAL,
    "high": Severity.WARNING,  # what a condition's warning threshold makes
    "medium": Severity.WARNING,
    "low": Severity.INFO,
}
_TYPES = {
    "host": ResourceType.HOST,
    "server": ResourceType.HOST,
    "application": ResourceType.SERVICE,
    "apmapplication": ResourceType.SERVICE,
    "service": ResourceType.SERVICE,
    "synthetics": ResourceType.SERVICE,
    "monitor": ResourceType.SERVICE,
    "browser": ResourceType.SERVICE,
}
_STATE_FIELDS = ("current_state", "state", "status")
_CONDITIONS = ("conditionName", "condition_name", "alertConditionNames", "alert_condition_names")
_POLICIES = ("policyName", "policy_name", "alertPolicyNames", "alert_policy_names")
_IDS = ("issueId", "incident_id", "id")
_LINKS = ("issueUrl", "incident_url", "issuePageUrl", "violationChartUrl")
_BEGAN = ("createdAt", "activatedAt", "createdAtUtc")
_ENDED = ("closedAt", "updatedAt", "timestamp")


def read(payload: Payload, received_at: int) -> list[RawAlert]:
    del received_at
    item = an_object(payload, "")
    if first_of(item, ("event_type",), "") == "NOTIFICATION":
        raise NoAlert("is a test of the notification channel, no alert", field="event_type")
    title, condition = first_of(item, ("title", "details", "incident_title"), ""), _one(item, _CONDITIONS)
    if condition is None and title is None:
        raise BadPayload("is missing", field="conditionName")
    state, status = _state(item)
    labels = _labels(item, state)
    target, kind, namespace, cluster = whereabouts(labels)
    if target is None:
        target, kind = _entity(item)
    name = without_state(condition or title or "")
    return [
        RawAlert(
            alert_type=name,
            severity=_severity(item),
            source="newrelic",
            message=title or name,
            status=status,
            description=first_of(item, ("details", "description"), ""),
            namespace=namespace,
            target_resource=target,
            resource_type=kind,
            cluster=cluster,
            fired_at=_moment(item, _BEGAN if status is _RESOLVED else (*_BEGAN, "timestamp")),
            ends_at=_moment(item, _ENDED) if status is _RESOLVED else None,
            labels=labels,
            generator_url=first_of(item, _LINKS, ""),
        )
    ]


def detects(payload: Payload) -> bool:
    if not isinstance(payload, dict):
        return False
    if "current_state" in payload:
        return "condition_name" in payload and not payload.keys().isdisjoint({"incident_id", "incident_url"})
    named = not payload.keys().isdisjoint({"issueUrl", "issueId"})
    return (
        named
        and "state" in payload
        and not payload.keys().isdisjoint({*_CONDITIONS, *_POLICIES, "totalIncidents"})
    )


def _one(item: dict[str, Any], names: tuple[str, ...]) -> str | None:
    """A text, or the first of a list of texts; a template may have made a list of one name or of none."""
    for name in names:
        value = item.get(name)
        if isinstance(value, list):
            value = next((each for each in value if each), None)
        if isinstance(value, dict):
            raise wrong("text or a list of texts", value, "", name)
        found = said(value)
        if found:
            return found
    return None


def _state(item: dict[str, Any]) -> tuple[str, AlertStatus]:
    for name in _STATE_FIELDS:
        state = (first_of(item, (name,), "") or "").lower()
        if state:
            if state not in _STATES:
                raise BadPayload(f"must be one of {', '.join(_STATES)}", field=name)
            return state, _STATES[state]
    return ("closed", _RESOLVED) if item.get("closedAt") else ("open", _FIRING)


def _severity(item: dict[str, Any]) -> Severity:
    word = first_of(item, ("priority", "severity"), "")
    return _SEVERITIES.get((word or "").lower()) or severity_of(word)


def _moment(item: dict[str, Any], names: tuple[str, ...]) -> int | None:
    return next((at for name in names if (at := any_moment(item, name, "")) is not None), None)


def _labels(item: dict[str, Any], state: str) -> dict[str, str]:
    labels = dict(texts(targets[0], "labels", "targets.0")) if (targets := parts(item, "targets", "")) else {}
    for name, value in (
        ("policy", _one(item, _POLICIES)),
        ("account", first_of(item, ("account_name", "accountName", "account_id", "accountId"), "")),
        ("workflow", first_of(item, ("workflowName",), "")),
        ("runbook_url", first_of(item, ("runbook_url", "runbookUrl"), "")),
        ("sender_fingerprint", first_of(item, _IDS, "")),
        ("sender_status", _said_so(item, state)),
    ):
        if value:
            labels.setdefault(name, value)
    return labels


def _said_so(item: dict[str, Any], state: str) -> str | None:
    trigger = (first_of(item, ("trigger", "triggerEvent"), "") or "").lower()
    if state == "acknowledged" or (_STATES[state] is _FIRING and trigger in {"acknowledge", "acknowledged"}):
        return "acknowledged"
    muted = first_of(item, ("mutingState", "muting_state"), "") == "FULLY_MUTED"
    return "muted" if muted and _STATES[state] is _FIRING else None


def _entity(item: dict[str, Any]) -> tuple[str, ResourceType | None] | tuple[None, None]:
    """The first target, which says what it is; the entities of an issue are names alone."""
    for i, target in enumerate(parts(item, "targets", "")[:1]):
        at = join("targets", str(i))
        name = first_of(target, ("name",), at)
        if name:
            kind = (first_of(target, ("type", "product"), at) or "").replace(" ", "").lower()
            return name, _TYPES.get(kind)
    name = _one(item, ("impactedEntities", "entitiesData", "entityName", "entity_name"))
    return (name, None) if name else (None, None)


SOURCE = Source("newrelic", read, detects)
