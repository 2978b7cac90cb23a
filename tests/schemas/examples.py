"""Any valid event of any class, for hypothesis; and one plain event to take apart."""

from __future__ import annotations

import types
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from hypothesis import strategies as st
from pydantic import BaseModel

from schemas.catalog import event_classes
from schemas.envelope import Event
from schemas.incident import IncidentMoved, IncidentStatus, Move

CLASSES = [event_classes()[name] for name in sorted(event_classes())]
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)

_SIMPLE: dict[Any, st.SearchStrategy[Any]] = {
    str: st.text(max_size=20),
    bytes: st.binary(max_size=20),
    bool: st.booleans(),
    int: st.integers(-(2**63), 2**63 - 1),
    float: st.floats(allow_nan=False, allow_infinity=False),
    type(None): st.none(),
}
_MOMENTS = st.datetimes(timezones=st.just(UTC))


def name_of(event: type[Event]) -> str:
    return event.type_name()


def any_of(model: type[BaseModel]) -> st.SearchStrategy[Any]:
    """Every field given, so that no default hides what is lost on the way."""
    fields = {name: _values(field.annotation) for name, field in model.model_fields.items()}
    return st.builds(model, **fields)


def _values(annotation: Any) -> st.SearchStrategy[Any]:
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _values(args[0])
    if origin in (Union, types.UnionType):
        return st.one_of(*map(_values, args))
    if origin is Literal:
        return st.sampled_from(args)
    if origin is dict:
        return st.dictionaries(st.text(max_size=5), _values(args[1]), max_size=3)
    if origin is tuple:
        return st.lists(_values(args[0]), max_size=3).map(tuple)
    if annotation in _SIMPLE:
        return _SIMPLE[annotation]
    if issubclass(annotation, StrEnum):
        return st.sampled_from(annotation)
    if issubclass(annotation, BaseModel):
        return any_of(annotation)
    return _MOMENTS


def moved(**changes: Any) -> IncidentMoved:
    fields: dict[str, Any] = {
        "event_id": "6f1d2c3b-0000-5000-8000-000000000001",
        "project_id": "default",
        "incident_id": "INC-20260301-0A1B2C3D4E",
        "occurred_at": NOON,
        "recorded_at": NOON,
        "stage": "runs",
        "payload": Move(
            status=IncidentStatus.INVESTIGATING, previous=IncidentStatus.PENDING, reason="run_started"
        ),
    }
    return IncidentMoved(**{**fields, **changes})
