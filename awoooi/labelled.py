"""A file of labelled lines, one JSON object each: what `awoooi eval` measures against, and tells."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol, TypeVar

from schemas.errors import Unreadable

Line = TypeVar("Line")


class Judged(Protocol):
    @property
    def passes(self) -> bool: ...


Measured = TypeVar("Measured", bound=Judged)


def told(
    measured: Measured,
    plain: Callable[[Measured], Mapping[str, object]],
    show: Callable[[Measured], None],
    *,
    as_json: bool,
) -> int:
    """Prints what was measured; the exit status: 0 where it is as good as it must be, else 1."""
    if as_json:
        print(json.dumps(plain(measured), indent=2))
    else:
        show(measured)
    return 0 if measured.passes else 1


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
