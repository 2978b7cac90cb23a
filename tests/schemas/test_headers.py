"""CloudEvents attributes in binary mode, and the trace handed on."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.headers import event_headers, iso, iso_of_millis, trace_of
from schemas.ids import derive_id
from tests.schemas.examples import moved

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
EVENT_ID = derive_id("alert", "somewhere")
NEW = EVENT_ID.replace("-", "").encode()
W3C = re.compile(rb"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


def test_every_attribute_stands_in_its_header() -> None:
    event = moved(event_id=EVENT_ID)
    found = dict(event_headers(event, "application/avro", TRACE.encode(), b"0.1.0"))

    traceparent = found.pop("traceparent")
    assert found == {
        "ce_id": EVENT_ID.encode(),
        "ce_type": b"incident.moved",
        "ce_source": b"/awoooi/runs",
        "ce_specversion": b"1.0",
        "ce_time": b"2026-03-01T12:00:00.000Z",
        "content-type": b"application/avro",
        "awoooi_version": b"0.1.0",
    }
    assert W3C.fullmatch(traceparent)
    assert traceparent.split(b"-")[1] == TRACE.encode()


@given(st.text(max_size=20))
def test_a_new_trace_is_valid_and_always_the_same(cause: str) -> None:
    event = moved(event_id=derive_id("alert", cause))
    trace = trace_of([], event.event_id)
    found = dict(event_headers(event, "application/json", trace, b"0"))

    assert W3C.fullmatch(found["traceparent"])
    assert trace == trace_of([], event.event_id)


@pytest.mark.parametrize(
    ("value", "taken"),
    [
        pytest.param(f"00-{TRACE}-{SPAN}-01", True, id="sampled"),
        pytest.param(f"00-{TRACE}-{SPAN}-00", True, id="not sampled"),
        pytest.param(f"01-{TRACE}-{SPAN}-01", True, id="a later version"),
        pytest.param(f"cc-{TRACE}-{SPAN}-01-what-the-future", True, id="a later version with more"),
        pytest.param(f"00-{TRACE}-{SPAN}-01-more", False, id="version 0 with more"),
        pytest.param(f"01-{TRACE}-{SPAN}-01.more", False, id="a later version run on"),
        pytest.param(f"ff-{TRACE}-{SPAN}-01", False, id="version ff"),
        pytest.param(f"00-{'0' * 32}-{SPAN}-01", False, id="no trace"),
        pytest.param(f"00-{TRACE}-{'0' * 16}-01", False, id="no span"),
        pytest.param(f"00-{TRACE.upper()}-{SPAN}-01", False, id="upper case"),
        pytest.param(f"00-{TRACE}-{SPAN}", False, id="cut off"),
        pytest.param(f"00-{TRACE}-{SPAN}-01\n", False, id="line end"),
        pytest.param("", False, id="empty"),
    ],
)
def test_a_valid_trace_is_handed_on_any_other_begun_anew(value: str, taken: bool) -> None:
    found = trace_of([("other", b"x"), ("traceparent", value.encode())], EVENT_ID)

    assert found == (TRACE.encode() if taken else NEW)


def test_a_header_without_a_value_is_none() -> None:
    assert trace_of([("traceparent", None)], EVENT_ID) == NEW  # type: ignore[list-item]  # Kafka allows it


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        pytest.param(datetime(1, 1, 1, tzinfo=UTC), "0001-01-01T00:00:00.000Z", id="the first year"),
        pytest.param(datetime(2026, 3, 1, 12, 0, 0, 999_999, UTC), "2026-03-01T12:00:00.999Z", id="cut"),
        pytest.param(
            datetime(2026, 3, 1, 1, tzinfo=timezone(timedelta(hours=2))),
            "2026-02-28T23:00:00.000Z",
            id="zone",
        ),
    ],
)
def test_times_are_rfc_3339_in_utc(moment: datetime, text: str) -> None:
    assert iso(moment) == text


@given(st.integers(-62_135_596_800_000, 253_402_300_799_999))
def test_both_ways_to_write_a_time_agree(millis: int) -> None:
    assert iso_of_millis(millis) == iso(datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=millis))
