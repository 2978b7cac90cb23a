"""Zabbix: a webhook media type, whose parameters its users name after the macros; and problems of its export.

There is no fixed shape: `event_name`, `EVENT.NAME` and `eventName` are one; what is missing is done without.
"""

from __future__ import annotations

import re
from typing import Any

import orjson

from connectors.alerts.fields import an_object
from connectors.alerts.limits import MAX_LABELS
from connectors.alerts.loose import finite, fold, folded, labels_of, said, whereabouts
from connectors.alerts.source import Payload, RawAlert, Source
from connectors.alerts.times import perhaps
from connectors.alerts.vocabulary import severity_of, without_state
from schemas.alert import AlertStatus, Metric, ResourceType, Severity
from schemas.errors import BadPayload, NoAlert

_FIRING, _RESOLVED = AlertStatus.FIRING, AlertStatus.RESOLVED
_OVER = frozenset({"ok", "resolved", "recovered", "recovery", "closed"})
_BY_NUMBER = ("not classified", "information", "warning", "average", "high", "disaster")
_UNFILLED = re.compile(r"\{[A-Z$#][A-Z0-9_.$#<>\"' -]*\}|\*UNKNOWN\*")
_SUBJECT_OVER = re.compile(r"\W*(?:resolved|ok|recover(?:ed|y)|closed)\b", re.IGNORECASE)
_SUBJECT = re.compile(r"(?:(?:Updated )?Problem|Resolved)(?: in [0-9wdhms ]{1,40})?:\s*", re.IGNORECASE)
_TELLING = (
    {"eventnseverity"},
    {"eventupdatestatus"},
    {"zabbixurl"},
    {"eventid", "triggerid"},
    {"eventid", "eventvalue"},
    {"eventid", "hostname", "eventname"},
    {"hostname", "severity", "status", "item", "trigger"},
    {"clock", "ns", "value", "eventid"},
)
_MOST_KEYS = 200
_NAMES = ("eventname", "triggername", "trigger", "problemname", "name", "alertsubject", "subject", "title")
_HOSTS = ("hostname", "host", "hosthost", "hostvisiblename", "resource", "hostdns", "hostip")
_TEXTS = ("alertmessage", "message", "eventopdata", "opdata", "triggerdescription", "description")
_LINKS = ("link", "url", "eventurl", "triggerurl")
_LABELS = (("item", ("itemname", "item")), ("groups", ("triggerhostgroupname", "hostgroup", "hostgroups")))


def read(payload: Payload, received_at: int) -> list[RawAlert]:
    del received_at
    payload = an_object(payload, "")
    told = {name: text for name, text in folded(payload, 3).items() if not _UNFILLED.fullmatch(text)}
    name = _name(told, payload)
    said_so = _update(told)
    status = _status(told)
    labels = _tags(payload) | _labels(told, said_so if status is _FIRING else None)
    target, kind, namespace, cluster = whereabouts(labels)
    host = _first(told, _HOSTS) or _exported_host(payload)
    if target is None and host:
        target, kind = host, ResourceType.HOST
    text = _first(told, _TEXTS)
    return [
        RawAlert(
            alert_type=name,
            severity=_severity(told),
            source="zabbix",
            message=name,
            status=status,
            description=text,
            namespace=namespace,
            target_resource=target,
            resource_type=kind,
            cluster=cluster,
            metrics=_metrics(told),
            fired_at=perhaps(told, "eventtimestamp") or perhaps(told, "clock"),
            ends_at=perhaps(told, "eventrecoverytimestamp") if status is _RESOLVED else None,
            labels=labels,
            generator_url=_link(told),
        )
    ]


def detects(payload: Payload) -> bool:
    if not isinstance(payload, dict) or not 2 < len(payload) <= _MOST_KEYS:
        return False
    names = set(map(fold, payload))
    return any(names >= telling for telling in _TELLING)


def _first(told: dict[str, str], names: tuple[str, ...]) -> str | None:
    return next((told[name] for name in names if name in told), None)


def _name(told: dict[str, str], payload: dict[str, Any]) -> str:
    """The event's name; the subject of the message begins with its state."""
    if told.get("eventsource") in {"1", "2"}:
        raise NoAlert("tells of a discovery or a registration, no alert", field="event_source")
    found = _first(told, _NAMES)
    if found:
        return without_state(_SUBJECT.sub("", found, count=1) or found)
    if any(isinstance(value, str) and _UNFILLED.fullmatch(value) for value in payload.values()):
        raise NoAlert(
            "holds macros that nobody filled in: a test of the media type, no alert", field="event_name"
        )
    raise BadPayload("is missing", field="event_name")


def _update(told: dict[str, str]) -> str | None:
    """What somebody did to a problem: it goes on."""
    action = (told.get("eventupdateaction") or "").lower()
    if told.get("eventupdatestatus") != "1" and not action:
        return None
    if action in {"commented", "added comment"}:
        raise NoAlert("adds a comment to a problem, no alert", field="event_update_action")
    for word, state in (("unacknowledged", None), ("acknowledged", "acknowledged"), ("suppressed", "muted")):
        if word in action:
            return state
    return "updated"


def _status(told: dict[str, str]) -> AlertStatus:
    """The event's value (1 is a problem), or a word; a subject says it in front."""
    for name in ("eventvalue", "triggervalue", "eventstatus", "triggerstatus", "status", "value"):
        word = (told.get(name) or "").lower()
        if word in _OVER or (word == "0" and name != "status"):
            return _RESOLVED
        if word:
            return _FIRING
    subject = _first(told, ("alertsubject", "subject", "title")) or ""
    return _RESOLVED if _SUBJECT_OVER.match(subject) else _FIRING


def _severity(told: dict[str, str]) -> Severity:
    """The word, or its number from 0 to 5."""
    names = ("eventseverity", "triggerseverity", "severity", "eventnseverity", "triggernseverity", "priority")
    word = _first(told, names)
    if word and word.isdecimal() and int(word[:3]) < len(_BY_NUMBER):
        word = _BY_NUMBER[int(word[:3])]
    return severity_of(word)


def _tags(payload: dict[str, Any]) -> dict[str, str]:
    """Objects (an export, `{EVENT.TAGSJSON}`), also written as JSON; or `name:value` with commas between."""
    for name, value in payload.items():
        if fold(name) in {"eventtags", "eventtagsjson", "tags"}:
            found = _parsed(value)
            if isinstance(found, list):
                pairs = [
                    (said(tag.get("tag")), said(tag.get("value")))
                    for tag in found[:MAX_LABELS]
                    if isinstance(tag, dict)
                ]
                return {key: text for key, text in pairs if key and text}
            if isinstance(found, str) and not _UNFILLED.fullmatch(found):
                return labels_of(found.split(","))
    return {}


def _parsed(value: Any) -> Any:
    if isinstance(value, str) and value.startswith("["):
        try:
            return orjson.loads(value)
        except ValueError:
            return value
    return value


def _exported_host(payload: dict[str, Any]) -> str | None:
    hosts = payload.get("hosts")
    first = hosts[0] if isinstance(hosts, list) and hosts else None
    return said(first.get("name") or first.get("host")) if isinstance(first, dict) else said(first)


def _labels(told: dict[str, str], said_so: str | None) -> dict[str, str]:
    labels = {label: text for label, names in _LABELS if (text := _first(told, names))}
    for label, name in (("trigger_id", "triggerid"), ("sender_fingerprint", "eventid")):
        if name in told:
            labels[label] = told[name]
    return labels | ({"sender_status": said_so} if said_so else {})


def _metrics(told: dict[str, str]) -> dict[str, Metric]:
    number = finite(_first(told, ("itemvalue", "itemlastvalue")))
    return {} if number is None else {_first(told, ("itemname", "item")) or "value": number}


def _link(told: dict[str, str]) -> str | None:
    base, trigger, event = told.get("zabbixurl"), told.get("triggerid"), told.get("eventid")
    if base and trigger and event:
        return f"{base.rstrip('/')}/tr_events.php?triggerid={trigger}&eventid={event}"
    return _first(told, _LINKS)


SOURCE = Source("zabbix", read, detects)
