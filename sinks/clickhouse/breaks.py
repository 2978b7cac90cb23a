"""What an audit can find, in plain words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from sinks.clickhouse.chain import NO_ID, ChainPlace


class Kind(StrEnum):
    CHANGED = "row changed"
    DELETED = "row deleted"
    ADDED = "row added"
    MOVED = "order changed"
    CUT = "tail cut"
    REWRITTEN = "log rewritten"


@dataclass(frozen=True, slots=True, order=True)
class Break:
    """Ordered by place and offset, so that the first one is the lowest."""

    place: ChainPlace
    offset: int
    kind: Kind
    event_id: str
    detail: str

    def __str__(self) -> str:
        event = f", event {self.event_id}" if self.event_id not in ("", NO_ID) else ""
        return f"{self.kind}: {self.place} offset {self.offset}{event}: {self.detail}"


@dataclass(frozen=True, slots=True)
class Scope:
    """What is looked at; empty where nothing is left out."""

    since: datetime | None = None
    until: datetime | None = None
    topic: str = ""
    project: str = ""


@dataclass(slots=True)
class Report:
    """`breaks` are in order. What `unproven` says could not be checked: neither proof nor break."""

    events: int = 0
    links: int = 0
    partitions: int = 0
    pins: int = 0
    unpinned: int = 0
    first_at: datetime | None = None
    last_at: datetime | None = None
    adopted: int = 0
    aside: int = 0
    breaks: Sequence[Break] = ()
    unproven: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
