"""Datadog: the webhook integration. Its body is a template: the default one, or one written of its variables.

The default says neither state nor tags but in the title: `[P1] [Triggered on {host:web-1}] Disk is full`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from connectors.alerts.fields import an_object
from connectors.alerts.loose import finite, fold, folded, labels_of, whereabouts
from connectors.alerts.source import Payload, RawAlert, Source
from connectors.alerts.times import perhaps
from connectors.alerts.vocabulary import severity_of, without_state
from schemas.alert import AlertStatus, Severity
from schemas.errors import BadPayload, NoAlert

_FIRING, _RESOLVED = AlertStatus.FIRING, AlertStatus.RESOLVED
_STATES = {
    **dict.fromkeys(
        ["triggered", "retriggered", "alert", "warn", "warning", "rewarn", "nodata", "renodata", "renotify"],
        _FIRING,
    ),
    **dict.fromkeys(["ok", "resolved"], _RESOLVED),
}
_MARK = re.compile(
    r"\s*\[(?:(?P<priority>P[1-5])|(?P<test>TEST)|Monitor Alert"
    r"|(?P<state>(?:Re-?)?(?:Triggered|No ?Data|Warn(?:ing)?|Alert)(?: Recovered)?|Renotify|Recovered|OK)"
    r"(?: on \{(?P<scope>[^\]]{0,2000})\})?)\]\s*",
    re.IGNORECASE,
)
_MOST_MARKS = 8
_PRIORITY = re.compile(r"[Pp]?([1-5])")
_UNFILLED = re.compile(r"\$[A-Z_]+")
_LINK = re.compile(r"https://[\w.-]{1,100}/monitors[#/]\d{1,20}")
_TYPES = frozenset({"error", "warning", "info", "success"})
_NAMES = ("monitorname", "alertname", "alerttitle", "eventtitle", "title", "name")
_TELLING = frozenset(
    [
        "alert_transition",
        "alert_scope",
        "alert_cycle_key",
        "aggreg_key",
        "text_only_msg",
        "event_msg",
        "alert_query",
    ]
)
_TITLES = frozenset({"title", "event_title", "alert_title", "monitor_name", "alert_name", "name"})
_LABELS = (
    ("monitor_id", ("monitorid", "alertid")),
    ("metric", ("alertmetric", "metric")),
    ("org", ("orgname",)),
)


@dataclass(slots=True)
class _Title:
    """A title taken apart."""

    name: str
    priority: str | None = None
    state: str | None = None
    scope: str = ""
    test: bool = False


def read(payload: Payload, received_at: int) -> list[RawAlert]:
    del received_at
    told = {
        name: text
        for name, text in folded(an_object(payload, ""), 2).items()
        if not _UNFILLED.fullmatch(text)
    }
    title = _taken_apart(_first(told, _NAMES) or "")
    if title.test:
        raise NoAlert("is a test notification of a monitor, no alert", field="title")
    if not title.name:
        raise BadPayload("is missing", field="title")
    status, at = _status(told, title), perhaps(told, "date") or perhaps(told, "lastupdated")
    labels = _labels(told, title)
    target, kind, namespace, cluster = whereabouts(labels)
    body = _first(told, ("body", "eventmsg", "textonlymsg", "description", "message"))
    return [
        RawAlert(
            alert_type=title.name,
            severity=_severity(told, title),
            source="datadog",
            message=_first(told, ("message", "alertmessage", "summary")) or title.name,
            status=status,
            description=body.strip("% \n\t") if body else None,
            namespace=namespace,
            target_resource=target,
            resource_type=kind,
            cluster=cluster,
            metrics=_metrics(told),
            fired_at=at if status is _FIRING else None,
            ends_at=at if status is _RESOLVED else None,
            labels=labels,
            generator_url=_first(told, ("link", "url", "eventurl", "alerturl", "monitorurl")) or _link(body),
        )
    ]


def detects(payload: Payload) -> bool:
    if not isinstance(payload, dict) or payload.keys().isdisjoint(_TITLES):
        return False
    default = payload.keys() >= {"event_type", "last_updated", "org"} and isinstance(payload["org"], dict)
    if default or not payload.keys().isdisjoint(_TELLING):
        return True
    kind = payload.get("type")
    its_kind = isinstance(kind, str) and kind.endswith(" alert")
    return "monitor_id" in payload and (its_kind or not payload.keys().isdisjoint({"query", "scopes"}))


def _first(told: dict[str, str], names: tuple[str, ...]) -> str | None:
    return next((told[name] for name in names if name in told), None)


def _taken_apart(title: str) -> _Title:
    found, at = _Title(title), 0
    for _ in range(_MOST_MARKS):
        mark = _MARK.match(title, at)
        if mark is None:
            break
        at = mark.end()
        found.priority = mark["priority"] or found.priority
        found.state = mark["state"] or found.state
        found.scope = mark["scope"] or found.scope
        found.test = found.test or mark["test"] is not None
    found.name = without_state(title[at:].strip())
    return found


def _status(told: dict[str, str], title: _Title) -> AlertStatus:
    """The transition; a template's `status` may be a sentence, which says nothing here."""
    for word in (
        *(told.get(name) for name in ("alerttransition", "transition", "status", "state")),
        title.state,
    ):
        state = fold(word) if word else ""
        status = _RESOLVED if state.endswith("recovered") else _STATES.get(state)
        if status is not None:
            return status
    return _RESOLVED if "success" in {told.get("alerttype"), told.get("type")} else _FIRING


def _severity(told: dict[str, str], title: _Title) -> Severity:
    """The monitor's priority if it has one; else how bad the event is."""
    for word in (
        told.get("alertpriority"),
        told.get("priority"),
        told.get("monitorpriority"),
        title.priority,
    ):
        priority = _PRIORITY.fullmatch(word) if word else None
        if priority:
            return severity_of(f"p{priority[1]}")
    for word in (told.get("severity"), told.get("alerttype"), told.get("type")):
        if word and (word.lower() in _TYPES or word is told.get("severity")):
            return severity_of(word)
    return severity_of(None)


def _labels(told: dict[str, str], title: _Title) -> dict[str, str]:
    tags = [text for name in ("tags", "alertscope", "scopes", "scope") if (text := told.get(name))]
    labels = labels_of(",".join((*tags, title.scope)).split(","))
    host = _first(told, ("hostname", "host"))
    if host:
        labels.setdefault("host", host)
    for label, names in _LABELS:
        value = _first(told, names)
        if value:
            labels.setdefault(label, value)
    sender = _first(told, ("alertcyclekey", "aggregkey"))
    return {**labels, "sender_fingerprint": sender} if sender else labels


def _metrics(told: dict[str, str]) -> dict[str, float | bool | str]:
    number = finite(_first(told, ("value", "alertvalue", "metricvalue")))
    return {} if number is None else {_first(told, ("alertmetric", "metric")) or "value": number}


def _link(body: str | None) -> str | None:
    """The default body names the monitor's page in its text alone."""
    found = _LINK.search(body[:10_000]) if body else None
    return found[0] if found else None


SOURCE = Source("datadog", read, detects)
