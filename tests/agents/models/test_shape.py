"""The JSON schema that services are asked to keep to."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from agents.models.model import Reply
from agents.models.shape import is_closed, schema_of


class Inner(BaseModel):
    name: str = Field("", max_length=5, pattern="^a")
    kind: Literal["a"] = "a"


class Outer(Reply):
    text: str = Field(description="what it is")
    number: float = Field(0.5, ge=0, le=1)
    one: Inner = Inner()
    many: tuple[Inner, ...] = ()
    perhaps: int | None = None


class Free(Reply):
    words: dict[str, str]


def _keys(part: Any) -> set[str]:
    if isinstance(part, list):
        return set().union(*map(_keys, part))
    if not isinstance(part, dict):
        return set()
    inner = set().union(*map(_keys, part.values())) if part else set()
    return set(part) | inner


def test_only_what_all_services_take_is_kept() -> None:
    schema = schema_of(Outer)

    assert not _keys(schema) & {"default", "minimum", "maximum", "maxLength", "pattern", "const", "title"}
    assert schema["properties"]["text"] == {"type": "string", "description": "what it is"}
    assert schema["$defs"]["Inner"]["properties"]["kind"]["enum"] == ["a"]


def test_every_object_is_closed_and_every_field_required() -> None:
    schema = schema_of(Outer)

    assert schema["required"] == ["text", "number", "one", "many", "perhaps"]
    assert schema["additionalProperties"] is False
    assert schema["$defs"]["Inner"]["required"] == ["name", "kind"]
    assert is_closed(schema)


def test_free_keys_are_seen() -> None:
    assert not is_closed(schema_of(Free))
