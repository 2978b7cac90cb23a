"""What a server offers, against what is expected of it: a tool that is missing or other is refused.

Only the bones of a schema count: words in it are for people and models, and nobody here reads them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.executors.contract import digest

WORDS = ("title", "description", "examples", "$comment")
NAMED = ("properties", "$defs", "definitions", "patternProperties")
"""below these stand names, not words of a schema"""


@dataclass(frozen=True, slots=True)
class Offered:
    name: str
    schema: Mapping[str, Any]
    """of its arguments"""

    @property
    def sha256(self) -> str:
        return digest(bones(self.schema))


@dataclass(frozen=True, slots=True)
class Expected:
    """A tool that is needed: with the very schema, or the very hash of one, or room for these arguments."""

    name: str
    schema: Mapping[str, Any] | None = None
    sha256: str = ""
    sends: frozenset[str] | None = None


def bones(schema: Any) -> Any:
    """Without the words for people."""
    if isinstance(schema, list):
        return [bones(one) for one in schema]
    if not isinstance(schema, Mapping):
        return schema
    return {
        name: {key: bones(one) for key, one in value.items()}
        if name in NAMED and isinstance(value, Mapping)
        else bones(value)
        for name, value in schema.items()
        if name not in WORDS
    }


def troubles(offered: Mapping[str, Offered], expected: Sequence[Expected]) -> Iterator[str]:
    """In sentences; the server's own words are not among them."""
    for wanted in expected:
        found = offered.get(wanted.name)
        if found is None:
            yield f"it offers no tool {wanted.name}"
        elif wanted.schema is not None and bones(wanted.schema) != bones(found.schema):
            yield f"its tool {wanted.name} takes other arguments than this version of AWOOOI sends"
        elif wanted.sha256 not in ("", found.sha256):
            yield f"its tool {wanted.name} has another schema than is configured: {found.sha256}"
        else:
            yield from _misfits(found, wanted.sends)


def _misfits(found: Offered, sends: frozenset[str] | None) -> Iterator[str]:
    if sends is None:
        return
    properties = found.schema.get("properties")
    takes = set(properties) if isinstance(properties, Mapping) else set()
    required = found.schema.get("required")
    needs = {one for one in required if isinstance(one, str)} if isinstance(required, list) else set()
    if unknown := sorted(sends - takes):
        yield f"its tool {found.name} takes no {', '.join(unknown)}"
    if missing := len(needs - sends):
        yield f"its tool {found.name} needs {missing} arguments that are not configured in `sends`"
