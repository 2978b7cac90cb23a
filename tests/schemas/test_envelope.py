"""Plain data: frozen, bounded, in UTC, and taken apart without loss."""

from __future__ import annotations

import inspect
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from annotated_types import Ge, Le, Lt
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from schemas.envelope import Event, Long, Moment, Plain, as_plain, from_millis, to_millis
from schemas.incident import IncidentOpened, Move
from tests.schemas.examples import CLASSES, any_of, moved

NAIVE = datetime.fromisoformat("2026-03-01T12:00:00")


def _all_models() -> list[type[BaseModel]]:
    models: list[type[BaseModel]] = [Plain]
    for model in models:
        models.extend(model.__subclasses__())
    return [model for model in models if model.__module__.startswith("schemas.")]


def _is_bounded(field: FieldInfo) -> bool:
    """From below and from above."""
    kinds = {type(bound) for bound in field.metadata}
    return Ge in kinds and bool(kinds & {Lt, Le})


@pytest.mark.parametrize("model", _all_models(), ids=lambda model: model.__name__)
def test_every_integer_fits_into_avro(model: type[BaseModel]) -> None:
    bare = [
        name
        for name, field in model.model_fields.items()
        if field.annotation is int and not _is_bounded(field)
    ]

    assert bare == [], "write `Long` instead of `int`"


@pytest.mark.parametrize("model", _all_models(), ids=lambda model: model.__name__)
def test_every_field_says_what_it_means(model: type[BaseModel]) -> None:
    fields = {**model.model_fields}
    if issubclass(model, Event):
        fields = {**fields, **Event.model_fields}  # an event class narrows `type` and `payload`, no more

    assert [name for name, field in fields.items() if not field.description] == []


@pytest.mark.parametrize("number", [-(2**63) - 1, 2**63])
def test_an_integer_beyond_64_bits_is_refused(number: int) -> None:
    class Counted(Plain):
        count: Long

    with pytest.raises(ValidationError):
        Counted(count=number)


def test_an_event_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        moved().stage = "other"  # type: ignore[misc]  # that is the test


def test_an_error_does_not_show_what_was_given() -> None:
    with pytest.raises(ValidationError) as caught:
        Move(status="ana@example.org", previous="PENDING", reason="")  # type: ignore[arg-type]  # that is the test

    assert "ana@example.org" not in str(caught.value)


class Told(Plain):
    at: Moment


@given(st.datetimes(timezones=st.timezones() | st.just(UTC)))
def test_a_moment_is_utc_in_milliseconds_or_refused(at: datetime) -> None:
    try:
        found = Told(at=at).at
    except ValidationError:
        assert at.year in (1, 9999)
        return
    assert found.tzinfo is UTC
    assert found.microsecond % 1000 == 0
    assert timedelta(0) <= at - found < timedelta(milliseconds=1)


@pytest.mark.parametrize(
    "at",
    [
        pytest.param(NAIVE, id="no zone"),
        pytest.param(datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14))), id="before the first year"),
        pytest.param(datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=-14))), id="after the last"),
    ],
)
def test_a_time_that_cannot_be_told_is_refused(at: datetime) -> None:
    with pytest.raises(ValidationError):
        Told(at=at)


@given(st.integers(-62_135_596_800_000, 253_402_300_799_999))
def test_milliseconds_come_back(millis: int) -> None:
    assert to_millis(from_millis(millis)) == millis
    assert Told.model_validate({"at": millis}).at == from_millis(millis), "a draft's times are numbers"


@given(any_of(IncidentOpened))
def test_plain_values_hold_no_models_and_make_the_same_event(event: Event) -> None:
    plain = as_plain(event)

    assert not _models_in(plain)
    assert type(event).read(plain) == event


def test_models_within_a_map_are_made_plain_too() -> None:
    class Many(Plain):
        moves: dict[str, Move]

    move = moved().payload

    assert as_plain(Many(moves={"a": move})) == {"moves": {"a": as_plain(move)}}


def _models_in(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_models_in, value.values()))
    if isinstance(value, list | tuple):
        return any(map(_models_in, value))
    return isinstance(value, BaseModel)


def test_events_carry_no_behaviour_of_their_own() -> None:
    """Plain data: what an event means is the business of the stages."""
    own = {
        name
        for event in CLASSES
        for name, member in vars(event).items()
        if inspect.isfunction(member) and not name.startswith("_")
    }

    assert own == set()
