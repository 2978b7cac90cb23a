"""Goes on with the chains of the partitions that a sink owns: from where the record says that they stand.

A log that was rolled back or forked, or a record that was, is refused: two pasts cannot both be the audit.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import structlog

from schemas.audit import Head
from schemas.envelope import in_utc
from schemas.errors import Misconfigured
from sinks.clickhouse.chain import ADOPTED, ASIDE, NO_ID, ChainPlace, Entry, Tip, entries_of, extend
from sinks.clickhouse.rows import EventRow, SetAside
from sinks.clickhouse.writer import Writer

log = structlog.get_logger(__name__)

ADOPTED_AT_ONCE = 20_000
LOOK_SECS, PATIENCE_SECS = 0.25, 10.0
END = 2**62
HELP = "docs/audit.md says what to do"
TIPS = """
SELECT log_epoch, topic, kafka_partition, kafka_offset, number, link
FROM audit_chain
WHERE (log_epoch, topic, kafka_partition, kafka_offset) IN
(
    SELECT log_epoch, topic, kafka_partition, max(kafka_offset)
    FROM audit_chain
    WHERE (log_epoch = {epoch:String}) != {others:Bool} AND ({others:Bool} OR topic IN {topics:Array(String)})
    GROUP BY log_epoch, topic, kafka_partition
)
"""
AT = """
SELECT kafka_offset, kind, toString(event_id) AS event_id, hash, link
FROM audit_chain
WHERE log_epoch = {epoch:String} AND topic = {topic:String} AND kafka_partition = {partition:Int32}
  AND kafka_offset BETWEEN {first:Int64} AND {last:Int64}
"""
ENDS = """
SELECT log_epoch, topic, kafka_partition, max(kafka_offset) AS last,
       max(stored_at) < now() - INTERVAL 5 SECOND AS is_old
FROM events
WHERE (log_epoch = {epoch:String}) != {others:Bool} AND ({others:Bool} OR topic IN {topics:Array(String)})
GROUP BY log_epoch, topic, kafka_partition
"""
LEFT = """
SELECT DISTINCT kafka_offset, project_id, toString(event_id) AS event_id,
       toUnixTimestamp64Milli(recorded_at) AS recorded, hash
FROM events
WHERE log_epoch = {epoch:String} AND topic = {topic:String} AND kafka_partition = {partition:Int32}
  AND kafka_offset > {after:Int64} AND kafka_offset < {before:Int64}
ORDER BY kafka_offset
LIMIT {most:UInt32}
"""


class Span(NamedTuple):
    """Of a partition's log: where it is read on, and its end."""

    position: int
    end: int


class Bound(Protocol):
    """What is pinned outside of the record."""

    def head(self, place: ChainPlace) -> Head | None: ...


class Linker:
    """`tips` are those of the partitions that this sink owns: what is stored, never more."""

    def __init__(self, writer: Writer, epoch: str, bound: Bound | None = None) -> None:
        self._writer = writer
        self._epoch = epoch
        self._bound = bound
        self.tips: dict[ChainPlace, Tip] = {}

    def place(self, topic: str, partition: int) -> ChainPlace:
        return ChainPlace(self._epoch, topic, partition)

    async def take_over(self, spans: Mapping[ChainPlace, Span]) -> None:
        """Misconfigured where it is not the log, or not the record, that it was."""
        await self._check_pinned(spans.keys())
        tips = await self._tips(spans.keys())
        for place in await self._stored_without(tips, spans.keys()):
            await self._adopt(place, None, spans[place].position)
        self.forget(spans)
        self.tips |= await self._tips(spans.keys())
        if self._epoch:
            return  # the embedded log: its broker tells too low an end, and a shorter log is another life
        for place, span in spans.items():
            tip = self.tips.get(place)
            if tip is not None and tip.offset >= span.end:
                raise Misconfigured(
                    f"{place}: the log was rolled back: it ends before offset {span.end}, "
                    f"but the record has a link for offset {tip.offset}; {HELP}"
                )

    async def adopt_other_lives(self) -> dict[ChainPlace, Tip]:
        """What a crash left without a link, and nobody will read from the log again: that log is gone.

        The answer is where all their chains end.
        """
        tips, left = await self._left_by_others()
        deadline = asyncio.get_running_loop().time() + PATIENCE_SECS
        while not all(left.values()) and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(LOOK_SECS)  # the sink of that life, if it lives, is about to link it
            tips, left = await self._left_by_others()
        for place, is_old in left.items():
            adopted = await self._adopt(place, tips.get(place), END) if is_old else None
            tips |= {} if adopted is None else {place: adopted}
        return tips

    async def _left_by_others(self) -> tuple[dict[ChainPlace, Tip], dict[ChainPlace, bool]]:
        """Where the chains of other lives end; which have events behind that, and whether these are old."""
        tips = {_place(row): _tip(row) for row in await self._writer.ask(TIPS, _asked(self._epoch))}
        ends = {_place(row): row for row in await self._writer.ask(ENDS, _asked(self._epoch))}
        return tips, {
            place: row["is_old"]
            for place, row in ends.items()
            if place not in tips or tips[place].offset < row["last"]
        }

    def forget(self, places: Iterable[ChainPlace]) -> None:
        for place in places:
            self.tips.pop(place, None)

    async def fresh(
        self, rows: Sequence[EventRow], aside: Sequence[SetAside]
    ) -> tuple[Sequence[EventRow], Sequence[SetAside]]:
        """What has no link yet: what has one is stored, and a newer release may read it into other columns.

        Misconfigured where the log was forked.
        """
        firsts = _firsts(rows, aside)
        await self._know(firsts)
        again = {place for place, first in firsts.items() if first <= self._end(place)}
        if not again:
            return rows, aside
        by_place: dict[tuple[str, str, int], list[Entry]] = defaultdict(list)
        for entry in entries_of(rows, aside):
            by_place[entry[:3]].append(entry)
        for place in again:
            await self._check_repeated(place, by_place[place])
        return [row for row in rows if self._is_fresh(row)], [item for item in aside if self._is_fresh(item)]

    async def link(self, rows: Sequence[EventRow], aside: Sequence[SetAside]) -> None:
        """Their links are stored when this returns; they themselves are already."""
        entries = entries_of(rows, aside)
        await self._know(_firsts(rows, aside))
        links, moved = extend(self.tips, entries)
        await self._writer.link(links)
        self.tips |= moved

    async def _know(self, places: Iterable[ChainPlace]) -> None:
        """A rebalance may have made us forget where they end."""
        self.tips |= await self._tips([place for place in places if place not in self.tips])

    def _end(self, place: ChainPlace) -> int:
        tip = self.tips.get(place)
        return -1 if tip is None else tip.offset

    def _is_fresh(self, row: EventRow | SetAside) -> bool:
        return row.kafka_offset > self._end(ChainPlace(row.log_epoch, row.topic, row.kafka_partition))

    async def _tips(self, places: Collection[ChainPlace]) -> dict[ChainPlace, Tip]:
        if not places:
            return {}
        rows = await self._writer.ask(TIPS, _asked(self._epoch, places))
        return {_place(row): _tip(row) for row in rows if _place(row) in places}

    async def _stored_without(
        self, tips: Collection[ChainPlace], places: Collection[ChainPlace]
    ) -> list[ChainPlace]:
        """Partitions of which there are events from before there were chains."""
        missing = [place for place in places if place not in tips]
        if not missing:
            return []
        rows = await self._writer.ask(ENDS, _asked(self._epoch, missing))
        return [_place(row) for row in rows if _place(row) in missing]

    async def _adopt(self, place: ChainPlace, tip: Tip | None, before: int) -> Tip | None:
        """Events without a link get one from the record itself, and it says so."""
        adopted, after = 0, -1 if tip is None else tip.offset
        while True:
            given = {**_params(place), "after": after, "before": before, "most": ADOPTED_AT_ONCE}
            left = await self._writer.ask(LEFT, given)
            if not left:
                break
            known = {} if tip is None else {place: tip}
            links, moved = extend(known, (_adopted(place, row) for row in left))
            await self._writer.link(links)
            tip, adopted, after = moved[place], adopted + len(links), left[-1]["kafka_offset"]
        if adopted:
            log.info("audit_adopted", place=str(place), events=adopted)
        return tip

    async def _check_pinned(self, places: Collection[ChainPlace]) -> None:
        for place in places:
            head = self._bound.head(place) if self._bound else None
            if head is None:
                continue
            span = {"first": head.offset, "last": head.offset}
            found = await self._writer.ask(AT, {**_params(place), **span})
            if not any(row["link"] == head.link for row in found):
                raise Misconfigured(
                    f"{place}: the record was rolled back or rewritten: the head that was pinned at "
                    f"{in_utc(head.at)} for offset {head.offset} is not in it; {HELP}"
                )

    async def _check_repeated(self, place: ChainPlace, entries: Sequence[Entry]) -> None:
        """What is read again must be what was read before: the same event, the same unreadable bytes."""
        span = {"first": entries[0].kafka_offset, "last": entries[-1].kafka_offset}
        rows = await self._writer.ask(AT, {**_params(place), **span})
        linked = {(row["kafka_offset"], row["kind"] == ASIDE): _said(row) for row in rows}
        for entry in entries:
            said = _said(entry._asdict())
            if linked.get((entry.kafka_offset, entry.kind == ASIDE), said) != said:
                raise Misconfigured(
                    f"{place}: the log was forked: at offset {entry.kafka_offset} it holds another event "
                    f"than the one that was linked; {HELP}"
                )


def _firsts(rows: Sequence[EventRow], aside: Sequence[SetAside]) -> Mapping[ChainPlace, int]:
    """By place; rows of one come in the order of the log."""
    firsts: dict[tuple[str, str, int], int] = {}
    for row in rows:
        firsts.setdefault((row.log_epoch, row.topic, row.kafka_partition), row.kafka_offset)
    for item in aside:
        place = (item.log_epoch, item.topic, item.kafka_partition)
        firsts[place] = min(item.kafka_offset, firsts.get(place, item.kafka_offset))
    return {ChainPlace(*place): first for place, first in firsts.items()}


def _asked(epoch: str, places: Collection[ChainPlace] | None = None) -> dict[str, Any]:
    """Without places: all of other lives of the log."""
    topics = sorted({place.topic for place in places or ()})
    return {"others": places is None, "epoch": epoch, "topics": topics}


def _params(place: ChainPlace) -> dict[str, Any]:
    return {"epoch": place.log_epoch, "topic": place.topic, "partition": place.partition}


def _place(row: Mapping[str, Any]) -> ChainPlace:
    return ChainPlace(row["log_epoch"], row["topic"], row["kafka_partition"])


def _tip(row: Mapping[str, Any]) -> Tip:
    return Tip(row["kafka_offset"], row["number"], row["link"])


def _said(link: Mapping[str, Any]) -> str:
    """By its id, since its hash is over what a release reads in it; what has none, by its bytes."""
    return str(link["hash"] if link["event_id"] == NO_ID else link["event_id"])


def _adopted(place: ChainPlace, row: Mapping[str, Any]) -> Entry:
    return Entry(
        *place,
        kafka_offset=row["kafka_offset"],
        kind=ADOPTED,
        project_id=row["project_id"],
        event_id=row["event_id"],
        recorded_at=row["recorded"],
        hash=row["hash"],
    )
