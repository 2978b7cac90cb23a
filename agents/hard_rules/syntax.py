"""What the shell parser makes of a text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Text:
    value: str
    quoted: bool


@dataclass(frozen=True, slots=True)
class Parameter:
    """`$name` or `${name…}`: `operator` and `argument` are what follows the name in the braces."""

    name: str
    operator: str
    argument: str
    quoted: bool


@dataclass(frozen=True, slots=True)
class Substitution:
    """`$(…)` and backticks; `<(…)` and `>(…)` when `process`."""

    script: Script
    quoted: bool
    process: bool = False


@dataclass(frozen=True, slots=True)
class Arithmetic:
    source: Word


Part: TypeAlias = "Text | Parameter | Substitution | Arithmetic"
Word: TypeAlias = "tuple[Part, ...]"


@dataclass(slots=True)
class Redirect:
    """Not frozen: what a here-document holds is read after the command that it feeds."""

    operator: str
    target: Word
    body: Word | None = None


@dataclass(frozen=True, slots=True)
class Assignment:
    name: str
    values: tuple[Word, ...]
    appends: bool = False
    index: str = ""
    subscript: Word = ()


@dataclass(frozen=True, slots=True)
class Simple:
    assignments: tuple[Assignment, ...]
    words: tuple[Word, ...]
    redirects: tuple[Redirect, ...]
    source: str


@dataclass(frozen=True, slots=True)
class Compound:
    """Everything with a body; every body may run."""

    kind: str
    bodies: tuple[Script, ...]
    words: tuple[Word, ...] = ()
    variable: str = ""
    redirects: tuple[Redirect, ...] = ()


@dataclass(frozen=True, slots=True)
class Function:
    name: str
    body: Command


Command: TypeAlias = "Simple | Compound | Function"


@dataclass(frozen=True, slots=True)
class Pipeline:
    commands: tuple[Command, ...]


@dataclass(frozen=True, slots=True)
class Script:
    """Pipelines in their order, whatever joins them: any of them may run."""

    pipelines: tuple[Pipeline, ...]
