"""What flows from one command to the next, and what a shell remembers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from agents.hard_rules.hits import FETCHED, OUTPUT, PRIVATE, SIFTED
from agents.hard_rules.syntax import Command

MOST_VALUES = 6


@dataclass(frozen=True, slots=True)
class Stream:
    """What a command reads or prints: text that is known, or what is known of its origin."""

    text: str | None = ""
    fetched: bool = False
    sifted: bool = False
    private: bool = False

    @property
    def as_text(self) -> str:
        if self.text is not None:
            return self.text
        return FETCHED if self.fetched else PRIVATE if self.private else SIFTED if self.sifted else OUTPUT


EMPTY = Stream("")
SOMETHING = Stream(None)
NETWORK = Stream(None, fetched=True)


@dataclass(slots=True)
class Scope:
    """What the text has set so far. Nothing is forgotten: a branch that may not run may also run."""

    variables: dict[str, tuple[str, ...]] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    functions: dict[str, Command] = field(default_factory=dict)
    files: dict[str, Stream] = field(default_factory=dict)
    arguments: tuple[str, ...] = ()

    def set(self, name: str, values: tuple[str, ...], *, appends: bool = False) -> None:
        known = self.variables.get(name, ())
        if appends:
            values = tuple(before + value for before in known or ("",) for value in values)
        self.variables[name] = tuple(dict.fromkeys((*values, *known)))[:MOST_VALUES]

    def child(
        self, more: Mapping[str, tuple[str, ...]] | None = None, arguments: tuple[str, ...] = ()
    ) -> Scope:
        """The scope of a shell that is started from this one."""
        scope = Scope(dict(self.variables), dict(self.aliases), dict(self.functions), self.files, arguments)
        for name, values in (more or {}).items():
            scope.set(name, values)
        return scope
