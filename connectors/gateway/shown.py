"""What the reading API shows: the parts that all of its answers share."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Generic, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainSerializer, WithJsonSchema

from schemas.headers import iso

MOST_PAGES = 1_000_000
PAGE_SIZE, LARGEST_PAGE = 50, 200


def _in_utc(moment: datetime) -> datetime:
    """ClickHouse's client leaves it unsaid."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


Time = Annotated[
    datetime,
    AfterValidator(_in_utc),
    PlainSerializer(iso, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""ISO 8601 in UTC, with a Z"""
Plain = dict[str, Any]
"""an event's own payload, as the event's schema says"""


class Shown(BaseModel):
    """Frozen; made of the record, so nothing in it is believed: a page shows it as text."""

    model_config = ConfigDict(frozen=True, extra="forbid")


S = TypeVar("S", bound=Shown)


class Page(Shown, Generic[S]):
    items: tuple[S, ...]
    page: int = Field(description="from 1")
    page_size: int
    total: int = Field(description="of all pages")


class Listed(Shown, Generic[S]):
    """All there is, or the newest of it."""

    items: tuple[S, ...]


class Problem(Shown):
    """RFC 9457."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str = ""
