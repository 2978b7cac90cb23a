"""A reply class as the JSON schema that a service is asked to keep to.

Services take different parts of JSON Schema: what all of them take is kept, the rest is checked afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import orjson

from agents.models.model import Reply

KEPT = {"type", "description", "enum", "items", "anyOf", "$ref", "properties", "additionalProperties"}


@cache
def schema_of(reply: type[Reply]) -> dict[str, Any]:
    """Every object closed, every field required: the model has to say something of each."""
    whole = reply.model_json_schema()
    definitions = {name: _plain(part) for name, part in whole.get("$defs", {}).items()}
    schema: dict[str, Any] = _plain(whole)
    return {**schema, "$defs": definitions} if definitions else schema


def is_closed(schema: Any) -> bool:
    """Whether no object in it takes free keys: some services take only such schemas."""
    if isinstance(schema, list):
        return all(is_closed(part) for part in schema)
    if not isinstance(schema, Mapping):
        return True
    is_free = schema.get("type") == "object" and schema.get("additionalProperties") is not False
    return not is_free and all(is_closed(part) for part in schema.values())


def in_words(schema: Mapping[str, Any]) -> str:
    return (
        "Answer with one JSON object and nothing else. It keeps to this JSON schema:\n"
        + orjson.dumps(schema).decode()
    )


def _plain(part: Mapping[str, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = {name: value for name, value in part.items() if name in KEPT}
    if "const" in part:
        kept["enum"] = [part["const"]]
    if "anyOf" in kept:
        kept["anyOf"] = [_plain(one) for one in kept["anyOf"]]
    if isinstance(kept.get("items"), Mapping):
        kept["items"] = _plain(kept["items"])
    if "properties" in kept:
        kept["properties"] = {name: _plain(field) for name, field in kept["properties"].items()}
        kept["required"] = list(kept["properties"])
        kept["additionalProperties"] = False
    elif isinstance(kept.get("additionalProperties"), Mapping):
        kept["additionalProperties"] = _plain(kept["additionalProperties"])
    return kept
