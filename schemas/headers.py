"""Kafka headers of an event: CloudEvents attributes in binary mode, and the trace."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cache, lru_cache

from schemas.envelope import Event

Headers = list[tuple[str, bytes]]

# W3C: a later version may append fields behind ours; version ff, trace 0 and span 0 are no traces
_TRACEPARENT = re.compile(
    rb"(?:00(?=.{53}$)|(?!00|ff)[0-9a-f]{2})"
    rb"-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?"
)
VERSION_HEADER = "awoooi_version"


def event_headers(event: Event, content_type: str, trace: bytes, version: bytes) -> Headers:
    """`trace` is the trace id, 32 hex digits; the event itself is the span."""
    return plain_headers(
        event.event_id, event.type, event.stage, iso(event.occurred_at), content_type, trace, version
    )


def plain_headers(
    event_id: str, kind: str, stage: str, time: str, content_type: str, trace: bytes, version: bytes
) -> Headers:
    ce_type, source, specversion, content, awoooi = _same_for_all(kind, stage, content_type, version)
    return [
        ("ce_id", event_id.encode()),
        ce_type,
        source,
        specversion,
        ("ce_time", time.encode()),
        content,
        ("traceparent", b"00-%b-%b-01" % (trace, span_of(event_id))),
        awoooi,
    ]


@cache
def _same_for_all(kind: str, stage: str, content_type: str, version: bytes) -> Headers:
    return [
        ("ce_type", kind.encode()),
        ("ce_source", b"/awoooi/" + stage.encode()),
        ("ce_specversion", b"1.0"),
        ("content-type", content_type.encode()),
        (VERSION_HEADER, version),
    ]


def iso(moment: datetime) -> str:
    """RFC 3339. Not strftime, which writes the year 1 as `1`."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def iso_of_millis(millis: int) -> str:
    """`iso` of epoch milliseconds; the second is remembered, since alerts come in swarms."""
    second, rest = divmod(millis, 1000)
    return f"{_iso_second(second)}.{rest:03d}Z"


@lru_cache(maxsize=1024)
def _iso_second(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).replace(tzinfo=None).isoformat(timespec="seconds")


def span_of(event_id: str) -> bytes:
    return event_id.replace("-", "")[:16].encode()


def trace_of(headers: Iterable[tuple[str, bytes]], otherwise: str) -> bytes:
    """The trace that a record belongs to; a new one derived from an event id where there is none."""
    for name, value in headers:
        if name == "traceparent":
            found = _TRACEPARENT.fullmatch(value or b"")
            if found:
                return found[1]
    return otherwise.replace("-", "").encode()
