"""Whatever stands on a topic, the codec answers with an event or with Unreadable, and tells no values."""

from __future__ import annotations

import io
import json
from typing import Any

import fastavro
import pytest
from fastavro.schema import load_schema
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas.avro_schema import path_of
from schemas.codec import CONFLUENT, MOST_REFUSED, SINGLE_OBJECT, Codec, _fingerprint
from schemas.envelope import as_plain
from schemas.errors import Misconfigured, UnknownSchema, Unreadable
from schemas.incident import IncidentMoved
from tests.schemas.examples import moved

SECRET = "ana@example.org"
KNOWN_ID = 7
EVENT = moved(actor=SECRET)
AVRO = Codec().encode(EVENT)
CONFLUENT_VALUE = Codec(registry_ids={IncidentMoved: KNOWN_ID}).encode(EVENT)
JSON: dict[str, Any] = json.loads(Codec(as_json=frozenset({"incident.moved"})).encode(EVENT))


def as_json(**changes: Any) -> bytes:
    return json.dumps({**JSON, **changes}).encode()


def as_avro(**changes: Any) -> bytes:
    """A well-formed record whose values no model would have let through."""
    schema = load_schema(str(path_of(IncidentMoved)))
    body = io.BytesIO()
    fastavro.schemaless_writer(body, schema, {**as_plain(EVENT), **changes})
    return SINGLE_OBJECT + _fingerprint(schema) + body.getvalue()


def later(millis: int) -> bytes:
    """The record with another `occurred_at`: its long is replaced, whatever a datetime can hold."""
    schema = load_schema(str(path_of(IncidentMoved)))
    bare = json.loads(json.dumps(schema).replace('"logicalType": "timestamp-millis"', '"doc": ""'))
    bare.pop("__fastavro_parsed__", None)
    bare.pop("__named_schemas", None)
    body = io.BytesIO()
    plain = {**as_plain(EVENT), "occurred_at": millis, "recorded_at": 0}
    fastavro.schemaless_writer(body, fastavro.parse_schema(bare), plain)
    return SINGLE_OBJECT + _fingerprint(schema) + body.getvalue()


POISON: dict[str, bytes | None] = {
    "no value": None,
    "empty": b"",
    "blank": b" ",
    "text": SECRET.encode(),
    "marker alone": SINGLE_OBJECT,
    "half a marker": SINGLE_OBJECT[:1],
    "fingerprint cut off": AVRO[:6],
    "avro cut off": AVRO[:-1],
    "avro without a body": AVRO[:10],
    "avro with bytes left over": AVRO + b"\x00",
    "avro that is no utf-8": AVRO.replace(SECRET.encode(), b"\xff" * len(SECRET)),
    "avro length of exabytes": AVRO[:11] + b"\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01" + AVRO[12:],
    "avro length below zero": AVRO[:11] + b"\x01" + AVRO[12:],
    "avro time after the year 9999": later(2**62),
    "avro time before the year 1": later(-(2**62)),
    "avro with an unknown word": as_avro(payload={"status": SECRET, "previous": "PENDING", "reason": ""}),
    "avro of another type": as_avro(type=SECRET),
    "magic byte alone": CONFLUENT,
    "registry id cut off": CONFLUENT_VALUE[:4],
    "confluent cut off": CONFLUENT_VALUE[:-1],
    "confluent with bytes left over": CONFLUENT_VALUE + b"\x00",
    "json cut off": as_json()[:-1],
    "json with text behind": as_json() + b"{}",
    "json list": b'["ana@example.org"]',
    "json text": b'"ana@example.org"',
    "json number": b"1",
    "json null": b"null",
    "json in utf-16": "\ufeff".encode("utf-16-le") + json.dumps(JSON).encode("utf-16-le"),
    "json that is no utf-8": as_json().replace(SECRET.encode(), b"\xff\xfe"),
    "json with half a character": as_json().replace(SECRET.encode(), b"\\ud800"),
    "json nested for ever": b"[" * 1_000_000,
    "json nested in the event": as_json().replace(b'"run_started"', b"[" * 900 + b"]" * 900),
    "json without a type": as_json(type=None),
    "json of an unknown type": as_json(type=SECRET),
    "json with a list as type": as_json(type=[SECRET]),
    "json with an unknown field": as_json(**{SECRET: 1}),
    "json with an unknown field inside": as_json(payload={**JSON["payload"], SECRET: 1}),
    "json with a wrong value": as_json(causes={SECRET: SECRET}),
    "json with a wrong word": as_json(payload={**JSON["payload"], "status": SECRET}),
    "json with a text as time": as_json(occurred_at=SECRET),
    "json with a time without a zone": as_json(occurred_at="2026-03-01T12:00:00"),
    "json with a time before the year 1": as_json(occurred_at="0001-01-01T00:00:00+14:00"),
    "json with a time after the year 9999": as_json(occurred_at="9999-12-31T23:59:59-14:00"),
    "json with a time beyond all years": as_json(occurred_at=10**300),
    "json with an integer beyond 64 bits": as_json(schema_version=2**63),
    "json with a huge integer": as_json(schema_version=10**4000),
    "json with NaN": as_json(schema_version=float("nan")),
    "json with Infinity": as_json(schema_version=float("inf")),
    "json with bytes that are no base64": as_json(sealed="ä@" + SECRET),
}


@pytest.fixture
def reader() -> Codec:
    return Codec(registry_ids={IncidentMoved: KNOWN_ID})


@pytest.mark.parametrize("value", POISON.values(), ids=POISON.keys())
def test_poison_is_unreadable_and_its_error_tells_no_values(value: bytes | None, reader: Codec) -> None:
    with pytest.raises(Unreadable) as caught:
        reader.decode(value)

    assert SECRET not in str(caught.value)
    assert "\\xff" not in str(caught.value)
    assert len(str(caught.value)) < 300
    assert SECRET not in repr(caught.value.__cause__), "a traceback in a log shows the cause too"
    assert "\\xff" not in repr(caught.value.__cause__)


def test_what_poison_is_made_of_is_readable(reader: Codec) -> None:
    """Else the table would prove nothing."""
    assert [reader.decode(value) for value in (AVRO, CONFLUENT_VALUE, as_json(), as_avro())] == [EVENT] * 4


def test_unknown_fields_are_refused() -> None:
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        moved(mood="tense")


@pytest.mark.parametrize(
    ("value", "framing", "schema"),
    [
        pytest.param(SINGLE_OBJECT + b"\x01" * 8 + b"x", "single-object", "01" * 8, id="fingerprint"),
        pytest.param(CONFLUENT + (4096).to_bytes(4) + b"x", "registry", 4096, id="registry id"),
    ],
)
def test_an_unknown_schema_is_named(value: bytes, framing: str, schema: int | str, reader: Codec) -> None:
    with pytest.raises(UnknownSchema) as caught:
        reader.read(value)

    assert (caught.value.framing, caught.value.schema) == (framing, schema)


@pytest.mark.parametrize("value", [SINGLE_OBJECT, AVRO[:9], CONFLUENT, CONFLUENT_VALUE[:4]])
def test_half_a_mark_is_not_asked_for(value: bytes, reader: Codec) -> None:
    with pytest.raises(Unreadable, match="cut off") as caught:
        reader.read(value)

    assert not isinstance(caught.value, UnknownSchema)


def test_what_the_registry_cannot_help_with_is_not_asked_again(reader: Codec) -> None:
    reader.refuse(4096, "404")

    with pytest.raises(UnknownSchema, match="4096: 404") as caught:
        reader.read(CONFLUENT + (4096).to_bytes(4) + b"x")
    assert caught.value.framing != "registry", "which would mean: ask the registry, then come back"


def test_made_up_numbers_fill_no_memory(reader: Codec) -> None:
    for number in range(MOST_REFUSED + 100):
        reader.refuse(number + 100, "404")

    assert len(reader._refused) == MOST_REFUSED


@pytest.mark.parametrize(
    "schema",
    [
        pytest.param({"type": "record", "name": "other.Thing", "fields": []}, id="a foreign record"),
        pytest.param({"type": "gibberish"}, id="no type"),
        pytest.param({}, id="nothing"),
        pytest.param({"type": "record", "name": 5, "fields": 7}, id="numbers for names"),
        pytest.param({"type": "string"}, id="no record"),
    ],
)
def test_a_schema_that_is_not_ours_is_not_learned(schema: dict[str, Any], reader: Codec) -> None:
    with pytest.raises(Unreadable):
        reader.learn(8, schema)
    with pytest.raises(UnknownSchema):
        reader.read(CONFLUENT + (8).to_bytes(4))


def test_a_setting_that_names_no_event_type_stops_the_start() -> None:
    with pytest.raises(Misconfigured, match=r"incident\.mooved.*known: .*incident\.moved"):
        Codec(as_json=frozenset({"incident.mooved"}))


@settings(max_examples=300, deadline=None)
@given(
    st.binary(max_size=200),
    st.integers(0, len(AVRO) - 1),
    st.sampled_from([AVRO, CONFLUENT_VALUE, as_json()]),
)
@example(b"\xff" * 9, 10, AVRO)
def test_any_damage_is_an_event_or_unreadable(damage: bytes, at: int, value: bytes) -> None:
    reader = Codec(registry_ids={IncidentMoved: KNOWN_ID})
    for broken in (damage, value[:at] + damage + value[at + len(damage) :], value[:at] + damage):
        try:
            event = reader.decode(broken)
        except Unreadable:
            continue
        assert reader.decode(reader.encode(event)) == event, "what was read can be written on"
