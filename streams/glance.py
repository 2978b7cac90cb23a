"""What a repeat needs of an alert, in one header: dedup need not decode the value.

Normalize writes it beside the event; where it is missing, the event itself is read.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from schemas.alert import AlertNormalized, AlertStatus
from schemas.envelope import as_plain, to_millis
from schemas.errors import BadPayload
from streams.stage import Record

GLANCE = "awoooi_alert"
_VERSION, _FIRING, _BEGAN = 1, 1, 2
_NUMBERS = struct.Struct(">BBBqqqI")
"""version, flags, severity, fired_at, received_at, offset, index; the origin partition follows as text"""
_PLACE_AT = _NUMBERS.size
_MOST_PLACES = 1_000
RECORDER_TOPIC = "alerts.raw.eventrecorder"
Firing = tuple[str, int, int, int, str, int, int]
"""of a glance: event_id, severity, fired_at, received_at, place, offset, number"""


class Glance(NamedTuple):
    """What a repeat needs of an alert: small enough to stand in one header."""

    event_id: str
    firing: bool
    severity: int
    fired_at: int | None
    received_at: int
    place: str
    """origin partition: epoch/topic/partition"""
    offset: int
    number: int
    """which alert of the record"""

    @property
    def recorder(self) -> bool:
        return f"/{RECORDER_TOPIC}/" in self.place


def glance_header(alert: Mapping[str, Any]) -> tuple[str, bytes]:
    """The header that normalize writes for dedup, from an alert's plain values (times in milliseconds)."""
    origin, fired_at = alert["origin"], alert["fired_at"]
    flags = _FIRING * (alert["status"] == AlertStatus.FIRING) | _BEGAN * (fired_at is not None)
    numbers = _NUMBERS.pack(
        _VERSION,
        flags,
        alert["severity"].rank,
        fired_at or 0,
        alert["received_at"],
        origin["offset"],
        origin["index"],
    )
    return GLANCE, numbers + _place(origin["epoch"], origin["topic"], origin["partition"])


@lru_cache(maxsize=4096)
def _place(epoch: str, topic: str, partition: int) -> bytes:
    return f"{epoch}/{topic}/{partition}".encode()


def glance_of_event(event: AlertNormalized) -> tuple[str, bytes]:
    alert = as_plain(event.payload)
    for name in ("fired_at", "received_at"):
        alert[name] = None if alert[name] is None else to_millis(alert[name])
    return glance_header(alert)


def glance_of(record: Record) -> Glance:
    """From the headers where they stand first, as normalize writes them; else from the decoded event."""
    headers = record.headers
    if len(headers) > 1 and headers[0][0] == GLANCE and headers[1][0] == "ce_id":
        raw, event_id = headers[0][1], (headers[1][1] or b"").decode(errors="replace")
    else:
        event = record.event
        if not isinstance(event, AlertNormalized):
            raise BadPayload(f"{event.type} is no alert", field="type")
        raw, event_id = glance_of_event(event)[1], event.event_id
    try:
        version, flags, severity, fired_at, received_at, offset, number = _NUMBERS.unpack_from(raw)
        place = raw[_NUMBERS.size :].decode()
    except (struct.error, TypeError, UnicodeDecodeError) as error:
        raise BadPayload("is not what normalize writes", field=GLANCE) from error
    if version != _VERSION:
        raise BadPayload(f"is of version {version}, this is {_VERSION}", field=GLANCE)
    began = fired_at if flags & _BEGAN else None
    return Glance(event_id, bool(flags & _FIRING), severity, began, received_at, place, offset, number)


def firing(record: Record) -> Firing | None:
    """The same at half its cost for what nearly all records are: firing, with a beginning, by webhook.

    None for every other, and for what is not as normalize writes it: `glance_of` says what is wrong.
    """
    headers = record.headers
    try:
        name, raw = headers[0]
        id_name, event_id = headers[1]
        version, flags, severity, fired_at, received_at, offset, number = _NUMBERS.unpack_from(raw)
        if name != GLANCE or id_name != "ce_id" or version != _VERSION or flags != _FIRING | _BEGAN:
            return None
        place = _PLACES[raw[_PLACE_AT:]]
        return (event_id.decode(), severity, fired_at, received_at, place, offset, number) if place else None
    except (IndexError, TypeError, AttributeError, UnicodeDecodeError, struct.error):
        return None


class _Places(dict[bytes, str]):
    """Origin partitions as text; empty for the recorder's, whose alerts are counted apart."""

    def __missing__(self, raw: bytes) -> str:
        place = raw.decode()
        if len(self) >= _MOST_PLACES:
            self.clear()
        self[raw] = "" if f"/{RECORDER_TOPIC}/" in place else place
        return self[raw]


_PLACES = _Places()


def plain_alert(record: Record) -> dict[str, Any]:
    """The plain values of an alert.normalized."""
    kind, plain = record.plain
    if kind is not AlertNormalized:
        raise BadPayload(f"{kind.type_name()} is no alert", field="type")
    return plain
