"""Typed arguments of what is configured by name, and the templates that they are put into.

A value comes from evidence or from a model and is hostile: it must fit its type whole, it holds no line
break and nothing unseen, and it never becomes an option (`-x`) unless the template begins the word so.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

MOST_LENGTH = 1000
ARGUMENT_NAME = r"^[a-z][a-z0-9_]{0,40}$"
OWN_WORDS = ("action_id",)
"""what a template may name beside the arguments"""
_WHOLE = re.compile(r"-?[0-9]{1,18}")
_PLACE = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")


class Written(BaseModel):
    """Part of a file that people write."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Argument(Written):
    """`pattern`, `one_of`, or `least` and `most`."""

    pattern: str | None = Field(None, description="regular expression that all of it must fit")
    one_of: tuple[str, ...] = Field((), description="the values that there are")
    least: int | None = Field(None, description="of a whole number")
    most: int | None = Field(None, description="of a whole number")
    default: str | int | None = Field(None, description="where none is given; without one it is required")
    may_begin_with_dash: bool = Field(False, description="a program may then take it for an option")

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, pattern: str | None) -> str | None:
        try:
            re.compile(pattern or "")
        except re.error as error:
            raise ValueError(f"is no regular expression: {error}") from error
        return pattern

    @model_validator(mode="after")
    def _has_one_type(self) -> Self:
        number = self.least is not None or self.most is not None
        if (self.pattern is not None) + bool(self.one_of) + number != 1:
            raise ValueError("must say one of: pattern; one_of; least and most")
        if number and (self.least is None or self.most is None or self.least > self.most):
            raise ValueError("a whole number needs least and most, and least is not over most")
        if self.default is not None and (wrong := self.complaint(str(self.default))):
            raise ValueError(f"its default {wrong}")
        return self

    def complaint(self, value: str) -> str:
        """What is wrong with the value, without repeating it; empty where nothing is."""
        if len(value) > MOST_LENGTH or not value.isprintable():
            return f"is over {MOST_LENGTH} characters, or holds what cannot be printed"
        if self.pattern is not None:
            return "" if re.fullmatch(self.pattern, value) else f"does not fit {self.pattern}"
        if self.one_of:
            return "" if value in self.one_of else f"is none of {', '.join(self.one_of)}"
        assert self.least is not None  # nothing else is left
        assert self.most is not None
        fits = _WHOLE.fullmatch(value) and self.least <= int(value) <= self.most
        return "" if fits else f"is no whole number from {self.least} to {self.most}"


Arguments = Mapping[str, Argument]


def troubles(arguments: Arguments, given: Mapping[str, str]) -> Iterator[str]:
    for name in sorted(given.keys() - arguments.keys()):
        allowed = ", ".join(sorted(arguments)) or "none"
        yield f"there is no argument {name[:40]!r}; allowed: {allowed}"
    for name, argument in arguments.items():
        if name in given:
            wrong = argument.complaint(given[name])
            yield from [f"{name} {wrong}"] * bool(wrong)
        elif argument.default is None:
            yield f"{name} is missing"


def values_of(arguments: Arguments, given: Mapping[str, str]) -> dict[str, str]:
    """With the defaults; `given` is sound."""
    defaults = {name: str(one.default) for name, one in arguments.items() if one.default is not None}
    return {**defaults, **given}


# -- templates


def faults(text: str, arguments: Iterable[str]) -> Iterator[str]:
    """What is wrong with a template, whatever it is filled with."""
    known = {*arguments, *OWN_WORDS}
    for place in _PLACE.finditer(text):
        if place[0] in ("{", "}"):
            yield f"{text!r}: a single {place[0]} opens or closes nothing; write {place[0] * 2}"
        elif place[1] is not None and place[1] not in known:
            yield f"{text!r}: {place[0]} is no argument; there are: {', '.join(sorted(known))}"


def fill(text: str, values: Mapping[str, str], form: Callable[[str], str] = str) -> str:
    """`form` makes of each value what may stand there."""

    def put(place: re.Match[str]) -> str:
        return form(values[place[1]]) if place[1] is not None else place[0][0]

    return _PLACE.sub(put, text)


def begins_with_value(text: str) -> str:
    """The name of the argument that a template begins with; empty where it begins with its own text."""
    place = _PLACE.match(text)
    return place[1] if place is not None and place[1] is not None else ""


def words_of(templates: Iterable[str], arguments: Arguments, values: Mapping[str, str]) -> list[str] | str:
    """A command's words; or why there are none: a value would be taken for an option."""
    words = []
    for template in templates:
        word, name = fill(template, values), begins_with_value(template)
        option = word.startswith("-") and not template.startswith("-")
        if option and not (name in arguments and arguments[name].may_begin_with_dash):
            return f"{name} would be taken for an option: it begins with a dash"
        words.append(word)
    return words
