"""The Avro schema of an event class, read off its pydantic model.

`python -m schemas.avro_schema` writes the `.avsc` files; a test proves that they and the models agree.
"""

from __future__ import annotations

import json
import types
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal, TypeAlias, Union, get_args, get_origin

from pydantic import AwareDatetime, BaseModel
from pydantic.fields import FieldInfo

from schemas.catalog import event_classes
from schemas.envelope import Event

AVRO_DIR = Path(__file__).parent / "avro"
Schema: TypeAlias = Any  # a JSON value: Avro's own notation

_MOMENT = {"type": "long", "logicalType": "timestamp-millis"}
_PRIMITIVES: dict[Any, Schema] = {
    str: "string",
    bytes: "bytes",
    bool: "boolean",
    int: "long",
    float: "double",
    datetime: _MOMENT,
    AwareDatetime: _MOMENT,
}


def avro_schema(event: type[Event]) -> Schema:
    """A record for the envelope with the payload's record inside it."""
    schema = _record(event, event.record_name(), seen=set())
    schema["doc"] = (event.__doc__ or "").strip()
    return schema


def path_of(event: type[Event], version: int | None = None) -> Path:
    return AVRO_DIR / f"{event.type_name()}.v{version or event.version}.avsc"


def render(event: type[Event]) -> str:
    return json.dumps(avro_schema(event), indent=2, ensure_ascii=False) + "\n"


def _record(model: type[BaseModel], name: str, seen: set[str]) -> Schema:
    if name in seen:
        return name
    seen.add(name)
    fields = [_field(field, info, seen) for field, info in model.model_fields.items()]
    return {"type": "record", "name": name, "fields": fields}


def _field(name: str, info: FieldInfo, seen: set[str]) -> Schema:
    field: dict[str, Any] = {"name": name, "type": _type(info.annotation, seen)}
    if info.description:
        field["doc"] = info.description
    if not info.is_required():
        field["default"] = _default(info)
    return field


def _default(info: FieldInfo) -> Any:
    value = info.get_default(call_default_factory=True)
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    return value.value if isinstance(value, StrEnum) else value


def _type(annotation: Any, seen: set[str]) -> Schema:
    origin, args = get_origin(annotation), get_args(annotation)
    if origin in (Union, types.UnionType):
        # null stands first, so that it can be the default
        return sorted((_type(arg, seen) for arg in args), key=lambda kind: kind != "null")
    if annotation is type(None):
        return "null"
    if origin is Literal:
        return "string"
    if origin is dict:
        return {"type": "map", "values": _type(args[1], seen)}
    if origin in (tuple, list):
        return {"type": "array", "items": _type(args[0], seen)}
    if origin is not None and hasattr(annotation, "__metadata__"):
        return _type(args[0], seen)
    return _named(annotation, seen)


def _named(annotation: Any, seen: set[str]) -> Schema:
    if isinstance(annotation, type):
        if annotation in _PRIMITIVES:
            return _PRIMITIVES[annotation]
        if issubclass(annotation, StrEnum):
            return "string"  # an Avro enum cannot grow; pydantic holds the allowed values
        if issubclass(annotation, BaseModel):
            return _record(annotation, f"awoooi.{annotation.__name__}", seen)
    raise TypeError(f"no Avro type for {annotation!r}")


def main() -> None:
    for event in event_classes().values():
        path_of(event).write_text(render(event))


if __name__ == "__main__":
    main()
