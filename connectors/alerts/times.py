"""Times as senders write them: RFC 3339 with up to nanoseconds, to epoch milliseconds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from connectors.alerts.fields import join, wrong
from schemas.errors import BadPayload

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_LATEST = 2200  # well inside what Avro, Python and ClickHouse can all hold
_NONE = -1


def moment(item: dict[str, Any], name: str, at: str) -> int | None:
    """Milliseconds; None where it is missing or the year is 1 or 9999, as senders write "none"."""
    value = item.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise wrong("a time", value, at, name)
    try:
        millis = _parse(value)
    except ValueError:
        raise BadPayload("must be a time like 2026-01-31T12:00:00Z", field=join(at, name)) from None
    return None if millis == _NONE else millis


@lru_cache(maxsize=4096)
def _parse(text: str) -> int:
    if len(text) > 40 or text[4:5] != "-" or text[10:11] not in {"T", "t", " "}:
        raise ValueError(text)
    parsed = datetime.fromisoformat(text)
    if parsed.year in {1, 9999}:
        return _NONE
    if parsed.tzinfo is None or not _EPOCH.year <= parsed.year < _LATEST:
        raise ValueError(text)
    return max(0, (parsed - _EPOCH) // _MILLISECOND)
