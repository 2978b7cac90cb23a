"""Each link follows from the one before it, and the pinned heads are among them.

Links are read in order, some hundred thousand at a time, and computed here: what the database says of them is
not believed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import combinations
from typing import Any, NamedTuple

from schemas.audit import Head
from schemas.envelope import in_utc
from sinks.clickhouse import audit_sql as sql
from sinks.clickhouse.breaks import Break, Kind
from sinks.clickhouse.chain import ADOPTED, ASIDE, ChainPlace, genesis, link_over
from sinks.clickhouse.client import Client

AT_ONCE = 200_000
MOST_BREAKS = 1000
MOST_COMPARED = 40
"""faulty links of one chain that are tried in each other's place"""


class Stretch(NamedTuple):
    """A chain, from one offset to another, of so many links."""

    place: ChainPlace
    first: int
    last: int
    links: int


class Piece(NamedTuple):
    """What one question asks for: several short stretches, or a part of a long one."""

    begin: ChainPlace
    end: ChainPlace
    first: int
    last: int


class Row(NamedTuple):
    offset: int
    number: int
    link: str
    kind: str
    event_id: str
    told: str


@dataclass(slots=True)
class Found:
    breaks: list[Break] = field(default_factory=list)
    links: int = 0
    adopted: int = 0
    aside: int = 0
    ends: dict[ChainPlace, Row] = field(default_factory=dict)


async def check_links(
    client: Client, stretches: Sequence[Stretch], heads: Mapping[ChainPlace, Sequence[Head]]
) -> Found:
    """`heads` are genuine and bind; of each place in the order of their offsets."""
    found, walk = Found(), None
    known = {stretch.place: stretch for stretch in stretches}
    for piece in pieces_of(stretches):
        async for place, row in _rows(client, piece):
            stretch = known.get(place)
            if stretch is None or not stretch.first <= row.offset <= stretch.last:
                continue
            if walk is None or walk.place != place:
                if walk is not None:
                    walk.end()
                walk = _Walk(place, heads.get(place, ()), found)
            walk.take(row)
    if walk is not None:
        walk.end()
    return found


def pieces_of(stretches: Sequence[Stretch]) -> Iterable[Piece]:
    """In order, each of about as many links as are read at once."""
    together: list[Stretch] = []
    for stretch in stretches:
        if stretch.links > AT_ONCE:
            yield from _joined(together)
            together = []
            yield from _cut(stretch)
            continue
        if sum(one.links for one in together) + stretch.links > AT_ONCE:
            yield from _joined(together)
            together = []
        together.append(stretch)
    yield from _joined(together)


def _joined(stretches: Sequence[Stretch]) -> Iterable[Piece]:
    if stretches:
        first, last = min(one.first for one in stretches), max(one.last for one in stretches)
        yield Piece(stretches[0].place, stretches[-1].place, first, last)


def _cut(stretch: Stretch) -> Iterable[Piece]:
    """Offsets have few gaps, so equal parts of them are about as long."""
    parts = -(-stretch.links // AT_ONCE)
    width = -(-(stretch.last - stretch.first + 1) // parts)
    for first in range(stretch.first, stretch.last + 1, width):
        yield Piece(stretch.place, stretch.place, first, min(first + width - 1, stretch.last))


async def _rows(client: Client, piece: Piece) -> AsyncIterator[tuple[ChainPlace, Row]]:
    params: dict[str, Any] = {
        "epoch": piece.begin.log_epoch,
        "topic": piece.begin.topic,
        "partition": piece.begin.partition,
        "last_epoch": piece.end.log_epoch,
        "last_topic": piece.end.topic,
        "last_part": piece.end.partition,
        "first": piece.first,
        "last": piece.last,
    }
    columns = await client.ask_columns(sql.LINKS, params)
    if not columns:
        return
    at, place = ("", "", -1), ChainPlace("", "", -1)
    for epoch, topic, partition, offset, number, link, kind, event_id, told in zip(*columns, strict=True):
        if (epoch, topic, partition) != at:
            at, place = (epoch, topic, partition), ChainPlace(epoch, topic, partition)
        yield place, Row(offset, number, link, kind, event_id, told)


class _Walk:
    """Along one chain. A fault is told once: the walk goes on from the link that stands there."""

    def __init__(self, place: ChainPlace, heads: Sequence[Head], found: Found) -> None:
        self.place, self._found, self._heads = place, found, deque(heads)
        self._before: Row | None = None
        self._faulty: list[tuple[str, Row]] = []

    def take(self, row: Row) -> None:
        before = self._before
        if before is not None and row == before:
            return  # a batch that was stored twice, and not merged yet
        number, link = (0, genesis(self.place)) if before is None else (before.number, before.link)
        if before is not None and row.offset == before.offset:
            self._break(row, Kind.ADDED, "a second link of the same offset")
        elif row.number != number + 1:
            self._misnumbered(row, number)
        elif sha256(f"{link} {row.number} {row.offset} {row.told}".encode()).hexdigest() != row.link:
            self._faulty.append((link, row))
        self._follow(row)

    def end(self) -> None:
        self._tell_faulty()
        for head in self._heads:  # those that the chain does not reach
            last = self._before
            end = f"ends with number {last.number}, offset {last.offset}" if last else "is empty"
            pinned = f"number {head.number} was pinned at {in_utc(head.at)}"
            self._at(head.offset, "", Kind.CUT, f"the chain {end}, but {pinned}")
        if self._before is not None:
            self._found.ends[self.place] = self._before

    def _follow(self, row: Row) -> None:
        self._before = row
        found = self._found
        found.links += 1
        found.aside += row.kind == ASIDE
        found.adopted += row.kind == ADOPTED
        while self._heads and self._heads[0].offset <= row.offset:
            self._compare(self._heads.popleft(), row)

    def _compare(self, head: Head, row: Row) -> None:
        if head.offset != row.offset:
            detail = f"the link that was pinned at {in_utc(head.at)} is not there"
            self._at(head.offset, "", Kind.REWRITTEN, detail)
        elif head.link != row.link or head.number != row.number:
            detail = f"its link is another one than was pinned at {in_utc(head.at)}"
            self._at(row.offset, row.event_id, Kind.REWRITTEN, detail)

    def _misnumbered(self, row: Row, number: int) -> None:
        missing = row.number - number - 1
        if missing > 0:
            links = "one link is" if missing == 1 else f"{missing} links are"
            self._break(row, Kind.DELETED, f"{links} missing before it, from number {number + 1}")
        else:
            self._break(row, Kind.MOVED, f"its number is {row.number}, and {number + 1} comes here")

    def _tell_faulty(self) -> None:
        """Two that fit in each other's place were exchanged."""
        faulty = self._faulty[:MOST_COMPARED]
        exchanged = {
            index
            for (i, one), (j, other) in combinations(enumerate(faulty), 2)
            if _fits(one, other[1].told) and _fits(other, one[1].told)
            for index in (i, j)
        }
        for index, (_, row) in enumerate(self._faulty):
            if index in exchanged:
                self._break(row, Kind.MOVED, "it was exchanged with another event of its partition")
            else:
                self._break(row, Kind.CHANGED, "its link does not follow from the one before it")

    def _break(self, row: Row, kind: Kind, detail: str) -> None:
        self._at(row.offset, row.event_id, kind, detail)

    def _at(self, offset: int, event_id: str, kind: Kind, detail: str) -> None:
        if len(self._found.breaks) < MOST_BREAKS:
            self._found.breaks.append(Break(self.place, offset, kind, event_id, detail))


def _fits(faulty: tuple[str, Row], told: str) -> bool:
    before, row = faulty
    return link_over(before, f"{row.number} {row.offset} {told}") == row.link
