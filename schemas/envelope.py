"""The event: frozen, immutable, in the past tense. One class a type, the payload typed by it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Annotated, Any, ClassVar, Self, get_args

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_milliseconds(moment: datetime) -> datetime:
    """UTC, and no finer than what Avro and ClickHouse keep."""
    try:
        utc = moment.astimezone(UTC)
    except OverflowError as error:  # 0001-01-01T00:00+10:00 is before the first year
        raise ValueError("outside the years 1 to 9999 in UTC") from error
    return utc.replace(microsecond=utc.microsecond // 1000 * 1000)


Place = tuple[int | str, ...]
"""where something stands in an event, from the outside in"""
Moment = Annotated[AwareDatetime, AfterValidator(to_milliseconds)]
Long = Annotated[int, Field(ge=-(2**63), lt=2**63)]
"""An integer that Avro can write: what JSON brings may be larger."""


def from_millis(millis: int) -> datetime:
    """Exact; OverflowError outside the years 1 to 9999."""
    return _EPOCH + timedelta(milliseconds=millis)


def to_millis(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def in_utc(moment: datetime) -> str:
    """To the second, for people to read."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


class Plain(BaseModel):
    """Frozen plain data; an unknown field is refused.

    Bytes are base64 in JSON, since ciphertext is no text. Errors never show the value: it may be personal.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        ser_json_bytes="base64",
        val_json_bytes="base64",
        val_temporal_unit="milliseconds",  # as in Avro; guessing by size takes early times for seconds
        hide_input_in_errors=True,
    )


class Event(Plain):
    """The envelope. Subclasses narrow `type` to one literal and `payload` to one model."""

    schema_version: Long = Field(1, description="version of the payload's schema")
    event_id: str = Field(description="derived from the cause; the first event with an id wins")
    type: str = Field(description="what happened")
    project_id: str = Field(description="the tenant")
    incident_id: str = Field("", description="the incident, empty where none")
    run_id: str = Field("", description="the run, empty where none")
    occurred_at: Moment = Field(description="when it happened at the source")
    recorded_at: Moment = Field(description="when we wrote it")
    stage: str = Field(description="which stage wrote it")
    actor: str = Field("", description="the person, where a person acted")
    causes: tuple[str, ...] = Field((), description="ids of the events it follows from")
    sealed: bytes | None = Field(None, description="ciphertext of the real values behind the labels")
    payload: Any = Field(description="typed by `type`")

    version: ClassVar[int] = 1
    id_over: ClassVar[str] = ""
    """what `event_id` is derived from, in words"""

    @classmethod
    def type_name(cls) -> str:
        return str(get_args(cls.model_fields["type"].annotation)[0])

    @classmethod
    def record_name(cls) -> str:
        """The Avro record's full name, which is also its subject in a schema registry."""
        return "awoooi." + "".join(
            part.capitalize() for word in cls.type_name().split(".") for part in word.split("_")
        )

    @classmethod
    def read(cls, plain: dict[str, Any]) -> Self:
        return cls.model_validate(plain)

    @classmethod
    def without_numbers(cls, _: dict[str, Any], __: Sequence[Place], /) -> dict[str, Any] | None:
        """What is left of it, and says so, where all that is wrong are numbers that are none.

        None, and a dead letter, unless somebody waits for the event and must hear of it all the same.
        """
        return None


def as_plain(value: BaseModel) -> dict[str, Any]:
    """The model as nested dicts, without a copy of what is plain already."""
    plain = dict(value.__dict__)
    for name in _nested(type(value)):
        plain[name] = _plain(plain[name])
    return plain


@cache
def _nested(model: type[BaseModel]) -> tuple[str, ...]:
    """The fields that may hold models: the others are plain, and most of them are."""
    return tuple(name for name, field in model.model_fields.items() if _holds_models(field.annotation))


def _holds_models(annotation: Any) -> bool:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return True
    return annotation is Any or any(_holds_models(part) for part in get_args(annotation))


def _plain(item: Any) -> Any:
    if isinstance(item, BaseModel):
        return as_plain(item)
    if isinstance(item, tuple | list):
        return [_plain(part) for part in item]
    if isinstance(item, dict):
        return {name: _plain(part) for name, part in item.items()}
    return item
