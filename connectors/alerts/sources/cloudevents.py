"""CloudEvents: an event whose content is no other source's payload, read by its own attributes.

What another source reads is taken out before (`envelopes.py`). The rest is an alert only where its type
says so: most events in the world are none.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from connectors.alerts.envelopes import is_cloud_event, opened
from connectors.alerts.fields import an_object, join, list_of_alerts, text
from connectors.alerts.limits import MAX_LABELS
from connectors.alerts.loose import flat, fold, graded, leaves, one_of, said, whereabouts, words
from connectors.alerts.source import Payload, RawAlert, Source
from connectors.alerts.times import any_moment
from schemas.alert import AlertStatus
from schemas.errors import BadPayload, NoAlert

_ATTRIBUTES = frozenset(
    words("specversion id time type source subject data data_base64 datacontenttype dataschema")
)
_TELLING = re.compile(r"alert|incident|alarm|problem", re.IGNORECASE)
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|\d+")
_RESOLVED = frozenset(words("resolved resolve recovered recovery closed cleared ok ended normal"))
_NO_CHANGE = frozenset(words("acknowledged acked muted silenced suppressed snoozed"))
_STATE_WORDS = frozenset(
    words(
        "firing fired triggered opened open created raised detected reported started updated active alerting"
    )
).union(_RESOLVED, _NO_CHANGE)
_LONGEST = 300  # characters of a type
_STATUS = ("status", "state", "alertstatus", "alertstate")
_MESSAGE = ("message", "summary", "title", "reason", "text", "description")


def read(payload: Payload, received_at: int) -> list[RawAlert]:
    del received_at
    if isinstance(payload, list):
        return [_alert(an_object(each, str(i)), str(i)) for i, each in enumerate(list_of_alerts(payload, ""))]
    return [_alert(an_object(payload, ""), "")]


def _alert(event: dict[str, Any], at: str) -> RawAlert:
    kind, origin = (text(event, name, at) for name in ("type", "source"))
    if kind is None or origin is None:
        raise BadPayload("is missing", field=join(at, "type" if kind is None else "source"))
    if not _TELLING.search(kind):
        raise NoAlert(
            "names neither an alert nor an incident, and no source reads what is inside",
            field=join(at, "type"),
        )
    found = leaves(_content(event))
    told = {fold(path): value for path, value in found}
    state = fold(one_of(told, _STATUS) or "") or _state_of(kind[:_LONGEST])
    status = AlertStatus.RESOLVED if state in _RESOLVED else AlertStatus.FIRING
    labels = _labels(event, dict(found[:MAX_LABELS]), state)
    target, its_type, namespace, cluster = whereabouts(labels)
    moment = any_moment(event, "time", at)
    return RawAlert(
        alert_type=_name(kind[:_LONGEST]),
        severity=graded(one_of(told, ("severity", "priority", "level")) or labels.get("severity")),
        source="cloudevents",
        message=one_of(told, _MESSAGE) or kind,
        status=status,
        namespace=namespace,
        target_resource=target or text(event, "subject", at) or origin,
        resource_type=its_type,
        cluster=cluster,
        fired_at=moment if status is AlertStatus.FIRING else None,
        ends_at=moment if status is AlertStatus.RESOLVED else None,
        labels=labels,
    )


def _content(event: dict[str, Any]) -> dict[str, Any]:
    envelope = opened(event)
    if envelope is not None:
        return envelope.inside if isinstance(envelope.inside, dict) else {}
    data = said(event.get("data"))
    return {"message": data} if data else {}


def _labels(event: dict[str, Any], labels: dict[str, str], state: str) -> dict[str, str]:
    """What is inside, the sender's own attributes, and where it comes from."""
    labels |= flat({name: value for name, value in event.items() if name not in _ATTRIBUTES}, 1)
    for name in ("type", "source", "subject"):
        if value := said(event.get(name)):
            labels[f"ce_{name}"] = value
    if state in _NO_CHANGE:
        labels["sender_status"] = state
    return labels


def _parts(kind: str) -> list[tuple[str, int, int]]:
    return [(found[0].lower(), found.start(), found.end()) for found in _WORD.finditer(kind)]


@lru_cache(maxsize=1024)
def _state_of(kind: str) -> str:
    return next((word for word, _, _ in reversed(_parts(kind)) if word in _STATE_WORDS), "")


@lru_cache(maxsize=1024)
def _name(kind: str) -> str:
    """The type without the states behind what it tells of: the same when an alert begins and when it ends."""
    kept, telling = kind, _TELLING.search(kind)
    for word, start, end in reversed(_parts(kind)):
        if word in _STATE_WORDS and (telling is None or start >= telling.start()):
            kept = kept[:start] + kept[end:]
    return re.sub(r"[._/-]{2,}", lambda found: found[0][-1], kept).strip("._/-") or kind


def detects(payload: Payload) -> bool:
    """Any of them: what is none of ours inside is refused here, in words."""
    if isinstance(payload, list):
        return bool(payload) and is_cloud_event(payload[0]) and not _is_cd_event(payload[0])
    return is_cloud_event(payload) and not _is_cd_event(payload)


def _is_cd_event(event: dict[str, Any]) -> bool:
    return str(event["type"]).startswith("dev.cdevents.")


SOURCE = Source("cloudevents", read, detects, yields=True)
