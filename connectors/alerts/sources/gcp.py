"""Google Cloud Monitoring: an incident as a webhook channel or Pub/Sub brings it; Stackdriver's before it."""

from __future__ import annotations

import re
from typing import Any

from connectors.alerts.envelopes import inside
from connectors.alerts.fields import an_object, first_of, join, part, required, texts
from connectors.alerts.loose import finite, said, whereabouts
from connectors.alerts.source import Payload, RawAlert, Source
from connectors.alerts.times import any_moment
from connectors.alerts.vocabulary import severity_of, without_state
from schemas.alert import AlertStatus, Metric, ResourceType
from schemas.errors import BadPayload, NoAlert

_STATES = {"open": AlertStatus.FIRING, "acknowledged": AlertStatus.FIRING, "closed": AlertStatus.RESOLVED}
_HOSTS = frozenset({"gce_instance", "aws_ec2_instance", "baremetalsolution.googleapis.com/Instance"})
_SERVICES = frozenset(
    {
        "api",
        "cloud_function",
        "cloud_run_revision",
        "cloud_run_job",
        "gae_app",
        "gae_instance",
        "http_load_balancer",
        "https_lb_rule",
        "uptime_url",
    }
)
_NAMES = ("service_name", "function_name", "module_id", "host", "url_map_name", "database_id", "instance_id")
"""labels of a monitored resource that name it, where its resource_name does not"""
_OF_A_HOST = "compute.googleapis.com/instance/"
_NO_SEVERITY = frozenset({"no severity", "severity_unspecified"})
_CAPITAL = re.compile(r"([A-Z])")
_LAST = re.compile(r"[/ ]")


def read(payload: Payload, received_at: int) -> list[RawAlert]:
    del received_at
    payload = an_object(inside(payload), "")
    if "incident" not in payload and "incidentId" in payload:
        payload = {"incident": {_CAPITAL.sub(r"_\1", name).lower(): value for name, value in payload.items()}}
    if "incident" not in payload:
        raise BadPayload("is missing", field="incident")
    item = part(payload, "incident", "")
    if payload.get("version") == "test":
        raise NoAlert("is a test of the notification channel, no alert", field="version")
    name = without_state(required(item, ["condition_name", "policy_name"], "incident"))
    state = (first_of(item, ("state",), "incident") or "open").lower()
    status = _STATES.get(state)
    if status is None:
        raise BadPayload(f"must be one of {', '.join(_STATES)}", field="incident.state")
    labels = _labels(item)
    if state == "acknowledged":
        labels["sender_status"] = state
    target, kind, namespace, cluster = whereabouts(labels)
    if target is None or kind is ResourceType.HOST:
        target, kind = _resource(item, labels)
    return [
        RawAlert(
            alert_type=name,
            severity=severity_of(_severity(item)),
            source="gcp",
            message=first_of(item, ("summary",), "incident") or name,
            status=status,
            description=_documentation(item),
            namespace=namespace,
            target_resource=target,
            resource_type=kind,
            cluster=cluster,
            metrics=_metrics(item),
            fired_at=any_moment(item, "started_at", "incident"),
            ends_at=any_moment(item, "ended_at", "incident") if status is AlertStatus.RESOLVED else None,
            labels=labels,
            generator_url=first_of(item, ("url",), "incident"),
        )
    ]


def detects(payload: Payload) -> bool:
    if not isinstance(payload, dict):
        return False
    if "incidentId" in payload:  # a relay that writes each name in its own way
        return payload.keys() >= {"policyName", "conditionName", "state"}
    incident = payload.get("incident")
    if not isinstance(incident, dict) or "incident_id" not in incident:
        return False
    return "state" in incident and not incident.keys().isdisjoint({"policy_name", "condition_name"})


def _documentation(item: dict[str, Any]) -> str | None:
    """An object since version 1.2, text before."""
    if isinstance(item.get("documentation"), str):
        return first_of(item, ("documentation",), "incident")
    return first_of(part(item, "documentation", "incident"), ("content", "subject"), "incident.documentation")


def _labels(item: dict[str, Any]) -> dict[str, str]:
    """Of the monitored resource, of the metric, and what users put on resource and policy."""
    labels: dict[str, str] = {}
    metadata = part(item, "metadata", "incident")
    for holder, name, at in (
        (part(item, "resource", "incident"), "labels", "incident.resource"),
        (part(item, "metric", "incident"), "labels", "incident.metric"),
        (metadata, "user_labels", "incident.metadata"),
        (item, "policy_user_labels", "incident"),
    ):
        for key, value in texts(holder, name, at).items():
            labels.setdefault(key, value)
    for label, names in (
        ("policy", ("policy_name",)),
        ("metric", ("metric_type",)),
        ("project_id", ("scoping_project_id",)),
        ("sender_fingerprint", ("incident_id",)),
    ):
        found = first_of(item, names, "incident")
        if found:
            labels.setdefault(label, found)
    return labels


def _severity(item: dict[str, Any]) -> str | None:
    """The policy's; older policies only say it in labels of their own."""
    word = first_of(item, ("severity",), "incident")
    if word and word.lower() not in _NO_SEVERITY:
        return word
    metadata, at = part(item, "metadata", "incident"), "incident.metadata"
    for holder, name, where in (
        (item, "policy_user_labels", "incident"),
        (metadata, "user_labels", at),
        (metadata, "system_labels", at),
    ):
        found = first_of(part(holder, name, where), ("severity",), join(where, name))
        if found:
            return found
    return None


def _resource(
    item: dict[str, Any], labels: dict[str, str]
) -> tuple[str, ResourceType | None] | tuple[None, None]:
    its_type = first_of(part(item, "resource", "incident"), ("type",), "incident.resource") or ""
    path = first_of(item, ("resource_name", "resource_id", "resource_display_name"), "incident")
    named = next((labels[name] for name in _NAMES if labels.get(name)), None)
    # `projects/1/instances/web-1` and `shop-project web-1` both end in the name
    name = (named if its_type in _SERVICES or path is None else None) or (
        path and _LAST.split(path.rstrip("/ "))[-1]
    )
    if not name:
        return None, None
    untyped = (said(item.get("resource_id")) or "").startswith("i-") or labels.get("metric", "").startswith(
        _OF_A_HOST
    )
    if its_type in _HOSTS or (not its_type and untyped):
        return name, ResourceType.HOST
    return name, ResourceType.SERVICE if its_type in _SERVICES else None


def _metrics(item: dict[str, Any]) -> dict[str, Metric]:
    number = finite(item.get("observed_value"))
    if number is None:
        return {}
    metric = part(item, "metric", "incident")
    name = first_of(metric, ("type", "displayName"), "incident.metric") or first_of(
        item, ("metric_type",), "incident"
    )
    return {name.rpartition("googleapis.com/")[2] if name else "value": number}


SOURCE = Source("gcp", read, detects)
