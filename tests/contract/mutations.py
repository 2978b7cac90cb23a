"""Payloads damaged in one place: of any field, in any way that a broken or hostile sender may damage it."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

Path = tuple[str | int, ...]
GONE = object()
_DEEP = "@deep@"  # in the place of what JSON's writer would not write


def _nested(depth: int) -> str:
    return "[" * depth + "]" * depth


VALUES: Sequence[tuple[str, Any]] = (
    ("missing", GONE),
    ("null", None),
    ("true", True),
    ("zero", 0),
    ("negative", -1),
    ("large", 10**18),
    ("fraction", 1e300),
    ("blank", ""),
    ("spaces", "  \n "),
    ("other word", "flapping-ish"),
    ("number as text", "17"),
    ("odd time", "2026-02-30T25:61:00Z"),
    ("no zone", "2026-03-01 12:00:00"),
    ("NUL", "a\x00b"),
    ("long", "x" * 20_000),
    ("many words", "pod cart-1 at 91% " * 500),
    ("template", "{{ .Labels.severity }} ${ALERT}"),
    ("list", []),
    ("object", {}),
    ("list of null", [None]),
    ("list of lists", [[["x"]]]),
    ("list of many", list(range(1000))),
    ("object of odd names", {"": 1, " ": {"\x00": []}, "k" * 500: "v"}),
    ("object within", {"value": {"value": {"value": "x"}}}),
)
"""what stands in a field's place, by what it is called"""


BYTES: Sequence[tuple[str, Callable[[bytes, int], bytes]]] = (
    ("truncated", lambda text, at: text[:at]),
    ("no UTF-8", lambda text, at: text[:at] + b"\xff\xfe\x80" + text[at:]),
    ("half a surrogate", lambda text, at: text[:at] + b"\\ud800" + text[at:]),
    ("a byte gone", lambda text, at: text[:at] + text[at + 1 :]),
    ("a byte twice", lambda text, at: text[: at + 1] + text[at:]),
    ("another byte", lambda text, at: text[:at] + b"7" + text[at + 1 :]),
    ("NUL", lambda text, at: text[:at] + b"\x00" + text[at:]),
    ("two documents", lambda text, at: text + text),
    ("byte order mark", lambda text, at: b"\xef\xbb\xbf" + text),
    ("in UTF-16", lambda text, at: text.decode().encode("utf-16")),
    ("more behind", lambda text, at: text + b" ]"),
)
"""what is done to the bytes, somewhere"""

PLACES: Sequence[tuple[str, Callable[[str], str]]] = (
    ("nested", lambda text: text.replace(f'"{_DEEP}"', _nested(900))),
    ("nested too deep", lambda text: text.replace(f'"{_DEEP}"', _nested(50_000))),
    ("NaN", lambda text: text.replace(f'"{_DEEP}"', "NaN")),
    ("1e999", lambda text: text.replace(f'"{_DEEP}"', "1e999")),
    ("endless digits", lambda text: text.replace(f'"{_DEEP}"', "9" * 5_000)),
    ("a lone surrogate", lambda text: text.replace(f'"{_DEEP}"', '"\\udc00"')),
)
"""what JSON's writer would not write, in a field's place"""


@dataclass(frozen=True, slots=True)
class Subject:
    """A payload that is right, and where it can be damaged."""

    source: str
    name: str
    text: bytes
    paths: Sequence[Path]


def subject(source: str, name: str, payload: Any) -> Subject:
    return Subject(source, name, json.dumps(payload).encode(), list(paths(payload)))


def paths(value: Any, at: Path = ()) -> Iterator[Path]:
    yield at
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, inner in items:
            yield from paths(inner, (*at, key))


def damaged(subject: Subject, path: int, way: int) -> tuple[str, bytes]:
    """What was done where, and what came of it; any two numbers will do."""
    way %= len(VALUES) + len(PLACES) + len(BYTES) + 1
    where = subject.paths[path % len(subject.paths)]
    if way < len(VALUES):
        what, value = VALUES[way]
        return f"{what} at {_told(where)}", json.dumps(_replaced(subject, where, value)).encode()
    way -= len(VALUES)
    if way < len(PLACES):
        what, write = PLACES[way]
        return f"{what} at {_told(where)}", write(json.dumps(_replaced(subject, where, _DEEP))).encode()
    way -= len(PLACES)
    if way < len(BYTES):
        what, damage = BYTES[way]
        at = path % len(subject.text)
        return f"{what} at byte {at}", damage(subject.text, at)
    return f"twice at {_told(where)}", _twice(subject, where)


def _told(path: Path) -> str:
    return ".".join(map(str, path)) or "the whole"


def _replaced(subject: Subject, path: Path, value: Any) -> Any:
    payload = json.loads(subject.text)
    if not path:
        return None if value is GONE else value
    *above, last = path
    parent = payload
    for key in above:
        parent = parent[key]
    if value is GONE:
        del parent[last]
    else:
        parent[last] = copy.copy(value)
    return payload


def _twice(subject: Subject, path: Path) -> bytes:
    """A key that stands twice, with two values: JSON's readers take the last in silence."""
    key = json.dumps(path[-1] if path and isinstance(path[-1], str) else "alerts").encode()
    return subject.text.replace(key + b":", key + b": 17, " + key + b":", 1)
