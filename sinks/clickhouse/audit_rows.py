"""Each row of `events` is what was linked, and each link has its row: asked of ClickHouse.

An event's hash is computed by ClickHouse from the row's own columns. Rows whose text needs an escape in JSON
are the few that it cannot do so: those are read and computed here, by the definition itself.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from typing import Any

from sinks.clickhouse import audit_sql as sql
from sinks.clickhouse.breaks import Break, Kind
from sinks.clickhouse.chain import NO_ID, ChainPlace
from sinks.clickhouse.client import Client
from sinks.clickhouse.rows import EventRow, hash_of

IDS_AT_ONCE = 250_000
ODD_AT_ONCE = 5_000
Rows = Sequence[Mapping[str, Any]]


class RowCheck:
    """The questions, with what they are asked of."""

    def __init__(self, client: Client, params: Mapping[str, Any], *, everything: bool) -> None:
        self._client, self._params = client, params
        self._excusable = 0
        self._faulty = sql.FAULTY.replace(sql.WANTED, sql.IN_SCOPE if everything else sql.WANTED)

    async def totals(self) -> Mapping[str, Any]:
        return (await self._client.ask(sql.TOTALS, self._params))[0]

    async def unpinned(self) -> Rows:
        """Links behind the last heads of their chains, by partition."""
        return await self._client.ask(sql.UNPINNED, self._params)

    async def unlinked(self) -> Rows:
        """Rows beyond the ends of their chains, by partition."""
        events = await self._client.ask(sql.UNLINKED, self._params)
        return [*events, *await self._client.ask(sql.UNLINKED_ASIDE, self._params)]

    async def breaks(self, rows: int, odd: int) -> list[Break]:
        """One for each place, in no order."""
        found = list[Break]()
        for ids in _ranges(rows):
            faulty = await self._twice(self._faulty, ids)
            missing = await self._missing(sql.MISSING, ids)
            found += await self._rows(faulty) + [_deleted(row) for row in missing]
        for row in await self._twice(sql.ASIDE_FAULTY, {}):
            detail = "what was set aside there is not what was linked" if row["linked"] else "it has no link"
            found.append(_break(row, Kind.CHANGED if row["linked"] else Kind.ADDED, detail))
        for row in await self._missing(sql.ASIDE_MISSING, {}):
            found.append(_break(row, Kind.DELETED, "it was set aside, and is not in set_aside"))
        found += [one async for one in self._odd(odd)]
        return _one_a_place(found)

    @property
    def unproven(self) -> list[str]:
        """Of what is missing that which has a reason, which nobody has signed yet."""
        if not self._excusable:
            return []
        return [
            f"at least {self._excusable} rows are gone whose time to live is over, or whose project was "
            "erased, and nothing that is pinned says so: start a sink and look again"
        ]

    async def _missing(self, question: str, more: Mapping[str, Any]) -> Rows:
        found = await self._twice(question, more)
        breaks = [row for row in found if not row["excusable"]]
        self._excusable += len(found) - len(breaks)
        return breaks

    async def _twice(self, question: str, more: Mapping[str, Any]) -> Rows:
        """What is stored meanwhile looks wrong at most once: rows come first, then their links."""
        params = {**self._params, **more}
        first = await self._client.ask(question, params)
        if not first:
            return first
        again = [tuple(row.values()) for row in await self._client.ask(question, params)]
        return [row for row in first if tuple(row.values()) in again]

    async def _rows(self, faulty: Rows) -> list[Break]:
        unlinked = [row["id"] for row in faulty if not row["linked"] and row["own"]]
        elsewhere: dict[str, list[int]] = {}
        if unlinked:
            for link in await self._client.ask(sql.LINKED, {"ids": unlinked}):
                elsewhere.setdefault(link["id"], []).append(link["kafka_offset"])
        return [_faulty(row, elsewhere.get(row["id"], ())) for row in faulty]

    async def _odd(self, count: int) -> AsyncIterator[Break]:
        """Whose hash ClickHouse cannot compute; almost always there are none."""
        for after in range(0, count, ODD_AT_ONCE):
            asked = {**self._params, "after": after, "most": ODD_AT_ONCE}
            for row in await self._client.ask(sql.ODD_ROWS, asked):
                read = whole_row(row)
                if hash_of(read) != read.hash:
                    yield _break({**row, "id": read.event_id}, Kind.CHANGED, NOT_ITS_HASH)


def whole_row(row: Mapping[str, Any]) -> EventRow:
    *facts, payload, told = row.values()
    return EventRow._make((*facts, bytes.fromhex(payload), told, ""))


NOT_ITS_HASH = "what it says does not give its hash"


def _faulty(row: Mapping[str, Any], linked_at: Collection[int]) -> Break:
    if not row["own"]:
        return _break(row, Kind.CHANGED, NOT_ITS_HASH)
    if not row["versioned"]:
        return _break(row, Kind.CHANGED, "its version is not its negated offset")
    if row["linked"]:
        return _break(row, Kind.CHANGED, "its hash is not the one that was linked")
    if linked_at:
        return _break(row, Kind.MOVED, f"it was linked at offset {min(linked_at)}")
    return _break(row, Kind.ADDED, "it has no link")


def _deleted(row: Mapping[str, Any]) -> Break:
    detail = "a repeat of it stands in its place" if row["there"] else "it was linked, and is not in events"
    return _break(row, Kind.DELETED, detail)


def _break(row: Mapping[str, Any], kind: Kind, detail: str) -> Break:
    place = ChainPlace(row["log_epoch"], row["topic"], row["kafka_partition"])
    return Break(place, row["kafka_offset"], kind, row["id"], detail)


def _one_a_place(breaks: Sequence[Break]) -> list[Break]:
    """A row that was moved is missing where it was; one whose id was changed is missing and added."""
    by_place: dict[tuple[ChainPlace, int], list[Break]] = {}
    moved = {one.event_id for one in breaks if one.kind is Kind.MOVED}
    for one in breaks:
        if not (one.kind is Kind.DELETED and one.event_id in moved):
            by_place.setdefault((one.place, one.offset), []).append(one)
    return [_said_once(found) for found in by_place.values()]


def _said_once(found: Sequence[Break]) -> Break:
    kinds = {one.kind: one for one in found}
    if Kind.CHANGED in kinds:
        return kinds[Kind.CHANGED]
    if Kind.ADDED in kinds and Kind.DELETED in kinds:
        gone, come = kinds[Kind.DELETED], kinds[Kind.ADDED]
        detail = f"in its place stands event {come.event_id}"
        return Break(gone.place, gone.offset, Kind.CHANGED, gone.event_id, detail)
    return found[0]


def _ranges(rows: int) -> list[dict[str, Any]]:
    """ClickHouse compares UUIDs by their second half, where those of version 5 begin with 8 to b."""
    parts = max(1, -(-rows // IDS_AT_ONCE))
    marks = [
        f"00000000-0000-0000-{0x8000 + 0x4000 * part // parts:04x}-000000000000" for part in range(parts)
    ]
    marks[0] = NO_ID
    return [
        {"low": low, "high": high, "last": high == NO_ID}
        for low, high in zip(marks, [*marks[1:], NO_ID], strict=True)
    ]
