"""Plain JSON of a configuration and of answers: its texts, and what stands at a place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import orjson


def texts_in(body: Any, place: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Every text, but for the names."""
    if isinstance(body, str):
        yield place, body
    elif isinstance(body, dict):
        for name, inner in body.items():
            yield from texts_in(inner, (*place, name))
    elif isinstance(body, list):
        for number, inner in enumerate(body):
            yield from texts_in(inner, (*place, number))


def found_at(value: Any, place: Iterable[str]) -> Any:
    """By names, and numbers from 0 in lists; None where there is nothing."""
    for part in place:
        if isinstance(value, Mapping):
            value = value.get(part)
        elif isinstance(value, list) and part.isdecimal() and int(part) < len(value):
            value = value[int(part)]
        else:
            return None
    return value


def as_text(value: Any) -> str | None:
    """None where there is nothing."""
    return value if isinstance(value, str | None) else orjson.dumps(value).decode()
