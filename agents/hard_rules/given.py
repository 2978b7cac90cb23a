"""A program's arguments: options with and without values, words, what follows `--`."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

NO = ("false", "no", "0", "none", "off")


@dataclass(slots=True)
class Given:
    options: list[tuple[str, str | None]] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    rest: list[str] = field(default_factory=list)
    """what follows `--`, or the word at which reading stopped"""

    def has(self, *names: str) -> bool:
        """Whether a flag is given; `--flag=false` takes it back."""
        states = [value is None or value.lower() not in NO for name, value in self.options if name in names]
        return bool(states) and states[-1]

    def all(self, *names: str) -> list[str]:
        return [value for name, value in self.options if name in names and value is not None]

    def last(self, *names: str) -> str | None:
        found = self.all(*names)
        return found[-1] if found else None

    @property
    def wants_help(self) -> bool:
        asked = {name for name, value in self.options if value is None}
        return "help" in asked or ("version" in asked and not self.words and not self.rest)


def read(
    args: Sequence[str],
    values: Collection[str] = (),
    *,
    stops: bool = False,
    long_only: bool = False,
    cases: bool = True,
) -> Given:
    """`values` names the options that take one; `stops`: at the first word; "
    "`long_only`: `-name` is one option."""
    given, waiting = Given(), list(reversed(args))
    while waiting:
        arg = waiting.pop()
        if arg == "--":
            given.rest.extend(reversed(waiting))
            break
        if not arg.startswith("-") or arg == "-":
            if stops:
                given.rest.extend((arg, *reversed(waiting)))
                break
            given.words.append(arg)
        elif arg.startswith("--") or long_only:
            _long(arg.lstrip("-"), values, waiting, given)
        else:
            _short(arg[1:], values, waiting, given)
    if not cases:
        given.options = [(name.lower(), value) for name, value in given.options]
    return given


def _long(arg: str, values: Collection[str], waiting: list[str], given: Given) -> None:
    name, equals, value = arg.partition("=")
    if equals:
        given.options.append((name, value))
    elif name in values and waiting:
        given.options.append((name, waiting.pop()))
    else:
        given.options.append((name, None))


def _short(letters: str, values: Collection[str], waiting: list[str], given: Given) -> None:
    for at, letter in enumerate(letters):
        if letter in values:
            value = letters[at + 1 :].removeprefix("=") or (waiting.pop() if waiting else None)
            given.options.append((letter, value))
            return
        if letters[at + 1 : at + 2] == "=":
            given.options.append((letter, letters[at + 2 :]))
            return
        given.options.append((letter, None))
