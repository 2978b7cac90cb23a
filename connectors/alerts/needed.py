"""Many patterns over one text: those of which it lacks letters that they need are not tried.

A look for fixed letters is a hundred times as quick as a pattern. What letters a pattern needs is read off
the pattern itself, so that whoever changes one has nothing else to change.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from re import _constants as kinds  # type: ignore[attr-defined] # patterns have no public reader
from re import _parser as reader  # type: ignore[attr-defined] # the same
from typing import Any, NamedTuple

Parts = frozenset[str]
"""one of them stands in whatever is found; nothing is known if there are none"""


class _Sought(NamedTuple):
    name: str
    pattern: re.Pattern[str]
    needs: Sequence[Parts]
    """beside the part by which it is looked up"""


class _Part(NamedTuple):
    letters: str
    of: _Sought


class Patterns:
    def __init__(self, patterns: Iterable[tuple[str, re.Pattern[str]]]) -> None:
        self._by_start: dict[tuple[str, ...], list[_Part]] = defaultdict(list)
        """by the first three letters of what is needed; what is shorter, or nothing, under ()"""
        for name, pattern in patterns:
            for first, *others in needed(pattern):
                sought = _Sought(name, pattern, others)
                for part in first or {""}:
                    start = tuple(part[:3]) if len(part) >= 3 else ()
                    self._by_start[start].append(_Part(part, sought))
        self._starts = frozenset(self._by_start)

    def found_in(self, text: str) -> Iterator[tuple[str, re.Match[str]]]:
        """All finds of each pattern by itself, so those of two may overlap."""
        for sought in self._possible(text):
            for found in sought.pattern.finditer(text):
                yield sought.name, found

    def _possible(self, text: str) -> Iterator[_Sought]:
        tried = set[re.Pattern[str]]()
        threes = zip(text, text[1:], text[2:], strict=False)
        for start in ((), *self._starts.intersection(threes)):
            for part, sought in self._by_start.get(start, ()):
                if part in text and sought.pattern not in tried and _holds(text, sought.needs):
                    tried.add(sought.pattern)
                    yield sought


def _holds(text: str, needs: Iterable[Parts]) -> bool:
    return all(any(part in text for part in parts) for parts in needs)


def needed(pattern: re.Pattern[str]) -> list[list[Parts]]:
    """Of each of its ways what must stand in a text, the most telling first."""
    assert not pattern.flags & re.IGNORECASE, "letters are looked for as they are"
    read = list(reader.parse(pattern.pattern, pattern.flags))
    ways = read[0][1][1] if len(read) == 1 and read[0][0] is kinds.BRANCH else [read]
    return [sorted(_of_all(way), key=_telling, reverse=True) or [Parts()] for way in ways]


def _of_all(sequence: Iterable[tuple[Any, Any]]) -> list[Parts]:
    """Of what stands one after another."""
    found, run = list[Parts](), ""
    for kind, value in sequence:
        if kind is kinds.LITERAL:
            run += chr(value)
        else:
            found += [Parts({run})] * bool(run) + _of_one(kind, value)
            run = ""
    return found + [Parts({run})] * bool(run)


def _of_one(kind: Any, value: Any) -> list[Parts]:
    if kind is kinds.SUBPATTERN:
        return _of_all(value[-1])
    if kind in (kinds.MAX_REPEAT, kinds.MIN_REPEAT) and value[0] > 0:
        return _of_all(value[2])
    if kind is kinds.BRANCH:
        ways = [max(_of_all(way), key=_telling, default=Parts()) for way in value[1]]
        return [Parts().union(*ways)] if all(ways) else []
    return []


def _telling(parts: Parts) -> tuple[int, int]:
    """Long parts are rare in a text; few of them are looked for quickly."""
    return min(map(len, parts), default=0), -len(parts)
