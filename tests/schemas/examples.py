"""Any valid event of any class, for hypothesis; and one plain event to take apart."""

from __future__ import annotations

import types
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Le, MaxLen, MinLen
from hypothesis import strategies as st
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from schemas.catalog import event_classes
from schemas.envelope import Event
from schemas.incident import IncidentMoved, IncidentStatus, Move
from schemas.operations import PROPOSED, SHAPES, Operation, Parameters, Step, Target
from schemas.signer import Fact
from schemas.switch import STATES, SwitchKind, SwitchSetting, setting

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
    if model is Step:
        return _steps()
    if model is SwitchSetting:
        return _switches()
    if issubclass(model, Fact):
        return _facts(model)
    return st.builds(model, **{name: _field(info) for name, info in model.model_fields.items()})


@st.composite
def _facts(draw: st.DrawFn, model: type[Fact]) -> Fact:
    """The subject is made from the others."""
    fields = {name: info for name, info in model.model_fields.items() if name != "subject"}
    return model.of(**{name: draw(_field(info)) for name, info in fields.items()})


@st.composite
def _switches(draw: st.DrawFn) -> SwitchSetting:
    """Subject, name and state go with the kind."""
    kind = draw(st.sampled_from(SwitchKind))
    names = st.sampled_from(PROPOSED) if kind == SwitchKind.OPERATION else st.text(min_size=1, max_size=5)
    return setting(kind, str(draw(names)), draw(st.sampled_from(STATES[kind])), draw(st.text(max_size=20)))


@st.composite
def _steps(draw: st.DrawFn) -> Step:
    """Only what fits its operation's shape is one."""
    operation = draw(st.sampled_from(Operation))
    shape = SHAPES[operation]
    target, drawn = draw(any_of(Target)), draw(any_of(Parameters).filter(lambda told: told.name is not None))
    if shape.kinds:
        kind, name = draw(st.sampled_from(shape.kinds)), draw(st.text(min_size=1, max_size=5))
        target = target.model_copy(update={"kind": kind, "name": name})
    taken = {**dict(drawn), "replicas": 3, "size": "20Gi"}
    given = {name: taken[name] for name in (*shape.required, *shape.optional)}
    return Step(operation=operation, target=target, parameters=Parameters(**given))


def _field(info: FieldInfo) -> st.SearchStrategy[Any]:
    """Within the field's own bounds, where it has any."""
    bounds = {type(bound): bound for bound in info.metadata}
    low, high = getattr(bounds.get(Ge), "ge", None), getattr(bounds.get(Le), "le", None)
    pattern = next((bound.pattern for bound in info.metadata if getattr(bound, "pattern", None)), None)
    if pattern is not None:
        values: st.SearchStrategy[Any] = st.from_regex(pattern, fullmatch=True, alphabet="0123456789MGTi")
    elif low is not None and info.annotation is float:
        values = st.floats(low, high, allow_nan=False, allow_infinity=False)
    elif low is not None:
        values = st.integers(low, 2**63 - 1 if high is None else high)
    elif MaxLen in bounds or MinLen in bounds:
        values = st.text(min_size=1, max_size=20)
    else:
        return _values(info.annotation)
    return values | st.none() if type(None) in get_args(info.annotation) else values


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
