from __future__ import annotations

from typing import Any

import pytest

from connectors.alerts.times import any_moment, moment, perhaps
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


@pytest.mark.parametrize(
    ("value", "millis"),
    [
        (1_772_366_400, NOON), (1_772_366_400.25, NOON + 250), ("1772366400", NOON),
        ("1772366400.5", NOON + 500),
        (NOON, NOON), (NOON * 1_000, NOON), (NOON * 1_000_000, NOON), (str(NOON * 1_000_000), NOON),
        ("2026-03-01T12:00:00.123456789Z", NOON + 123), ("2026-03-01T12:00:00", NOON),
        ("2026-03-01 12:00:00", NOON),
        ("2026-03-01 12:00:00 UTC", NOON), ("2026-03-01 12:00:00 +0000", NOON),
        (" 2026-03-01T12:00:00Z ", NOON),
        ("2026-03-01 13:00:00.266529825 +0100", NOON + 266), ("2026-03-01 12:00:00 +0000 UTC", NOON),
        ("0001-01-01 00:00:00 +0000 UTC", None), (0, None), ("0", None), ("", None), (None, None),
    ],
    ids=repr,
)  # fmt: skip
def test_any_moment(value: Any, millis: int | None) -> None:
    assert any_moment({"at": value}, "at", "") == millis


@pytest.mark.parametrize(
    "value",
    ["noon", "2026-03-01", "2026-02-30 12:00:00", -1, "-1", 1e30, float("nan"), 10**400, True, [], {},
     "2026-03-01 12:00:00 CET", "٣٣٣٣٣٣", "9" * 40],
    ids=lambda value: repr(value)[:40],
)  # fmt: skip
def test_a_broken_moment_names_its_field_or_is_none(value: Any) -> None:
    with pytest.raises(BadPayload) as refused:
        any_moment({"at": value}, "at", "event")
    assert refused.value.field == "event.at"
    assert perhaps({"at": value}, "at") is None
