"""FireHydrant: the webhook of its incidents. Where an incident stands is its current milestone."""

from __future__ import annotations

from typing import Any

from connectors.alerts.fields import an_object, first_of, join, part, parts
from connectors.alerts.loose import fold, graded, labels_of, said, whereabouts, words
from connectors.alerts.source import Payload, RawAlert, Source
from connectors.alerts.times import any_moment
from connectors.alerts.vocabulary import without_state
from schemas.alert import AlertStatus, ResourceType
from schemas.errors import BadPayload, NoAlert

_OVER = frozenset(
    words("resolved closed postmortemstarted postmortemcompleted retrospectivestarted retrospectivecompleted")
)
_UNDER_WAY = frozenset({"", "started", "detected", "investigating", "identified", "active", "open"})
_GONE = frozenset({"deleted", "archived", "discarded"})
_SEVERITIES = ("severity", "priority")


def read(payload: Payload, received_at: int) -> list[RawAlert]:
    del received_at
    payload = an_object(payload, "")
    at = "data" if isinstance(payload.get("data"), dict) else ""
    data = payload["data"] if at else payload
    if data.get("incident") is None:
        raise NoAlert("tells of no incident", field=join(at, "incident"))
    event = payload.get("event")
    operation = said(data.get("operation")) or (
        said(event.get("operation")) if isinstance(event, dict) else None
    )
    return [_alert(part(data, "incident", at), join(at, "incident"), operation)]


def _alert(incident: dict[str, Any], at: str, operation: str | None) -> RawAlert:
    name = first_of(incident, ("name", "summary", "number"), at)
    if name is None:
        raise BadPayload("is missing", field=join(at, "name"))
    milestone = fold(said(incident.get("current_milestone")) or "")
    over = milestone in _OVER or fold(operation or "") in _GONE
    status = AlertStatus.RESOLVED if over else AlertStatus.FIRING
    labels = _labels(incident)
    if not over and milestone not in _UNDER_WAY:
        labels["sender_status"] = milestone
    target, kind, namespace, cluster = whereabouts(labels)
    service = _impacted(incident, at)
    if target is None and service:
        target, kind = service, ResourceType.SERVICE
    return RawAlert(
        alert_type=without_state(name),
        severity=graded(_severity(incident)),
        source="firehydrant",
        message=first_of(incident, ("summary", "description", "customer_impact_summary"), at) or name,
        status=status,
        description=first_of(incident, ("description",), at),
        namespace=namespace,
        target_resource=target,
        resource_type=kind,
        cluster=cluster,
        fired_at=any_moment(incident, "started_at", at) or any_moment(incident, "created_at", at),
        ends_at=any_moment(incident, "updated_at", at) if over else None,
        labels=labels,
        generator_url=first_of(incident, ("incident_url", "private_status_page_url"), at),
    )


def _severity(incident: dict[str, Any]) -> str | None:
    """Until somebody says how bad it is, both are called UNSET."""
    said_so = (said(incident.get(name)) for name in _SEVERITIES)
    return next((word for word in said_so if word and word.upper() != "UNSET"), None)


def _labels(incident: dict[str, Any]) -> dict[str, str]:
    """Its own labels are a map, its tags words; both may be a list."""
    labels = {
        name: value for name in ("number", "severity", "priority") if (value := said(incident.get(name)))
    }
    if own := said(incident.get("id")):
        labels["sender_fingerprint"] = own
    for name in ("labels", "tag_list", "tags"):
        value = incident.get(name)
        if isinstance(value, list):
            labels = {**labels_of([said(each) or "" for each in value[:100]]), **labels}
        elif isinstance(value, dict):
            labels = {**{key: text for key, each in value.items() if (text := said(each))}, **labels}
    return labels


def _impacted(incident: dict[str, Any], at: str) -> str | None:
    """The first service that the incident names as hit."""
    for impact in parts(incident, "impacts", at):
        if said(impact.get("type")) == "service" and (name := said(impact.get("name"))):
            return name
    services = incident.get("services")
    first = services[0] if isinstance(services, list) and services else None
    return said(first.get("name")) if isinstance(first, dict) else None


def detects(payload: Payload) -> bool:
    if not isinstance(payload, dict):
        return False
    data = payload.get("data")
    if isinstance(data, dict):
        event = payload.get("event")
        told = event if isinstance(event, dict) else data
        return {"operation", "resource_type"} <= told.keys()
    return {"incident", "operation", "resource_type"} <= payload.keys()


SOURCE = Source("firehydrant", read, detects)
