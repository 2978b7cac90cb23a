"""A model's text into a checked reply. Nothing of it is trusted, and nothing is guessed.

Looked for, in this order: the whole text, the fenced blocks, the outermost braces. Where several objects fit
that say different things, none is taken: one may be quoted from the alert.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, TypeVar

import orjson
from pydantic import ValidationError

from agents.models.model import R, Reply
from agents.models.shape import in_words, schema_of
from schemas.errors import AwoooiError

MOST_OBJECTS, MOST_UNCLOSED = 64, 8
SHOWN_FAULTS = 8
THOUGHTS = re.compile(r"\A\s*<think(?:ing)?>.*?</think(?:ing)?>", re.DOTALL)
FENCE = "```"
STRUCTURE = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\Z)|[{}]', re.DOTALL)
"""A string as a whole, or a brace outside of strings."""
T = TypeVar("T")


class Unfit(AwoooiError):
    """No answer to this question; the message says why, for the model to mend it."""


def read(text: str, reply: type[R]) -> R:
    """The one reply in the text. Raises Unfit."""
    faults: list[str] = []
    body = THOUGHTS.sub("", text.lstrip("\ufeff"))
    for found in (_whole(body), _fenced(body), _braces(body)):
        fits = _distinct(_fitting(islice(found, MOST_OBJECTS), reply, faults))
        if len(fits) > 1:
            raise Unfit("it holds several JSON objects that fit, and they differ: give one")
        if fits:
            return fits[0]
    raise Unfit(faults[0] if faults else "it holds no JSON object")


def complaint(error: Unfit, reply: type[Reply]) -> str:
    """What the model is told, once."""
    return f"Your answer cannot be used: {error}.\n{in_words(schema_of(reply))}"


def _fitting(objects: Iterable[dict[str, Any]], reply: type[R], faults: list[str]) -> Iterator[R]:
    for content in objects:
        try:
            yield _checked(content, reply)
        except Unfit as unfit:
            faults.append(str(unfit))


def _checked(content: dict[str, Any], reply: type[R]) -> R:
    try:
        classic = reply.from_classic(content)
        return reply.model_validate(content if classic is None else classic)
    except ValidationError as error:
        raise Unfit(_in_words(error)) from error
    except ValueError as error:
        raise Unfit(str(error)) from error
    except (LookupError, TypeError, AttributeError) as error:  # a hook met what it did not expect
        raise Unfit("it holds something of another kind than was asked for") from error


def _in_words(error: ValidationError) -> str:
    """Where and what is wrong; never the value."""
    faults = error.errors(include_url=False, include_input=False, include_context=False)
    told = [f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}" for fault in faults]
    more = f"; and {len(told) - SHOWN_FAULTS} more" if len(told) > SHOWN_FAULTS else ""
    return "; ".join(told[:SHOWN_FAULTS]) + more


def _distinct(found: Iterator[T]) -> list[T]:
    """The first, and the first that differs from it."""
    kept: list[T] = []
    for one in found:
        if one not in kept:
            kept.append(one)
        if len(kept) > 1:
            break
    return kept


# -- where an object may stand


def _whole(text: str) -> Iterator[dict[str, Any]]:
    yield from _object(text)


def _fenced(text: str) -> Iterator[dict[str, Any]]:
    block: list[str] | None = None
    for line in text.split("\n"):
        if not line.lstrip().startswith(FENCE):
            if block is not None:
                block.append(line)
        elif block is None:
            block = []
        else:
            yield from _object("\n".join(block))
            block = None


def _braces(text: str) -> Iterator[dict[str, Any]]:
    """Outermost objects only: what lies within another one is not an answer."""
    at, unclosed = text.find("{"), 0
    while at >= 0 and unclosed < MOST_UNCLOSED:
        end = _closing(text, at)
        if end is None:
            unclosed += 1
        else:
            yield from _object(text[at:end])
        at = text.find("{", at + 1 if end is None else end)


def _closing(text: str, start: int) -> int | None:
    """Behind the brace that closes the one at `start`: strings, their escapes and nesting respected."""
    depth = 0
    for found in STRUCTURE.finditer(text, start):
        if found[0] == "{":
            depth += 1
        elif found[0] == "}":
            depth -= 1
            if depth == 0:
                return found.end()
    return None


def _object(text: str) -> Iterator[dict[str, Any]]:
    try:
        content = orjson.loads(text.strip())
    except (orjson.JSONDecodeError, UnicodeEncodeError):
        return
    if isinstance(content, dict):
        yield content
