"""Event ↔ bytes. Writes Avro (Confluent framing with a registry, single-object encoding without),
or JSON where asked; reads all three by looking at the first bytes.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import fastavro
import orjson
from fastavro.schema import (
    SchemaParseException,
    fingerprint,
    load_schema,
    parse_schema,
    to_parsing_canonical_form,
)
from pydantic import BaseModel, ValidationError

from schemas.avro_schema import AVRO_DIR, path_of
from schemas.avro_writer import Write, compile_writer
from schemas.catalog import class_of_type, event_classes
from schemas.draft import Draft
from schemas.envelope import Event, Place, Plain, as_plain
from schemas.errors import Misconfigured, UnknownSchema, Unreadable

SINGLE_OBJECT = b"\xc3\x01"
CONFLUENT = b"\x00"
FINGERPRINT_BYTES = 8
REGISTRY_ID_BYTES = 4

AVRO_CONTENT = "application/avro"
JSON_CONTENT = "application/json"
MOST_REFUSED = 10_000  # anybody who may write to a topic can make numbers up


NO_NUMBER = frozenset(
    {
        "finite_number",
        "float_type",
        "float_parsing",
        "int_type",
        "int_parsing",
        "int_parsing_size",
        "int_from_float",
        "greater_than_equal",
        "less_than_equal",
        "less_than",
    }
)
"""how pydantic calls it"""


@dataclass(frozen=True, slots=True)
class _Writing:
    """A schema that some record was written with, and the class that reads it."""

    schema: Any
    event: type[Event]
    current: bool = True  # else the value is resolved to today's schema


@cache
def _known() -> dict[bytes, _Writing]:
    """Every version of every schema that was ever checked in, by its fingerprint."""
    known = {}
    for path in sorted(AVRO_DIR.glob("*.avsc")):
        event = event_classes()[path.name.rsplit(".v", 1)[0]]
        schema = load_schema(str(path))
        known[_fingerprint(schema)] = _Writing(schema, event, path == path_of(event))
    return known


@cache
def _current(event: type[Event]) -> tuple[Any, bytes]:
    schema = load_schema(str(path_of(event)))
    return schema, SINGLE_OBJECT + _fingerprint(schema)


@cache
def _writer(event: type[Event]) -> Write:
    return compile_writer(json.loads(path_of(event).read_text()))


def _fingerprint(schema: Any) -> bytes:
    """CRC-64-AVRO of the canonical form, little-endian as single-object encoding wants it."""
    digest = fingerprint(to_parsing_canonical_form(schema), "CRC-64-AVRO")
    return bytes.fromhex(digest)


def schema_text(event: type[Event]) -> str:
    """What a schema registry is given."""
    return json.dumps(json.loads(path_of(event).read_text()), separators=(",", ":"), ensure_ascii=False)


@dataclass(slots=True)
class Codec:
    """`registry_ids` holds what the registry gave for our schemas: empty means single-object encoding.
    `as_json` are event types that the settings want as JSON.
    """

    registry_ids: Mapping[type[Event], int] = field(default_factory=dict)
    as_json: frozenset[str] = frozenset()
    _learned: dict[int, _Writing] = field(default_factory=dict)
    _refused: dict[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        unheard = sorted(self.as_json - event_classes().keys())
        if unheard:
            raise Misconfigured(f"as JSON: {unheard} are no event types; known: {sorted(event_classes())}")
        for event, number in self.registry_ids.items():
            self._learned[number] = _Writing(_current(event)[0], event)

    def encode(self, event: Event) -> bytes:
        if event.type in self.as_json:
            return orjson.dumps(_jsonable(event))
        return self.encode_plain(type(event), as_plain(event))

    def encode_draft(self, draft: Draft) -> bytes:
        """The same from plain values that their writer vouches for."""
        if draft.plain["type"] in self.as_json:
            return self.encode(draft.event())
        return self.encode_plain(draft.kind, draft.plain)

    def encode_plain(self, event: type[Event], plain: dict[str, Any]) -> bytes:
        if self.registry_ids:
            prefix = CONFLUENT + self.registry_ids[class_of_type(event)].to_bytes(REGISTRY_ID_BYTES)
        else:
            prefix = _current(event)[1]
        return prefix + _writer(event)(plain)

    def content_type(self, event_type: str) -> str:
        return JSON_CONTENT if event_type in self.as_json else AVRO_CONTENT

    def decode(self, value: bytes | None) -> Event:
        """The event, checked against its model."""
        event, plain = self.read(value)
        try:
            return event.read(plain)
        except ValidationError as error:
            left = _left(event, plain, error)
        try:
            return event.read(left)
        except ValidationError as error:
            raise Unreadable(f"{event.type_name()}: {_first_fault(error)}") from None

    def read(self, value: bytes | None) -> tuple[type[Event], dict[str, Any]]:
        """The event's class and its plain values: quicker, for readers that trust our writers."""
        if not value:
            raise Unreadable("the record has no value")
        if value.startswith(SINGLE_OBJECT):
            start = len(SINGLE_OBJECT) + FINGERPRINT_BYTES
            mark = _mark(value, len(SINGLE_OBJECT), start)
            writing = _known().get(mark)
            if writing is None:
                raise UnknownSchema("single-object", mark.hex())
            return writing.event, _read_avro(writing, value, start)
        if value.startswith(CONFLUENT):
            start = len(CONFLUENT) + REGISTRY_ID_BYTES
            number = int.from_bytes(_mark(value, len(CONFLUENT), start))
            writing = self._learned.get(number)
            if writing is None:
                raise self._unknown(number)
            return writing.event, _read_avro(writing, value, start)
        return _read_json(value)

    def _unknown(self, number: int) -> Unreadable:
        """The framing `registry` says that asking may help."""
        why = self._refused.get(number)
        return (
            UnknownSchema("registry", number)
            if why is None
            else UnknownSchema("refused registry", number, why)
        )

    def learn(self, number: int, schema: Mapping[str, Any]) -> None:
        """Take in a schema that the registry knows under `number`; raises Unreadable where it is not ours."""
        try:
            parsed = parse_schema(dict(schema))
        except (SchemaParseException, KeyError, TypeError, ValueError, RecursionError) as error:
            raise Unreadable(f"registry schema {number} is no Avro schema: {type(error).__name__}") from error
        # a registry may write namespace and name apart: the parsed name is the full one
        name = parsed.get("name") if isinstance(parsed, dict) else None
        for event in event_classes().values():
            if event.record_name() == name:
                self._learned[number] = _Writing(parsed, event, current=False)
                return
        raise UnknownSchema("registry", number, "it is none of our records")

    def refuse(self, number: int, why: str) -> None:
        """The registry cannot help with this number: what carries it is a dead letter from now on."""
        self._refused[number] = why
        if len(self._refused) > MOST_REFUSED:
            del self._refused[next(iter(self._refused))]


def _mark(value: bytes, start: int, end: int) -> bytes:
    """What names the writer's schema, between the marker and the Avro value."""
    if len(value) < end:
        raise Unreadable(f"cut off: {len(value)} bytes, and the schema's mark ends at {end}")
    return value[start:end]


def _read_avro(writing: _Writing, value: bytes, start: int) -> dict[str, Any]:
    body = io.BytesIO(value)
    body.seek(start)
    wanted = None if writing.current else _current(writing.event)[0]
    try:
        plain = fastavro.schemaless_reader(body, writing.schema, wanted)
    except Exception as error:  # noqa: BLE001 - the C reader raises whatever the bytes make of it
        kind = type(error).__name__  # its text may hold the value, and so it is no cause either
        raise Unreadable(f"{writing.event.type_name()}: not the Avro it says it is: {kind}") from None
    if body.read(1):
        raise Unreadable(f"{writing.event.type_name()}: bytes left over behind the Avro value")
    assert isinstance(plain, dict)
    return plain


def _read_json(value: bytes) -> tuple[type[Event], dict[str, Any]]:
    plain = _json(value)
    if not isinstance(plain, dict):
        raise Unreadable(f"an event is a JSON object, not {type(plain).__name__}")
    kind = plain.get("type")
    event = event_classes().get(kind) if isinstance(kind, str) else None
    if event is None:
        raise Unreadable("type: no event type of the catalogue")
    try:
        return event, as_plain(event.model_validate_json(value))
    except ValidationError as error:
        left = orjson.dumps(_left(event, plain, error))
    try:
        return event, as_plain(event.model_validate_json(left))
    except ValidationError as error:
        raise Unreadable(f"{event.type_name()}: {_first_fault(error)}") from None


def _json(value: bytes) -> Any:
    """Python's own writer calls NaN and Infinity JSON: they are read, and then no model takes them."""
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError as error:
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            raise Unreadable(f"neither Avro nor JSON: {error}") from error


def stored_payload(event: type[Event], text: str) -> Any:
    """A payload as the record has it, in JSON: there a number that is none is null."""
    model: type[Plain] = event.model_fields["payload"].annotation  # type: ignore[assignment]
    try:
        return model.model_validate_json(text)
    except ValidationError as error:
        left = _left(event, {"payload": orjson.loads(text)}, error, ("payload",))
    return model.model_validate_json(orjson.dumps(left["payload"]))


def _left(
    event: type[Event], plain: dict[str, Any], error: ValidationError, within: Place = ()
) -> dict[str, Any]:
    """What is left to read where its only faults are numbers that are none."""
    faults = error.errors(include_input=False, include_url=False, include_context=False)
    if all(fault["type"] in NO_NUMBER for fault in faults):
        left = event.without_numbers(plain, [(*within, *fault["loc"]) for fault in faults])
        if left is not None:
            return left
    raise Unreadable(f"{event.type_name()}: {_first_fault(error)}") from None


def _jsonable(event: Event) -> dict[str, Any]:
    return event.model_dump(mode="json")


def _first_fault(error: ValidationError) -> str:
    """Where and what, never the value, nor a name that is not ours: they may be personal.

    For the same reason the error itself is not handed on: a log would show it as the cause.
    """
    first = error.errors(include_input=False, include_url=False, include_context=False)[0]
    ours = (str(part) if isinstance(part, int) or part in _names() else "…" for part in first["loc"])
    return f"{'.'.join(ours) or 'event'}: {first['msg']}"


@cache
def _names() -> frozenset[str]:
    """Every field of every model."""
    models: list[type[BaseModel]] = [Plain]
    for model in models:
        models.extend(model.__subclasses__())
    return frozenset(name for model in models for name in model.model_fields)
