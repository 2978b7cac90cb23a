"""Sentry: issues, events and metric alerts of its integration platform, and the legacy webhook plugin.

An issue is one alert of its project, whichever machine or pod an event of it came from: only then does
`resolved`, which names no machine, end what an event began. Where it came from stays in the labels.
"""

from __future__ import annotations

import re
from typing import Any

from connectors.alerts.fields import an_object, first_of, join, part, required
from connectors.alerts.limits import MAX_LABELS
from connectors.alerts.loose import said
from connectors.alerts.source import Payload, RawAlert, Source
from connectors.alerts.times import any_moment
from connectors.alerts.vocabulary import severity_of, without_state
from schemas.alert import AlertStatus, ResourceType
from schemas.errors import BadPayload, NoAlert

_FIRING, _RESOLVED = AlertStatus.FIRING, AlertStatus.RESOLVED
_ACTIONS: dict[str, str | None] = {
    "created": None,
    "triggered": None,
    "unresolved": None,
    "resolved": None,
    "assigned": "assigned",
    "ignored": "muted",
    "archived": "muted",
}
"""what is done to an issue, and the label `sender_status` that it makes"""
_METRIC_ACTIONS = ("critical", "warning", "open", "resolved")
_OTHERS = ("comment", "installation", "issue_alert")
_SLUG = re.compile(r"/projects/[^/]{1,200}/([^/]{1,200})/")


def read(payload: Payload, received_at: int) -> list[RawAlert]:
    del received_at
    payload = an_object(payload, "")
    if "data" not in payload:
        return [_plugin(payload)]
    data = part(payload, "data", "")
    if "metric_alert" in data:
        return [_metric(payload, data)]
    if "issue" in data:
        return [_issue(part(data, "issue", "data"), _action(payload))]
    for name in ("event", "error"):
        if name in data:
            return [_event(part(data, name, "data"), join("data", name), data)]
    for name in _OTHERS:
        if name in data:
            raise NoAlert(f"is about {name.replace('_', ' ')}s, no alert", field=f"data.{name}")
    raise BadPayload("is missing", field="data.issue")


def detects(payload: Payload) -> bool:
    if not isinstance(payload, dict):
        return False
    data = payload.get("data")
    if isinstance(data, dict):
        issue = data.get("issue")
        if isinstance(issue, dict) and "shortId" in issue:
            return "action" in payload
        known = data.keys() & {"event", "issue", "error", "metric_alert", *_OTHERS}
        return bool(known) and payload.keys() >= {"action", "actor"}
    plugins = payload.keys() >= {"project", "culprit", "level"}  # older ones have no event
    return plugins and (isinstance(payload.get("event"), dict) or {"project_name", "url"} <= payload.keys())


def _action(payload: dict[str, Any]) -> str:
    action = required(payload, ["action"], "")
    if action not in _ACTIONS:
        raise NoAlert("does nothing to the state of an issue, no alert", field="action")
    return action


def _issue(item: dict[str, Any], action: str) -> RawAlert:
    at = "data.issue"
    state = first_of(item, ("status",), at)
    status = _RESOLVED if "resolved" in {action, state} else _FIRING
    project = part(item, "project", at)
    said_so = _ACTIONS[action] or ("muted" if state == "ignored" else None)
    return _alert(
        item,
        at,
        name=_name(item, at),
        project=first_of(project, ("slug", "name"), join(at, "project")),
        status=status,
        labels=_named(sender_status=said_so if status is _FIRING else None)
        | _named(sender_fingerprint=first_of(item, ("id", "shortId"), at)),
        began=any_moment(item, "firstSeen", at),
        link=first_of(item, ("web_url", "permalink"), at),
    )


def _event(item: dict[str, Any], at: str, data: dict[str, Any]) -> RawAlert:
    """The event that a rule was triggered by; its project is a number, and a name in its address alone."""
    slug = _SLUG.search((first_of(item, ("url",), at) or "")[:2000])
    issue = first_of(item, ("issue_id", "groupid"), at)
    return _alert(
        item,
        at,
        name=_name(item, at),
        project=slug[1] if slug else first_of(item, ("project_slug", "project_name", "project"), at),
        status=_FIRING,
        labels=_named(triggered_rule=first_of(data, ("triggered_rule",), "data"), sender_fingerprint=issue),
        began=any_moment(item, "datetime", at) or any_moment(item, "timestamp", at),
        link=first_of(item, ("web_url",), at),
    )


def _plugin(item: dict[str, Any]) -> RawAlert:
    event = part(item, "event", "")
    return _alert(
        {**event, **{name: value for name, value in item.items() if value is not None}},
        "",
        name=_name(event, "event") if event.get("title") else _name(item, ""),
        project=first_of(item, ("project_slug", "project", "project_name"), ""),
        status=_FIRING,
        labels=_named(sender_fingerprint=first_of(item, ("id",), "")),
        began=any_moment(event, "datetime", "event") or any_moment(event, "timestamp", "event"),
        link=first_of(item, ("url",), ""),
    )


def _metric(payload: dict[str, Any], data: dict[str, Any]) -> RawAlert:
    at = "data.metric_alert"
    item, action = part(data, "metric_alert", "data"), required(payload, ["action"], "")
    if action not in _METRIC_ACTIONS:
        raise BadPayload(f"must be one of {', '.join(_METRIC_ACTIONS)}", field="action")
    rule = part(item, "alert_rule", at)
    name = first_of(rule, ("name",), join(at, "alert_rule")) or required(item, ["title", "identifier"], at)
    projects = rule.get("projects") or item.get("projects")
    project = said(projects[0]) if isinstance(projects, list) and projects else None
    resolved = action == "resolved"
    return RawAlert(
        alert_type=without_state(name),
        severity=severity_of(None if action in ("open", "resolved") else action),
        source="sentry",
        message=first_of(data, ("description_text", "description_title"), "data") or name,
        status=_RESOLVED if resolved else _FIRING,
        target_resource=project,
        resource_type=ResourceType.SERVICE if project else None,
        fired_at=any_moment(item, "date_started", at),
        ends_at=any_moment(item, "date_closed", at) if resolved else None,
        labels=_named(project=project, environment=first_of(rule, ("environment",), join(at, "alert_rule")))
        | _named(sender_fingerprint=first_of(item, ("identifier", "id"), at)),
        generator_url=first_of(data, ("web_url",), "data"),
    )


def _alert(
    item: dict[str, Any],
    at: str,
    *,
    name: str,
    project: str | None,
    status: AlertStatus,
    labels: dict[str, str],
    began: int | None,
    link: str | None,
) -> RawAlert:
    culprit = first_of(item, ("culprit",), at)
    told = _named(project=project, culprit=culprit, environment=said(item.get("environment")))
    return RawAlert(
        alert_type=name,
        severity=severity_of(first_of(item, ("level",), at)),
        source="sentry",
        message=name,
        status=status,
        description=_text(item) or culprit,
        target_resource=project,
        resource_type=ResourceType.SERVICE if project else None,
        fired_at=began,
        labels=_tags(item) | told | labels,
        generator_url=link,
    )


def _name(item: dict[str, Any], at: str) -> str:
    return without_state(required(item, ["title", "message"], at))


def _text(item: dict[str, Any]) -> str | None:
    """What was logged, or what the exception says."""
    for holder, name in (("logentry", "formatted"), ("metadata", "value")):
        inner = item.get(holder)
        found = said(inner.get(name)) if isinstance(inner, dict) else None
        if found:
            return found
    return said(item.get("message"))


def _tags(item: dict[str, Any]) -> dict[str, str]:
    """Pairs of name and value; the store's older events have objects."""
    labels: dict[str, str] = {}
    tags = item.get("tags")
    for tag in tags[:MAX_LABELS] if isinstance(tags, list) else ():
        pair = (tag.get("key"), tag.get("value")) if isinstance(tag, dict) else tag
        if isinstance(pair, list | tuple) and len(pair) == 2:
            name, value = map(said, pair)
            if name and value:
                labels[name] = value
    return labels


def _named(**values: str | None) -> dict[str, str]:
    return {name: value for name, value in values.items() if value}


SOURCE = Source("sentry", read, detects)
