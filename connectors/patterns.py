"""The expressions that people write in silences, matched in a time that nothing can stretch.

A part of RE2's syntax, over the whole value: letters, `.`, classes, groups, `|`, `* + ? {2,5}`. All states
are followed side by side, so there is no way back that could be taken again and again; what would take too
many steps all the same counts as a match. What is not understood is refused by name.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

LONGEST_PATTERN = 2_000
MOST_STATES = 2_500
MOST_STEPS = 20_000
DEEPEST = 20
_DIGITS, _SPACES = frozenset(string.digits), frozenset("\t\n\f\r ")
_WORDS = frozenset(string.ascii_letters + string.digits + "_")
_CLASSES = {"d": _DIGITS, "w": _WORDS, "s": _SPACES}
_LETTERS = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}
_MANY = {"*": (0, None), "+": (1, None), "?": (0, 1)}

Fits = Callable[[str], bool]
Node = Callable[["Program"], None]
"""writes itself to the end of a program"""


@dataclass(slots=True)
class Program:
    """One state a line: a letter to take before the next line, or, without one, the lines to go on at."""

    takes: list[Fits | None] = field(default_factory=list)
    goes: list[tuple[int, ...]] = field(default_factory=list)

    def add(self, takes: Fits | None) -> int:
        if len(self.takes) >= MOST_STATES:
            raise ValueError(f"needs more than {MOST_STATES} states")
        self.takes.append(takes)
        self.goes.append(())
        return len(self.takes) - 1

    def fork(self) -> int:
        return self.add(None)

    @property
    def end(self) -> int:
        return len(self.takes)

    def matches(self, value: str) -> bool:
        """The last line is the end: it is taken by reaching it."""
        now, steps = self._reached([0]), 0
        for letter in value:
            steps += len(now)
            if steps > MOST_STEPS:
                return True
            now = self._reached([line + 1 for line in now if (fits := self.takes[line]) and fits(letter)])
            if not now:
                return False
        return self.end - 1 in now

    def _reached(self, waiting: list[int]) -> set[int]:
        lines = set(waiting)
        while waiting:
            new = [line for line in self.goes[waiting.pop()] if line not in lines]
            lines.update(new)
            waiting.extend(new)
        return lines


@lru_cache(maxsize=2_000)
def compiled(pattern: str) -> Program:
    """Raises ValueError, with what is not understood."""
    if len(pattern) > LONGEST_PATTERN:
        raise ValueError(f"is longer than {LONGEST_PATTERN} characters")
    program = Program()
    _Reader(pattern).whole()(program)
    program.fork()
    return program


@dataclass(slots=True)
class _Reader:
    pattern: str
    at: int = 0
    depth: int = 0

    def whole(self) -> Node:
        node = self._either()
        if self.at < len(self.pattern):
            raise ValueError("has a ) too many")
        return node

    def _next(self) -> str:
        return self.pattern[self.at : self.at + 1]

    def _take(self) -> str:
        letter = self._next()
        if not letter:
            raise ValueError("ends too early")
        self.at += 1
        return letter

    def _either(self) -> Node:
        ways = [self._row()]
        while self._next() == "|":
            self.at += 1
            ways.append(self._row())
        return ways[0] if len(ways) == 1 else _either(ways)

    def _row(self) -> Node:
        parts = []
        while self._next() not in ("", "|", ")"):
            if not self._is_edge():
                parts.append(self._repeated(self._one()))
        return _row(parts)

    def _is_edge(self) -> bool:
        """The whole value is meant in any case: its edges may be named."""
        first, last = self.at == 0, self.at == len(self.pattern) - 1
        if (first and self._next() == "^") or (last and self._next() == "$"):
            self.at += 1
            return True
        return False

    def _repeated(self, node: Node) -> Node:
        many = self._many()
        if many is None:
            return node
        if self._next() == "?":  # as few as will do: of a whole value it is the same
            self.at += 1
        if self._next() and self._next() in "*+?{":
            raise ValueError("repeats what is repeated")
        return _repeat(node, *many)

    def _many(self) -> tuple[int, int | None] | None:
        if self._next() in _MANY:
            return _MANY[self._take()]
        if self._next() != "{":
            return None
        self.at += 1
        told, closed, rest = self.pattern[self.at :].partition("}")
        least, comma, most = told.partition(",")
        numbers = [least, *([most] if most else [])]
        if not closed or not all(one.isascii() and one.isdigit() and len(one) < 4 for one in numbers):
            raise ValueError("has a {} that counts nothing")
        self.at = len(self.pattern) - len(rest)
        return int(least), (int(most) if most else None) if comma else int(least)

    def _one(self) -> Node:
        letter = self._take()
        if letter == "(":
            return self._group()
        if letter == "[":
            return _letter(self._class())
        if letter == ".":
            return _letter(lambda _: True)
        if letter == "\\":
            return _letter(self._escaped())
        if letter in "*+?{^$":
            raise ValueError(f"has a {letter} where none is understood")
        return _letter(letter.__eq__)

    def _group(self) -> Node:
        if self._next() == "?":
            if self.pattern[self.at : self.at + 2] != "?:":
                raise ValueError("has a group of a kind that is not understood")
            self.at += 2
        self.depth += 1
        if self.depth > DEEPEST:
            raise ValueError(f"is nested deeper than {DEEPEST}")
        node = self._either()
        if self._take() != ")":
            raise ValueError("has a ( too many")
        self.depth -= 1
        return node

    def _escaped(self) -> Fits:
        letter = self._take()
        if letter.lower() in _CLASSES:
            known = _CLASSES[letter.lower()]
            return (lambda one: one in known) if letter.islower() else (lambda one: one not in known)
        if letter.isalnum() and letter not in _LETTERS:
            raise ValueError(f"has a \\{letter}, which is not understood")
        return _LETTERS.get(letter, letter).__eq__

    def _class(self) -> Fits:
        negated = self._next() == "^"
        self.at += negated
        parts = [self._part()]
        while self._next() != "]":
            parts.append(self._part())
        self.at += 1
        return lambda letter: any(part(letter) for part in parts) != negated

    def _part(self) -> Fits:
        """A letter, a range of them, or a class within the class."""
        if self.pattern[self.at : self.at + 2] == "[:":
            raise ValueError("has a named class, which is not understood")
        first = self._take()
        if first == "\\":
            return self._escaped()
        if self._next() != "-" or self.pattern[self.at + 1 : self.at + 2] in ("]", ""):
            return first.__eq__
        self.at += 1
        last = self._take()
        if last == "\\" or last < first:
            raise ValueError("has a range that is none")
        return lambda letter: first <= letter <= last


def _letter(fits: Fits) -> Node:
    def write(program: Program) -> None:
        program.add(fits)

    return write


def _row(parts: Sequence[Node]) -> Node:
    def write(program: Program) -> None:
        for part in parts:
            part(program)

    return write


def _either(ways: Sequence[Node]) -> Node:
    def write(program: Program) -> None:
        fork, ends = program.fork(), []
        for way in ways:
            program.goes[fork] += (program.end,)
            way(program)
            ends.append(program.fork())
        for end in ends:
            program.goes[end] = (program.end,)

    return write


def _repeat(node: Node, least: int, most: int | None) -> Node:
    def write(program: Program) -> None:
        for _ in range(least):
            node(program)
        if most is None:
            fork = program.fork()
            node(program)
            program.goes[program.fork()] = (fork,)
            program.goes[fork] = (fork + 1, program.end)
            return
        forks = []
        for _ in range(most - least):
            forks.append(program.fork())
            node(program)
        for fork in forks:
            program.goes[fork] = (fork + 1, program.end)

    return write
