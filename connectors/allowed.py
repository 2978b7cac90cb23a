"""What pydantic complains of, in words that say what is allowed."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any, get_args, get_origin

from pydantic import BaseModel


def in_words(model: type[BaseModel], complaint: Mapping[str, Any]) -> str:
    """`complaint` is one of `ValidationError.errors()`, about this model."""
    message = str(complaint["msg"]).removeprefix("Value error, ")
    *around, last = complaint["loc"] or ("",)
    if complaint["type"] == "extra_forbidden":
        fields = list(_fields(_inside(model, around)))
        meant = difflib.get_close_matches(str(last), fields, 1)
        hint = f" (did you mean {meant[0]}?)" if meant else ""
        return f"no such field{hint}; allowed: {', '.join(fields)}"
    if complaint["type"] == "missing":
        words = _words(_inside(model, complaint["loc"]))
        return "it is missing" + (f"; allowed: {', '.join(words)}" if words else "")
    return message


def _inside(annotation: Any, place: Sequence[str | int]) -> Any:
    """What stands at a place, as the annotations say."""
    for part in place:
        annotation = _within(_bare(annotation), part)
    return _bare(annotation)


def _within(annotation: Any, part: str | int) -> Any:
    if part in _fields(annotation):
        return _fields(annotation)[str(part)].annotation
    if get_origin(annotation) is dict:
        return get_args(annotation)[1]
    return get_args(annotation)[0] if get_origin(annotation) in (tuple, list) else None


def _bare(annotation: Any) -> Any:
    """`X | None` and `Annotated[X, …]` are X."""
    args = [one for one in get_args(annotation) if one is not type(None)]
    if hasattr(annotation, "__metadata__") or (args and type(None) in get_args(annotation)):
        return _bare(args[0])
    return annotation


def _fields(annotation: Any) -> Mapping[str, Any]:
    known = isinstance(annotation, type) and issubclass(annotation, BaseModel)
    return annotation.model_fields if known else {}


def _words(annotation: Any) -> list[str]:
    closed = isinstance(annotation, type) and issubclass(annotation, Enum)
    return [str(one.value) for one in annotation] if closed else []
