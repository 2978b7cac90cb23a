"""One call of a program, as its rules see it."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from agents.hard_rules.hits import Budget, Rule, Unreadable
from agents.hard_rules.streams import Scope, Stream

MOST_SAID = 8_000


class Shell(Protocol):
    """What a program's rules may ask for: to judge what the program itself would run."""

    budget: Budget

    def command(self, argv: Sequence[str], scope: Scope, stdin: Stream, *, mass: bool = False) -> Stream: ...

    def script(self, text: str, scope: Scope, stdin: Stream, *, mass: bool = False) -> Stream: ...

    def sql(self, text: str, scope: Scope) -> None: ...

    def deeper(self) -> Shell: ...


@dataclass(frozen=True, slots=True)
class Call:
    program: str
    args: tuple[str, ...]
    stdin: Stream
    scope: Scope
    shell: Shell
    mass: bool = False
    """for each of many things that nobody has counted"""
    path: str = ""

    def hit(self, rule: Rule, what: str = "") -> None:
        self.shell.budget.hit(rule, what or self.source)

    @property
    def source(self) -> str:
        return " ".join(
            shlex.quote(arg) if arg == "" or " " in arg else arg for arg in (self.program, *self.args)
        )

    @property
    def said(self) -> str:
        """All arguments in a row, to look for words in; so short that no pattern can take long."""
        text = " ".join(self.args)
        if len(text) > MOST_SAID:
            raise Unreadable(f"the arguments of {self.program} are too long to be looked through")
        return text

    def run(self, argv: Sequence[str], *, stdin: Stream | None = None, mass: bool = False) -> Stream:
        """What it starts: a program with arguments."""
        return self.shell.deeper().command(
            argv, self.scope, self.stdin if stdin is None else stdin, mass=mass or self.mass
        )

    def script(self, text: str, *, stdin: Stream | None = None, mass: bool = False) -> Stream:
        """What it starts: a shell with a text."""
        return self.shell.deeper().script(
            text, self.scope, self.stdin if stdin is None else stdin, mass=mass or self.mass
        )

    def sql(self, text: str) -> None:
        self.shell.deeper().sql(text, self.scope)


Handler = Callable[[Call], "Stream | None"]
"""Reports what it finds; returns what the program prints where that is known better than by its name."""
