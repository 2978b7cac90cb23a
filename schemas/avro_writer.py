"""Avro's binary form, written by a function that is made for one schema.

fastavro tries the branches of each union by validating the value, which costs more than writing it; and most
texts of a stream stand in it again and again. Here a schema becomes one Python function, as `dataclasses`
makes its methods, and short texts are remembered as they are written. A test holds it against fastavro.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from schemas.envelope import to_millis
from schemas.settled import Settled

Write = Callable[[Any], bytes]
_MOST_TEXTS = 50_000
_LONGEST_TEXT = 100
_UNIQUE = frozenset({"event_id", "causes"})  # never seen again: not worth remembering
_END = b"\x00"
_double = struct.Struct("<d").pack


# -- the primitives


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


_SMALL = tuple(_varint(number) for number in range(1 << 14))
_LOW = tuple(bytes((number & 0x7F | 0x80, number >> 7 | 0x80)) for number in range(1 << 14))


class _High(dict[int, bytes]):
    """What stands above the lowest 14 bits: of the times of a stream it hardly changes."""

    def __missing__(self, number: int) -> bytes:
        if len(self) >= _MOST_TEXTS:
            self.clear()
        written = self[number] = _varint(number)
        return written


_HIGH = _High()


def _long(number: int) -> bytes:
    zigzag = number << 1 if number >= 0 else ~(number << 1)
    if zigzag < 1 << 14:
        return _SMALL[zigzag]
    if zigzag >= 1 << 64:
        raise OverflowError("an Avro long has 64 bits")
    return _LOW[zigzag & 0x3FFF] + _HIGH[zigzag >> 14]


def _moment(moment: datetime | int) -> bytes:
    millis: int = moment if moment.__class__ is int else to_millis(moment)  # type: ignore[arg-type] # a datetime
    if 1 << 14 <= millis < 1 << 63:
        return _LOW[millis << 1 & 0x3FFF] + _HIGH[millis >> 13]
    return _long(millis)


def _bytes(raw: bytes) -> bytes:
    return _long(len(raw)) + raw


def _text(text: str) -> bytes:
    raw = text.encode()
    size = len(raw) << 1
    return (_SMALL[size] if size < 1 << 14 else _long(len(raw))) + raw


class _Texts(dict[str, bytes]):
    def __missing__(self, text: str) -> bytes:
        written = _text(text)
        if len(written) <= _LONGEST_TEXT:
            if len(self) >= _MOST_TEXTS:
                self.clear()
            self[str.__str__(text)] = written  # never an enum's member: a dict of plain texts is quicker
        return written


_PRIMITIVES = {
    "long": "long({})",
    "int": "long({})",
    "bytes": "raw({})",
    "double": "double({})",
    "boolean": r"(b'\x01' if {} else b'\x00')",
    "null": "b''",
}
_BRANCHES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "boolean": (bool,),
    "long": (int,),
    "double": (float, int),
    "bytes": (bytes,),
}


# -- a schema as a function


def compile_writer(schema: Mapping[str, Any]) -> Write:
    """The function that writes a plain record of this schema; every field must be there."""
    maker = _Maker()
    name = maker.record(schema)
    exec("\n".join(maker.source), maker.names)  # noqa: S102 - our own text, from our own checked-in schema
    write: Write = maker.names[name]
    return write


class _Maker:
    """Gathers one function a record; a value's writer is an expression over it."""

    def __init__(self) -> None:
        self.source: list[str] = []
        self.names: dict[str, Any] = {
            "TEXTS": _Texts(),
            "text": _text,
            "long": _long,
            "moment": _moment,
            "raw": _bytes,
            "double": _double,
            "join": b"".join,
            "Settled": Settled,
        }
        self._records: dict[str, str] = {}
        self._string = ""

    def record(self, schema: Mapping[str, Any]) -> str:
        name = f"record_{len(self._records)}"
        self._records[schema["name"]] = name
        parts = [self._field(field) for field in schema["fields"]]
        self.source.append(f"def {name}(v):\n    return join(({', '.join(parts)},))")
        return name

    def _field(self, field: Mapping[str, Any]) -> str:
        self._string = "text({})" if field["name"] in _UNIQUE else "TEXTS[{}]"
        return self._value(field["type"], f"v[{field['name']!r}]")

    def _value(self, kind: Any, value: str) -> str:
        if kind == "string":
            return self._string.format(value)
        if isinstance(kind, str):
            written = _PRIMITIVES.get(kind)
            return written.format(value) if written else f"{self._records[kind]}({value})"
        if isinstance(kind, list):
            return self._union(kind, value)
        if kind.get("logicalType") == "timestamp-millis":
            return f"moment({value})"
        match kind["type"]:
            case "record":
                return f"{self.record(kind)}({value})"
            case "array":
                items = f"[{self._value(kind['items'], 'i')} for i in {value}]"
                return self._blocks(value, items)
            case "map":
                pair = f"TEXTS[k] + {self._value(kind['values'], 'i')}"
                blocks = self._blocks(value, f"[{pair} for k, i in {value}.items()]")
                return self._settled(value, blocks) if kind["values"] == "string" else blocks
            case other:
                return self._value(other, value)

    def _blocks(self, value: str, items: str) -> str:
        return f"(long(len({value})) + join({items}) + {_END!r} if {value} else {_END!r})"

    def _settled(self, value: str, blocks: str) -> str:
        """What was written once of a map that never changes is kept with it."""
        name = f"settled_{len(self.source)}"
        self.source.append(
            f"def {name}(v):\n    v.written = {blocks.replace(value, 'v')}\n    return v.written"
        )
        return f"(({value}.written or {name}({value})) if {value}.__class__ is Settled else {blocks})"

    def _union(self, kinds: list[Any], value: str) -> str:
        others = [kind for kind in kinds if kind != "null"]
        if len(others) == 1:
            branch = _long(kinds.index(others[0]))
            written = f"{branch!r} + {self._value(others[0], value)}"
        else:
            written = f"{self._by_class(kinds, others)}({value})"
        if len(others) == len(kinds):
            return f"({written})"
        return f"({_long(kinds.index('null'))!r} if {value} is None else {written})"

    def _by_class(self, kinds: list[Any], others: list[Any]) -> str:
        """Of several branches, the one whose Python class the value has."""
        name = f"union_{len(self.names)}_{len(self.source)}"
        lines = [f"def {name}(v):"]
        for kind in sorted(others, key=lambda kind: kind != "boolean"):  # a bool is an int too
            classes = ", ".join(of.__name__ for of in _BRANCHES[kind])
            written = f"{_long(kinds.index(kind))!r} + {self._value(kind, 'v')}"
            lines.append(f"    if isinstance(v, ({classes},)): return {written}")
        lines.append("    raise TypeError(f'{type(v).__name__} is no branch of the union')")
        self.source.append("\n".join(lines))
        return name
