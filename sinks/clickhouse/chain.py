"""The hash chain of each partition: pure, and quick, since every event passes here.

**A link** is SHA-256, in hex, over one line of text: the link before it, its number in the chain, the
offset, recorded_at in milliseconds, the kind, the event's id, its hash and its project, with a space between
each two. The first link of a partition follows its `genesis`. So links are a function of the log alone:
whoever stores a batch again writes the same ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import NamedTuple

from sinks.clickhouse.rows import EventRow, SetAside

EVENT, ASIDE, ADOPTED = "event", "aside", "adopted"
NO_ID = "00000000-0000-0000-0000-000000000000"


class ChainPlace(NamedTuple):
    """One partition in one life of the log: it has a chain of its own."""

    log_epoch: str
    topic: str
    partition: int

    def __str__(self) -> str:
        life = f", epoch {self.log_epoch}" if self.log_epoch else ""
        return f"{self.topic} partition {self.partition}{life}"


class Tip(NamedTuple):
    """Where a chain ends."""

    offset: int
    number: int
    link: str


class Link(NamedTuple):
    """One row of `audit_chain`."""

    log_epoch: str
    topic: str
    kafka_partition: int
    kafka_offset: int
    number: int
    kind: str
    project_id: str
    event_id: str
    recorded_at: int
    hash: str
    link: str

    @property
    def place(self) -> ChainPlace:
        return ChainPlace(self.log_epoch, self.topic, self.kafka_partition)


class Entry(NamedTuple):
    """What gets a link."""

    log_epoch: str
    topic: str
    kafka_partition: int
    kafka_offset: int
    kind: str
    project_id: str
    event_id: str
    recorded_at: int
    hash: str


def genesis(place: ChainPlace) -> str:
    """What the first link of a chain follows."""
    return sha256(
        f"awoooi audit chain {place.log_epoch} {place.topic} {place.partition}".encode()
    ).hexdigest()


def start_of(place: ChainPlace) -> Tip:
    return Tip(-1, 0, genesis(place))


def link_over(before: str, told: str) -> str:
    """`told`: number, offset, recorded_at, kind, event id, hash and project, as said above."""
    return sha256(f"{before} {told}".encode()).hexdigest()


def entries_of(rows: Sequence[EventRow], aside: Sequence[SetAside]) -> list[Entry]:
    """Each place's in the order of the log. What ClickHouse refused is among both: it was set aside."""
    refused = {item[:4] for item in aside}
    entries = [
        Entry(
            row.log_epoch,
            row.topic,
            row.kafka_partition,
            row.kafka_offset,
            EVENT,
            row.project_id,
            row.event_id,
            row.recorded_at,
            row.hash,
        )
        for row in rows
        if not refused or (row.log_epoch, row.topic, row.kafka_partition, row.kafka_offset) not in refused
    ]
    if aside:
        entries += map(_aside, aside)
        entries.sort(key=lambda entry: entry[:4])
    return entries


def _aside(item: SetAside) -> Entry:
    place = (item.log_epoch, item.topic, item.kafka_partition, item.kafka_offset)
    return Entry(*place, ASIDE, item.project_id, item.event_id or NO_ID, item.recorded_at, item.sha256)


def extend(
    tips: Mapping[ChainPlace, Tip], entries: Iterable[Entry]
) -> tuple[list[Link], dict[ChainPlace, Tip]]:
    """The links of what lies beyond the tips, and where the chains end with them.

    What has a link already gets no other.
    """
    links: list[Link] = []
    moved: dict[ChainPlace, Tip] = {}
    place: ChainPlace | None = None
    last, number, link = -1, 0, ""
    for entry in entries:
        epoch, topic, partition, offset, kind, project, event_id, recorded_at, digest = entry
        if place is None or (epoch, topic, partition) != place:
            if place is not None:
                moved[place] = Tip(last, number, link)
            place = ChainPlace(epoch, topic, partition)
            last, number, link = moved.get(place) or tips.get(place) or start_of(place)
        if offset <= last:
            continue
        last, number = offset, number + 1
        told = f"{link} {number} {offset} {recorded_at} {kind} {event_id} {digest} {project}"
        link = sha256(told.encode()).hexdigest()
        links.append(
            Link(epoch, topic, partition, offset, number, kind, project, event_id, recorded_at, digest, link)
        )
    if place is not None:
        moved[place] = Tip(last, number, link)
    return links, moved
