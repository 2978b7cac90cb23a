"""A compact JWS as it was presented: taken apart, nothing of it believed.

Lenient on purpose: what is wrong with its form is noted, and each fault refused under its own name.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Presented:
    parts: int
    """how many there were between dots; a compact JWS has three"""
    is_base64url: bool
    """all parts, without padding, in the one way to write them"""
    header: dict[str, Any] | None
    """None: no JSON object"""
    claims: dict[str, Any] | None
    repeated: tuple[str, ...]
    """names that stand twice in one object: two readers would not read the same"""
    signed: bytes = field(repr=False)
    signature: bytes = field(repr=False)


def take_apart(token: bytes) -> Presented:
    text = token.decode("ascii", "replace")
    parts = text.split(".")
    first, second, third = (*parts, "", "", "")[:3]
    repeated: list[str] = []
    return Presented(
        len(parts),
        all(_is_base64url(part) for part in (first, second, third)),
        _object(_decoded(first), repeated),
        _object(_decoded(second), repeated),
        tuple(repeated),
        f"{first}.{second}".encode(),
        _decoded(third),
    )


def _is_base64url(part: str) -> bool:
    """As it would be written: no other letter, no padding, and no bit set that belongs to no byte."""
    return base64.urlsafe_b64encode(_decoded(part)).rstrip(b"=").decode() == part


def _decoded(part: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except (binascii.Error, ValueError):
        return b""


def _object(content: bytes, repeated: list[str]) -> dict[str, Any] | None:
    def noted(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            names = [name for name, _ in pairs]
            repeated.extend(name for name in found if names.count(name) > 1)
        return found

    try:
        value = json.loads(content.decode(), object_pairs_hook=noted, parse_constant=_no_number)
        json.dumps(value, ensure_ascii=False).encode()  # half a character is no text
    except (ValueError, RecursionError):  # ValueError: no UTF-8, no JSON, a number of 5,000 digits
        return None
    return value if isinstance(value, dict) else None


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is no number in JSON")
