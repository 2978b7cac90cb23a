"""Canonical JSON (RFC 8785): one text for one value, so that whoever hashes it gets the same hash.

Object names stand in the order of their UTF-16 code units, numbers as JavaScript writes them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from schemas.errors import BadPayload

LARGEST_EXACT = 2**53 - 1
"""beyond it an integer is not the same number to every reader of JSON"""
MOST_NESTED = 64


def canonical(value: Any) -> bytes:
    """BadPayload for what JSON cannot say, or cannot say the same way to everyone."""
    return _text(value, "", MOST_NESTED).encode()


def _text(value: Any, place: str, levels: int) -> str:
    if levels == 0:
        raise BadPayload(f"nested deeper than {MOST_NESTED} levels", field=place)
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            return _string(value, place)
        case int():
            return _integer(value, place)
        case float():
            return _number(value, place)
        case Mapping():
            return _object(value, place, levels - 1)
        case Sequence() if not isinstance(value, bytes | bytearray | memoryview):
            parts = (_text(item, f"{place}[{at}]", levels - 1) for at, item in enumerate(value))
            return f"[{','.join(parts)}]"
        case _:
            raise BadPayload(f"{type(value).__name__} is nothing that JSON can say", field=place)


def _object(value: Mapping[Any, Any], place: str, levels: int) -> str:
    for name in value:
        if not isinstance(name, str):
            raise BadPayload(f"a name must be text, not {type(name).__name__}", field=place)
    texts = {name: _string(name, place) for name in value}  # before sorting: a half character has no order
    names = sorted(value, key=lambda name: name.encode("utf-16-be"))
    parts = (f"{texts[name]}:{_text(value[name], _inner(place, name), levels)}" for name in names)
    return f"{{{','.join(parts)}}}"


def _inner(place: str, name: str) -> str:
    return f"{place}.{name}" if place else name


def _string(value: str, place: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise BadPayload("text with half a character (a lone surrogate)", field=place) from error
    return json.dumps(str.__str__(value), ensure_ascii=False)


def _integer(value: int, place: str) -> str:
    if abs(value) > LARGEST_EXACT:
        raise BadPayload(f"an integer beyond ±{LARGEST_EXACT} is not exact in JSON", field=place)
    return str(int(value))


def _number(value: float, place: str) -> str:
    """ECMAScript's Number::toString; the digits are Python's, which are the shortest too."""
    if not math.isfinite(value):
        raise BadPayload(f"{value} is no number in JSON", field=place)
    if value == 0:
        return "0"
    sign = "-" if value < 0 else ""
    _, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    assert isinstance(exponent, int)  # a finite number's
    return sign + _placed("".join(map(str, digits)), len(digits) + exponent)


def _placed(digits: str, point: int) -> str:
    size = len(digits)
    if size <= point <= 21:
        return digits + "0" * (point - size)
    if 0 < point <= 21:
        return f"{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"0.{'0' * -point}{digits}"
    tail = f".{digits[1:]}" if size > 1 else ""
    return f"{digits[0]}{tail}e{'+' if point > 0 else '-'}{abs(point - 1)}"
