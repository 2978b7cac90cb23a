"""Jira: alerts of Jira Service Management, which are Opsgenie's, and issues, where incidents are issues."""

from __future__ import annotations

from typing import Any

from connectors.alerts.fields import an_object, first_of, join, part, parts, required, told
from connectors.alerts.loose import graded, said, tags, whereabouts
from connectors.alerts.source import Payload, RawAlert, Source
from connectors.alerts.sources.opsgenie import read_action
from connectors.alerts.times import any_moment
from connectors.alerts.vocabulary import without_state
from schemas.alert import AlertStatus, ResourceType
from schemas.errors import NoAlert

_FIRING, _RESOLVED = AlertStatus.FIRING, AlertStatus.RESOLVED
_DONE = frozenset({"done", "closed", "resolved", "canceled", "cancelled"})
_EVENTS = frozenset({"jira:issue_created", "jira:issue_updated", "jira:issue_deleted"})


def read(payload: Payload, received_at: int) -> list[RawAlert]:
    del received_at
    payload = an_object(payload, "")
    if "alert" in payload:
        return [read_action(payload, "jira", "")]
    event = first_of(payload, ("webhookEvent",), "")
    if event is not None and event not in _EVENTS:
        raise NoAlert(f"is {told(event)}, no alert", field="webhookEvent")
    if event is None and "comment" in payload:
        raise NoAlert("adds a comment to an issue, no alert", field="comment")
    item, at = (part(payload, "issue", ""), "issue") if "issue" in payload else (payload, "")
    gone = event == "jira:issue_deleted" or first_of(payload, ("action",), "") == "deleted"
    return [_issue(item, at, deleted=gone)]


def detects(payload: Payload) -> bool:
    """A relayed alert says `created`; the webhook's own `Create` cannot be told from Opsgenie's."""
    if not isinstance(payload, dict):
        return False
    issue = payload.get("issue")
    if isinstance(issue, dict):
        return "key" in issue and isinstance(issue.get("fields"), dict)
    action, alert = payload.get("action"), payload.get("alert")
    return isinstance(action, str) and action.islower() and isinstance(alert, dict) and "alertId" in alert


def _issue(item: dict[str, Any], at: str, *, deleted: bool) -> RawAlert:
    fields, where = part(item, "fields", at), join(at, "fields")
    summary = required(fields, ["summary"], where)
    state = part(fields, "status", where)
    category = first_of(part(state, "statusCategory", join(where, "status")), ("key",), join(where, "status"))
    done = (category or first_of(state, ("name",), join(where, "status")) or "").lower() in _DONE
    status = _RESOLVED if done or deleted else _FIRING
    labels = _labels(item, fields, at)
    target, kind, namespace, cluster = whereabouts(labels)
    if target is None and "component" in labels:
        target, kind = labels["component"], ResourceType.SERVICE
    return RawAlert(
        alert_type=without_state(summary),
        severity=graded(first_of(part(fields, "priority", where), ("name",), join(where, "priority"))),
        source="jira",
        message=summary,
        status=status,
        description=said(fields.get("description")),
        namespace=namespace,
        target_resource=target,
        resource_type=kind,
        cluster=cluster,
        fired_at=any_moment(fields, "created", where),
        ends_at=_ended(fields, where) if status is _RESOLVED else None,
        labels=labels,
        generator_url=_link(item),
    )


def _ended(fields: dict[str, Any], at: str) -> int | None:
    return any_moment(fields, "resolutiondate", at) or any_moment(fields, "updated", at)


def _labels(item: dict[str, Any], fields: dict[str, Any], at: str) -> dict[str, str]:
    where = join(at, "fields")
    labels = tags(fields, "labels", where)
    components = parts(fields, "components", where)
    for name, value in (
        ("component", components[0].get("name") if components else None),
        ("project", part(fields, "project", where).get("key")),
        ("issue_type", part(fields, "issuetype", where).get("name")),
        ("issue_status", part(fields, "status", where).get("name")),
        ("sender_fingerprint", item.get("key")),
    ):
        text = said(value)
        if text:
            labels.setdefault(name, text)
    return labels


def _link(item: dict[str, Any]) -> str | None:
    """The page for people, from the API's address of the issue."""
    base, rest, _ = (said(item.get("self")) or "").partition("/rest/")
    key = said(item.get("key"))
    return f"{base}/browse/{key}" if rest and key else None


SOURCE = Source("jira", read, detects)
