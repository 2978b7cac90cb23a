"""Falco: a rule's finding, as Falco's own JSON output and as falcosidekick hands it on.

A finding is a moment and has no end. What Falco says of itself (dropped events) is a finding like any other.
"""

from __future__ import annotations

from connectors.alerts.fields import an_object, text
from connectors.alerts.loose import flat, graded, said, whereabouts
from connectors.alerts.source import Payload, RawAlert, Source
from connectors.alerts.times import any_moment
from schemas.alert import AlertStatus, ResourceType, Severity
from schemas.errors import BadPayload, NoAlert

_PRIORITIES = {
    "emergency": Severity.CRITICAL,
    "alert": Severity.CRITICAL,
    "notice": Severity.INFO,
    "informational": Severity.INFO,
    "debug": Severity.INFO,
}
_KINDS = {
    "pods": ResourceType.POD,
    "deployments": ResourceType.DEPLOYMENT,
    "statefulsets": ResourceType.STATEFULSET,
    "daemonsets": ResourceType.DAEMONSET,
    "jobs": ResourceType.JOB,
    "services": ResourceType.SERVICE,
    "nodes": ResourceType.NODE,
    "persistentvolumeclaims": ResourceType.PVC,
}
_NOT_KNOWN = "<NA>"
_TEST_OUTPUT = "This is a test from falcosidekick"


def read(payload: Payload, received_at: int) -> list[RawAlert]:
    del received_at
    payload = an_object(payload, "")
    rule, output = text(payload, "rule", ""), text(payload, "output", "")
    if not rule:
        raise BadPayload("is missing", field="rule")
    if output == _TEST_OUTPUT:
        raise NoAlert("is a test message of falcosidekick, no alert", field="output")
    found = payload.get("output_fields")
    told = {} if found is None else flat(an_object(found, "", "output_fields"), 2)
    fields = {name: value for name, value in told.items() if value != _NOT_KNOWN}
    host = text(payload, "hostname", "")
    target, kind, namespace, cluster = whereabouts(fields)
    if target is None and "ka.target.name" in fields:  # what a request to the Kubernetes API was about
        target, kind = fields["ka.target.name"], _KINDS.get(fields.get("ka.target.resource", ""))
    if target is None and host:
        target, kind = host, ResourceType.HOST
    return [
        RawAlert(
            alert_type=rule,
            severity=graded(text(payload, "priority", ""), _PRIORITIES),
            source="falco",
            message=output or rule,
            status=AlertStatus.FIRING,
            namespace=namespace or fields.get("ka.target.namespace"),
            target_resource=target,
            resource_type=kind,
            cluster=cluster,
            fired_at=any_moment(payload, "time", ""),
            labels=_labels(payload, fields, host),
        )
    ]


def _labels(payload: Payload, fields: dict[str, str], host: str | None) -> dict[str, str]:
    labels = {**fields, "hostname": host} if host else dict(fields)
    if event_source := text(payload, "source", ""):
        labels["falco_source"] = event_source
    tags = payload.get("tags")
    if isinstance(tags, list) and (words := ", ".join(filter(None, map(said, tags[:100])))):
        labels["tags"] = words
    return labels


def detects(payload: Payload) -> bool:
    return (
        isinstance(payload, dict)
        and {"rule", "priority", "output"} <= payload.keys()
        and isinstance(payload["rule"], str)
        and not {"output_fields", "time"}.isdisjoint(payload)
    )


SOURCE = Source("falco", read, detects)
