"""JMESPath expressions of a mapping: checked and compiled once, bounded in what a payload makes them cost."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Annotated, Any

import jmespath
from jmespath.exceptions import EmptyExpressionError, JMESPathError, LexerError, ParseError
from jmespath.functions import Functions
from jmespath.visitor import TreeInterpreter
from pydantic import PlainValidator

from schemas.errors import BadPayload

LONGEST = 500  # characters of one expression
MOST_STEPS = 1_000_000
"""of all expressions over one record; about a second"""
_FUNCTIONS: Mapping[str, Mapping[str, Any]] = Functions.FUNCTION_TABLE
_Node = Any  # of the library


class TooManySteps(Exception):
    """A payload makes the expressions work too long."""


class Look(TreeInterpreter):
    """Follows expressions through one record, so many steps and no more."""

    def __init__(self, steps: int = MOST_STEPS) -> None:
        super().__init__()
        self._left = steps
        self._ways: dict[str, Callable[..., Any]] = {}

    def visit(self, node: Any, *args: Any, **kwargs: Any) -> Any:
        self._left -= 1
        if self._left < 0:
            raise TooManySteps
        way = self._ways.get(node["type"])
        if way is None:
            way = self._ways[node["type"]] = getattr(self, f"visit_{node['type']}", self.default_visit)
        return way(node, *args, **kwargs)


class Expression:
    """Raises ValueError where the text is none."""

    __slots__ = ("_path", "_tree", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self._tree = _parsed(text)
        self._path = _plain_path(self._tree)

    def of(self, value: Any, look: Look) -> Any:
        """What it finds in a value, None where nothing; raises BadPayload where that cannot be told."""
        if self._path is not None:
            return _along(self._path, value)
        try:
            return look.visit(self._tree, value)
        except TooManySteps:
            raise BadPayload(f"too large for `{self.text}`: more than {MOST_STEPS} steps") from None
        except Exception as error:  # noqa: BLE001  the library's functions raise what the value makes of them
            raise BadPayload(f"does not fit `{self.text}`: {_why(error)}") from None

    def __repr__(self) -> str:
        return f"Expression({self.text!r})"


def _expression(value: object) -> Expression:
    if not isinstance(value, str):
        said = "must be a JMESPath expression; in quotes where YAML reads something else"
        raise ValueError(said)  # noqa: TRY004  pydantic takes ValueError for a complaint
    return Expression(value)


Expr = Annotated[Expression, PlainValidator(_expression)]


def _parsed(text: str) -> _Node:
    if len(text) > LONGEST:
        raise ValueError(f"an expression of over {LONGEST} characters")
    try:
        tree = jmespath.compile(text).parsed
    except EmptyExpressionError:
        raise ValueError("an empty expression") from None
    except ParseError as error:
        raise ValueError(f"no JMESPath: {_misread(error)}, at character {error.lex_position + 1}") from None
    except (JMESPathError, RecursionError) as error:
        raise ValueError(f"no JMESPath: {type(error).__name__}") from None
    for name, given in _calls(tree):
        _check_call(name, given)
    return tree


def _misread(error: ParseError) -> str:
    """Its own words without the column and the drawing."""
    if isinstance(error, LexerError):
        return str(error.message)
    return "it ends too early" if error.token_value is None else f"{error.token_value!r} cannot stand there"


def _calls(node: _Node) -> Iterator[tuple[str, int]]:
    if node["type"] == "function_expression":
        yield node["value"], len(node["children"])
    for child in node["children"]:
        if isinstance(child, dict):  # the parts of a slice are numbers
            yield from _calls(child)


def _check_call(name: str, given: int) -> None:
    """What the library would only tell when a payload comes."""
    if name not in _FUNCTIONS:
        raise ValueError(f"no such function: {name}(); there are: {', '.join(sorted(_FUNCTIONS))}")
    arguments: Sequence[Mapping[str, Any]] = _FUNCTIONS[name]["signature"]
    takes_more = bool(arguments and arguments[-1].get("variadic"))
    if given < len(arguments) or (given > len(arguments) and not takes_more):
        least = "at least " if takes_more else ""
        raise ValueError(f"{name}() takes {least}{len(arguments)} values, not {given}")


def _plain_path(node: _Node) -> tuple[str | int, ...] | None:
    """`a.b[0].c`, as most expressions are, needs no interpreter."""
    if node["type"] in ("field", "index"):
        return (node["value"],)
    if node["type"] == "identity":
        return ()
    if node["type"] not in ("subexpression", "index_expression"):
        return None
    path: tuple[str | int, ...] = ()
    for child in node["children"]:
        inner = _plain_path(child)
        if inner is None:
            return None
        path += inner
    return path


def _along(path: Sequence[str | int], value: Any) -> Any:
    for name in path:
        if name.__class__ is str:
            if value.__class__ is not dict:
                return None
            value = value.get(name)
        elif value.__class__ is list and isinstance(name, int) and -len(value) <= name < len(value):
            value = value[name]
        else:
            return None
    return value


def _why(error: Exception) -> str:
    """Names no value: it may be huge, or secret."""
    name, kind = getattr(error, "function_name", None), getattr(error, "actual_type", None)
    return f"{name}() takes no {kind}" if name and kind else type(error).__name__
