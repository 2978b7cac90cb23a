"""A file that people write, YAML or JSON, as a model: what is wrong is told with its line."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from connectors.allowed import in_words
from connectors.yaml_lines import line_of
from schemas.errors import Misconfigured

Model = TypeVar("Model", bound=BaseModel)
Complaint = tuple[Sequence[str | int], str]
"""where in the file, by names and numbers, and what is wrong there"""
MOST_BYTES = 1024 * 1024
MOST_TOLD = 10


def read_bytes(path: Path, what: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Misconfigured(f"{what} {path} cannot be read: {error.strerror}") from error


def read_checked(path: Path, model: type[Model], what: str) -> Model:
    return parse_checked(read_bytes(path, what), model, str(path))


def parse_checked(
    content: bytes,
    model: type[Model],
    name: str,
    also: Callable[[Model], Iterable[Complaint]] = lambda _: (),
    context: Any = None,
) -> Model:
    """Raises Misconfigured: a line of text for each complaint, with file, line and what is allowed.

    `also` looks at what no single field shows, once each is right; `context` is what its validators ask.
    """
    if len(content) > MOST_BYTES:
        raise Misconfigured(f"{name}: over {MOST_BYTES} bytes")
    node, plain = _parsed(content, name)
    for line, twice in _repeated(node, set()):
        raise Misconfigured(f"{name}:{line}: {twice} stands twice")
    try:
        found = model.model_validate(plain, context=context)
    except ValidationError as error:
        raise Misconfigured(_told(name, node, _complaints(model, error))) from error
    if complaints := list(also(found)):
        raise Misconfigured(_told(name, node, complaints))
    return found


def _parsed(content: bytes, name: str) -> tuple[yaml.Node, object]:
    try:
        text = content.decode()
        # JSON is YAML, but for tabs, which it takes between its parts
        text = text.expandtabs(1) if text.lstrip()[:1] in ("{", "[") else text
        node = yaml.compose(text, yaml.SafeLoader)
        plain = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        raise Misconfigured(f"{name}{line}: neither YAML nor JSON: {_problem(error)}") from error
    except (ValueError, RecursionError) as error:  # not UTF-8; a date that is none; endless nesting
        raise Misconfigured(f"{name}: neither YAML nor JSON: {error}") from error
    if node is None:
        raise Misconfigured(f"{name}: empty")
    return node, plain


def _problem(error: yaml.YAMLError) -> str:
    return str(getattr(error, "problem", None) or error)


def _repeated(node: yaml.Node, looked: set[int]) -> Iterator[tuple[int, str]]:
    """YAML takes the last of two values of one name in silence; a person meant one of them."""
    if id(node) in looked:  # an alias, which may stand within itself
        return
    looked.add(id(node))
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                yield key.start_mark.line + 1, str(key.value)
            seen.add(str(key.value))
            yield from _repeated(value, looked)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _repeated(item, looked)


def _complaints(model: type[BaseModel], error: ValidationError) -> list[Complaint]:
    found = error.errors(include_url=False, include_context=False, include_input=False)
    return [(complaint["loc"], in_words(model, dict(complaint))) for complaint in found]


def _told(name: str, node: yaml.Node, complaints: Sequence[Complaint]) -> str:
    lines = []
    for place, message in complaints[:MOST_TOLD]:
        where = ".".join(str(part) for part in place if part != "[key]")
        lines.append(f"{name}:{line_of(node, place)}: {where + ': ' if where else ''}{message}")
    if len(complaints) > MOST_TOLD:
        lines.append(f"{name}: and {len(complaints) - MOST_TOLD} more")
    return "\n".join(lines)
