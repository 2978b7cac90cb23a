"""A record as a row: what is kept, what never is, and what cannot be read."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from schemas import ids
from schemas.catalog import event_classes
from schemas.codec import SINGLE_OBJECT, Codec
from schemas.envelope import Event, to_millis
from schemas.errors import Never, UnknownSchema
from schemas.headers import event_headers
from sinks.clickhouse.rows import EventRow, hash_of, row_of, set_aside
from tests.sinks.samples import SECRET, every_event, hit, normalized

CODEC = Codec()
EVENTS = every_event()


def read(event: Event, offset: int = 5, codec: Codec = CODEC) -> EventRow:
    return row_of(codec, "epoch", "incidents", 3, offset, codec.encode(event))


def test_there_is_a_sample_of_every_event_class() -> None:
    assert {type(event) for event in EVENTS} == set(event_classes().values())


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.type)
def test_a_row_says_what_the_event_says(event: Event) -> None:
    row = read(event)
    envelope = ("project_id", "event_id", "type", "schema_version", "stage", "actor", "incident_id", "run_id")
    assert row[:8] == tuple(getattr(event, name) for name in envelope)
    assert (row.occurred_at, row.recorded_at) == (to_millis(event.occurred_at), to_millis(event.recorded_at))
    assert tuple(row.causes) == event.causes
    assert row[12:16] == ("epoch", "incidents", 3, 5)
    payload = event.payload.model_dump(mode="json", exclude={"original", "original_key", "original_stamp"})
    assert _moments_aside(json.loads(row.payload)) == _moments_aside(payload)


def _moments_aside(value: Any) -> Any:
    """The model writes times without trailing zeros; those have a test of their own."""
    if isinstance(value, dict):
        times = {name for name in value if name.endswith("_at") or name in ("at", "before", "until")}
        return {name: _moments_aside(item) for name, item in value.items() if name not in times}
    if isinstance(value, list):
        return [_moments_aside(item) for item in value]
    return value


def test_times_have_milliseconds_and_a_z() -> None:
    whole_second = datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)
    event = hit()
    payload = event.payload.model_copy(update={"opened_at": whole_second})
    facts = json.loads(read(event.model_copy(update={"payload": payload})).payload)
    assert facts["opened_at"] == "2026-05-04T03:02:01.000Z"
    assert facts["last_seen_at"].endswith(".123Z")
    assert facts["last_occurrence_at"] is None


@pytest.mark.parametrize("kind", ["alert.rejected", "stage.failed"])
def test_the_bytes_of_a_dead_letter_stay_in_the_log(kind: str) -> None:
    (event,) = (event for event in EVENTS if event.type == kind)
    row = read(event)
    assert b"pat@" not in b"".join(str(value).encode() for value in row)
    facts = json.loads(row.payload)
    assert (facts["size"], facts["sha256"]) == (len(SECRET), event.payload.sha256)


def test_what_is_sealed_is_only_said_to_be_there() -> None:
    assert read(normalized(sealed=b"ciphertext")).has_sealed
    assert "ciphertext" not in repr(read(normalized(sealed=b"ciphertext")))
    assert not read(normalized()).has_sealed


def test_the_hash_is_of_the_event_and_not_of_its_place() -> None:
    row = read(hit())
    assert row.hash == read(hit(), offset=99).hash == hash_of(row)
    json_codec = Codec(as_json=frozenset({"incident.hit"}))
    assert row.hash == read(hit(), codec=json_codec).hash


PLACE = {"log_epoch", "topic", "kafka_partition", "kafka_offset", "hash", "trace_id"}


@pytest.mark.parametrize("field", sorted(set(EventRow._fields) - PLACE))
def test_every_fact_counts_for_the_hash(field: str) -> None:
    row = read(hit())
    value = getattr(row, field)
    other: Any = {int: 7, str: "other", bool: True, bytes: b"{}", list: []}[type(value)]
    assert hash_of(row._replace(**{field: other})) != row.hash


TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
HEADERS: dict[str, tuple[list[tuple[str, bytes]], str]] = {
    "ours": (event_headers(hit(), "application/avro", TRACE.encode(), b"1"), TRACE),
    "another's, with flags of its own": (
        [("traceparent", f"00-{TRACE}-00f067aa0ba902b7-00".encode())],
        TRACE,
    ),
    "none": ([], ""),
    "no trace": ([("traceparent", b"pat@example.org")], ""),
    "not UTF-8": ([("traceparent", b"\xff" * 55)], ""),
}


@pytest.mark.parametrize(("headers", "trace"), HEADERS.values(), ids=HEADERS)
def test_the_trace_is_the_record_s(headers: list[tuple[str, bytes]], trace: str) -> None:
    row = row_of(CODEC, "", "incidents", 0, 1, CODEC.encode(hit()), headers)
    assert (row.trace_id, row.hash) == (trace, read(hit()).hash)


def test_a_field_does_not_run_into_its_neighbour() -> None:
    row = read(hit())
    one, two = row._replace(stage="ab", actor="c"), row._replace(stage="a", actor="bc")
    assert hash_of(one) != hash_of(two)


GOOD = CODEC.encode(hit())
NOT_UTF8 = GOOD.replace(b"samples", b"pat@\xff\xff\xff")
FAULTY: dict[str, tuple[bytes | None, str, str]] = {
    "null": (None, "unreadable", "no value"),
    "empty": (b"", "unreadable", "no value"),
    "text": (b"pat@example.org", "unreadable", "neither Avro nor JSON"),
    "json of another kind": (b"[1]", "unreadable", "an event is a JSON object"),
    "json of an unknown type": (b'{"type": "x.y"}', "unreadable", "no event type of the catalogue"),
    "cut short": (GOOD[:-30], "unreadable", "not the Avro it says it is"),
    "bytes behind": (GOOD + b"pat@", "unreadable", "left over"),
    "not UTF-8": (NOT_UTF8, "unreadable", "UnicodeDecodeError"),
    "unknown schema": (SINGLE_OBJECT + b"12345678" + b"pat@", "unknown_schema", "single-object"),
    "unknown registry id": (b"\x00\x00\x00\x00\x07pat@", "unknown_schema", "registry schema 7"),
    "an id that is no UUID": (
        CODEC.encode(hit().model_copy(update={"event_id": "pat@example.org"})),
        "bad_payload",
        "UUID",
    ),
    "a cause that is no UUID": (
        CODEC.encode(hit().model_copy(update={"causes": ("pat@example.org",)})),
        "bad_payload",
        "UUID",
    ),
    "before the epoch": (
        CODEC.encode(hit(occurred_at=datetime(1, 1, 1, tzinfo=UTC))),
        "bad_payload",
        "occurred_at: 1-01-01 is not between 1970 and 2100",
    ),
    "in another century": (
        CODEC.encode(hit(recorded_at=datetime(2200, 1, 1, tzinfo=UTC))),
        "bad_payload",
        "recorded_at: 2200-01-01",
    ),
}


@pytest.mark.parametrize(("value", "reason", "says"), FAULTY.values(), ids=FAULTY.keys())
def test_what_cannot_be_read_is_named_and_never_quoted(value: bytes | None, reason: str, says: str) -> None:
    with pytest.raises(Never) as caught:
        row_of(CODEC, "", "incidents", 0, 1, value)
    record = SimpleNamespace(timestamp=7, value=value)
    aside = set_aside("e", "incidents", 0, 1, caught.value, 9, record)
    assert aside.reason.startswith(f"{reason}: ")
    assert says in aside.reason
    assert "pat@" not in aside.reason
    assert aside[:6] == ("e", "incidents", 0, 1, "", "")
    assert aside[7:] == (9, 7, hashlib.sha256(value or b"").hexdigest())


def test_a_schema_that_a_registry_knows_can_be_learned() -> None:
    ours = Codec(registry_ids={type(hit()): 42})
    value = ours.encode(hit())
    with pytest.raises(UnknownSchema) as caught:
        row_of(CODEC, "", "incidents", 0, 1, value)
    assert (caught.value.framing, caught.value.schema) == ("registry", 42)
    assert row_of(ours, "", "incidents", 0, 1, value).event_id == ids.hit_id(hit().incident_id, 1)
