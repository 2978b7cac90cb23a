"""A file of labelled lines, one JSON object each: what `awoooi eval` measures against."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from schemas.errors import Unreadable

Line = TypeVar("Line")


def lines_of(path: Path, read_line: Callable[[Mapping[str, Any], int], Line]) -> Iterator[Line]:
    """Each as `read_line` makes it from its object and its number. Unreadable says which line is wrong."""
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise Unreadable(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}") from error
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield read_line(_object(path, number, line), number)


def _object(path: Path, number: int, line: str) -> Mapping[str, Any]:
    try:
        values = json.loads(line)
    except json.JSONDecodeError as error:
        raise Unreadable(f"{path}, line {number}: not JSON: {error.msg}") from None
    if not isinstance(values, dict):
        raise Unreadable(f"{path}, line {number}: not an object")
    return values
