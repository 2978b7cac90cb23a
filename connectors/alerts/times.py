"""Times as senders write them: RFC 3339 with up to nanoseconds, to epoch milliseconds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.alerts.fields import join, wrong
from schemas.errors import BadPayload

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_LATEST = 2200  # well inside what Avro, Python and ClickHouse can all hold
_USUAL_NONE = "0001-01-01T00:00:00Z"  # Go's zero time: nearly every alert ends then


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
