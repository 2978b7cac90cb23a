from __future__ import annotations

from typing import Any

import pytest

from connectors.alerts.times import moment
from schemas.errors import BadPayload

NOON = 1_772_366_400_000  # 2026-03-01T12:00:00Z


@pytest.mark.parametrize(
    ("text", "millis"),
    [
        ("2026-03-01T12:00:00Z", NOON),
        ("2026-03-01T12:00:00.5Z", NOON + 500),
        ("2026-03-01T12:00:00.123456789Z", NOON + 123),
        ("2026-03-01T13:30:00+01:30", NOON),
        ("2026-03-01T04:00:00.999999999-08:00", NOON + 999),
        ("2026-03-01 12:00:00+00:00", NOON),
        ("1970-01-01T00:00:00Z", 0),
        ("0001-01-01T00:00:00Z", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("9999-12-31T23:59:59-14:00", None),
        ("", None),
        (None, None),
    ],
)
def test_moment(text: str | None, millis: int | None) -> None:
    assert moment({"at": text}, "at", "alerts.3") == millis


@pytest.mark.parametrize(
    "value",
    [
        "now", "2026-03-01", "2026-03-01T12:00:00", "2026-02-30T12:00:00Z", "20260301T120000Z",
        "1772366400",         "1900-01-01T00:00:00Z", "2500-01-01T00:00:00Z", "٢٠٢٦-03-01T12:00:00Z",
        "2026-03-01T12:00:00Z" + "0" * 50,
        1772366400, True, [], {},
    ],
    ids=repr,
)  # fmt: skip
def test_a_broken_time_names_its_field(value: Any) -> None:
    with pytest.raises(BadPayload) as refused:
        moment({"at": value}, "at", "alerts.3")
    assert refused.value.field == "alerts.3.at"
