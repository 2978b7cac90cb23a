"""Times as senders write them, to epoch milliseconds: RFC 3339 with nanoseconds, or counted from 1970."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.alerts.fields import as_number, join, wrong
from schemas.errors import BadPayload

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_LATEST = 2200  # well inside what Avro, Python and ClickHouse can all hold
_LATEST_MILLIS = 7_258_118_400_000  # 2200
_USUAL_NONE = "0001-01-01T00:00:00Z"  # Go's zero time: nearly every alert ends then
_COUNTED = re.compile(r"\d{1,19}(?:\.\d{1,9})?", re.ASCII)
_ZONE = re.compile(r"\s*(?:([+-]\d\d):?(\d\d))?\s*(?:UTC|GMT|Z)?", re.ASCII)  # after the time: +0000 UTC
_PLAIN = 19  # characters of 2026-01-31 12:00:00
_FROM_MILLIS, _FROM_MICROS, _FROM_NANOS = 1e11, 1e14, 1e17  # in seconds these would be years after 5000


def moment(item: dict[str, Any], name: str, at: str) -> int | None:
    """Milliseconds; None where it is missing or the year is 1 or 9999, as senders write "none"."""
    value = item.get(name)
    if value.__class__ is not str:
        if value is None:
            return None
        raise wrong("a time", value, at, name)
    if not value or value == _USUAL_NONE:
        return None
    try:
        return _parse(value)
    except ValueError:
        raise BadPayload("must be a time like 2026-01-31T12:00:00Z", field=join(at, name)) from None


def _parse(text: str) -> int | None:
    if len(text) > 40 or text[4:5] != "-" or text[10:11] not in {"T", "t", " "}:
        raise ValueError(text)
    parsed = datetime.fromisoformat(text)
    year = parsed.year
    if year in {1, 9999}:
        return None
    if parsed.tzinfo is None or not _EPOCH.year <= year < _LATEST:
        raise ValueError(text)
    return max(0, (parsed - _EPOCH) // _MILLISECOND)


def any_moment(item: Mapping[str, Any], name: str, at: str) -> int | None:
    """Like `moment`, for senders who count from 1970 (seconds to nanoseconds), or name no zone: then UTC."""
    value = item.get(name)
    if value is None:
        return None
    if isinstance(value, str):
        return _any_text(value.strip(), at, name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise wrong("a time", value, at, name)
    return _counted(as_number(value, at, name), at, name)


def perhaps(item: Mapping[str, Any], name: str) -> int | None:
    """The same of a field whose form the sender's users choose: an alert is not lost for a time."""
    try:
        return any_moment(item, name, "")
    except BadPayload:
        return None


def _any_text(text: str, at: str, name: str) -> int | None:
    if not text or text == _USUAL_NONE:
        return None
    if _COUNTED.fullmatch(text):
        return _counted(float(text), at, name)
    try:
        return _parse(text if text.endswith("Z") and text[10:11] == "T" else _with_zone(text))
    except ValueError:
        raise BadPayload("must be a time like 2026-01-31T12:00:00Z", field=join(at, name)) from None


def _with_zone(text: str) -> str:
    """RFC 3339 from its neighbours: a zone after a blank, +0000, UTC or none at all."""
    fraction = re.match(r"[.,]\d{1,9}", text[_PLAIN:60], re.ASCII)
    end = _PLAIN + (fraction.end() if fraction else 0)
    zone = _ZONE.fullmatch(text[end:60])
    if zone is None or len(text) > 60:
        raise ValueError(text)
    return text[: min(end, _PLAIN + 7)] + (f"{zone[1]}:{zone[2]}" if zone[1] else "+00:00")


def _counted(number: float, at: str, name: str) -> int | None:
    for least, in_a_milli in ((_FROM_NANOS, 1e6), (_FROM_MICROS, 1e3), (_FROM_MILLIS, 1)):
        if number >= least:
            millis = number / in_a_milli
            break
    else:
        millis = number * 1000
    if not 0 <= millis < _LATEST_MILLIS:
        raise BadPayload("must be a time between 1970 and 2200", field=join(at, name))
    return round(millis) or None
