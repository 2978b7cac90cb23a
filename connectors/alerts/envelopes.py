"""Envelopes: messages that carry another sender's payload, taken off before a source is asked.

What is inside may be anything, another envelope too. An envelope whose inside is no JSON is opened by nobody:
it goes to the source that knows the envelope itself, which says what is wrong with it.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

from connectors.alerts.source import Payload

MOST_DEEP = 3
"""envelopes within envelopes; what lies deeper is not looked for"""
_WRAPPER = {"type", "data", "timestamp"}
_CLOUD_EVENT = ("specversion", "type", "source", "id")


@dataclass(frozen=True, slots=True)
class Envelope:
    kind: str
    field: str
    """where the inside lies"""
    inside: Payload
    standard: bool = True
    """False: it only looks like one, and a source that fits the whole knows better"""


def opened(payload: Payload) -> Envelope | None:
    """None for what is no envelope, and for one that holds no JSON object or list."""
    if payload.__class__ is not dict:
        return None
    for mark, open_it in _KINDS:
        if mark in payload:
            found = open_it(payload)
            if found is not None:
                return found
    return None


def inside(payload: Payload) -> Payload:
    """The payload with its envelopes taken off; itself where there is none."""
    for _ in range(MOST_DEEP):
        envelope = opened(payload)
        if envelope is None:
            break
        payload = envelope.inside
    return payload


def is_cloud_event(payload: Payload) -> bool:
    return isinstance(payload, dict) and all(isinstance(payload.get(name), str) for name in _CLOUD_EVENT)


def _sns(payload: dict[str, Any]) -> Envelope | None:
    if payload["Type"] != "Notification":
        return None
    return _of("sns", "Message", _parsed(payload.get("Message")))


def _cloud_event(payload: dict[str, Any]) -> Envelope | None:
    if not is_cloud_event(payload):
        return None
    if payload.get("data") is not None:
        return _of("cloudevents", "data", _parsed(payload["data"]))
    return _of("cloudevents", "data_base64", _decoded(payload.get("data_base64")))


def _event_bridge(payload: dict[str, Any]) -> Envelope | None:
    if not isinstance(payload.get("source"), str):
        return None
    return _of("eventbridge", "detail", _parsed(payload.get("detail")))


def _pub_sub(payload: dict[str, Any]) -> Envelope | None:
    message = payload.get("message")
    if not isinstance(message, dict):
        return None
    return _of("pubsub", "message.data", _decoded(message.get("data")))


def _wrapper(payload: dict[str, Any]) -> Envelope | None:
    if payload.keys() != _WRAPPER or not isinstance(payload["type"], str):
        return None
    return _of("wrapper", "data", payload["data"], standard=False)


_KINDS: tuple[tuple[str, Callable[[dict[str, Any]], Envelope | None]], ...] = (
    ("specversion", _cloud_event),
    ("Type", _sns),
    ("detail-type", _event_bridge),
    ("subscription", _pub_sub),
    ("timestamp", _wrapper),
)
"""a key that each has, which most payloads lack; how it is opened"""


def _of(kind: str, field: str, found: Payload, *, standard: bool = True) -> Envelope | None:
    return Envelope(kind, field, found, standard) if isinstance(found, dict | list) else None


def _parsed(value: Any) -> Payload:
    """An envelope that only takes text has its inside written out as JSON."""
    if not isinstance(value, str):
        return value
    try:
        return orjson.loads(value)
    except ValueError:
        return None


def _decoded(value: Any) -> Payload:
    if not isinstance(value, str):
        return None
    try:
        return orjson.loads(base64.b64decode(value, validate=True))
    except ValueError:
        return None
