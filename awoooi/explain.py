"""Settings in words: what a field allows, and what is wrong with a value, never the value itself."""

from __future__ import annotations

import types
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import SecretStr
from pydantic.fields import FieldInfo

_SHORTEST_HIDDEN = 4


def plain_type(annotation: Any) -> Any:
    """Without `| None`."""
    if get_origin(annotation) in (Union, types.UnionType):
        inner = [part for part in get_args(annotation) if part is not type(None)]
        return inner[0] if len(inner) == 1 else annotation
    return annotation


def is_kind(annotation: Any, kind: type) -> bool:
    plain = plain_type(annotation)
    return isinstance(plain, type) and issubclass(plain, kind)


def is_secret(field: FieldInfo) -> bool:
    return is_kind(field.annotation, SecretStr)


def allowed(field: FieldInfo) -> str:
    """What may stand there, from the field's own type and bounds."""
    kind = plain_type(field.annotation)
    if get_origin(kind) is Literal:
        return ", ".join(str(choice) for choice in get_args(kind))
    if kind is bool:
        return "true, false"
    if kind in (int, float):
        return " ".join(("a whole number" if kind is int else "a number", *_bounds(field)))
    if is_kind(kind, SecretStr):
        return "a secret"
    if is_kind(kind, Path):
        return "a path"
    if get_origin(kind) is tuple:
        return "names, with commas between"
    if get_origin(kind) is dict:
        return "name=value, with commas between"
    pattern = _metadata(field).get("pattern")
    return f"text like {pattern}" if pattern else field.description or "text"


def _bounds(field: FieldInfo) -> list[str]:
    words = {"ge": "from", "gt": "above", "le": "to", "lt": "below"}
    found = _metadata(field)
    return [f"{word} {found[name]:g}" for name, word in words.items() if name in found]


def _metadata(field: FieldInfo) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for item in field.metadata:
        for name in ("ge", "gt", "le", "lt", "pattern"):
            value = getattr(item, name, None)
            if value is not None:
                found[name] = value
    return found


def problem_of(fault: Mapping[str, Any]) -> str:
    """The validator's sentence. A value that it repeats is taken out: it may be a misplaced secret."""
    said = str(fault["msg"]).removeprefix("Value error, ").replace("Input should be", "should be")
    value = fault.get("input")
    if isinstance(value, str) and len(value) >= _SHORTEST_HIDDEN:
        said = said.replace(repr(value), "this value").replace(value, "this value")
    return said
