"""A Faust table whose rows are bytes, kept per partition, written to the changelog in one batch.

Faust keeps what it is good at: which changelog partition is read when, and until where. The rows live in
`PartitionRows`, so a partition that goes takes its rows along, and deadlines come back with the rows.

Who may write a changelog partition stands in it. Whoever takes a partition over first writes a claim, then
reads up to it; every row names its writer's claim. A worker that was frozen, and missed that another took
over, may still write rows; they stand behind the other's claim, so nobody believes them, and the owner
writes its own rows for their keys again (a compaction would keep the last one, whoever wrote it).
"""

from __future__ import annotations

import asyncio
import os
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

import structlog
from faust.stores.memory import Store as MemoryStore
from faust.tables.table import Table
from faust.types import TP

from schemas.errors import NotNow
from schemas.sabotage import guard_off
from streams.changelog import CLAIM, OWNER_HEADER
from streams.rows import Due, PartitionRows

log = structlog.get_logger(__name__)
CLAIM_AGAIN_SECS = 0.5

Append = Callable[[str, int, Iterable[tuple[bytes, bytes | None]], bytes], Awaitable[int]]
Read = Callable[[str, int, int, int], Awaitable[list[Any]]]
Log = tuple[Append, Read]


class RowStore(MemoryStore):  # type: ignore[misc]
    """What Faust asks of a table's storage."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.partitions: dict[int, PartitionRows] = {}
        self.written: dict[int, int] = {}
        """last changelog offset that is known here, by partition"""
        self.claims: dict[int, bytes] = {}
        """whose rows are believed, by partition"""
        self.not_ours: dict[int, set[bytes]] = defaultdict(set)
        """keys whose last row in the changelog nobody believes"""

    def rows(self, partition: int) -> PartitionRows:
        found = self.partitions.get(partition)
        if found is None:
            due: Due = self.table.row_due
            found = self.partitions[partition] = PartitionRows(due)
        return found

    def persisted_offset(self, tp: TP) -> int | None:
        """A partition that stays is not read again; one that is new is read from its beginning."""
        return self.written.get(tp.partition)

    def apply_changelog_batch(self, batch: Iterable[Any], to_key: Any, to_value: Any) -> None:
        for event in batch:
            message = event.message
            self.rows(message.partition).apply(self.believed(message.partition, message.value))
            self.written[message.partition] = message.offset

    def believed(self, partition: int, records: Iterable[Any]) -> dict[bytes, bytes | None]:
        """The rows among these records of a changelog; the keys of others are noted."""
        rows: dict[bytes, bytes | None] = {}
        doubted = self.not_ours[partition]
        for record in records:
            if record.key == CLAIM:
                self.claims[partition] = record.value
            elif self._is_believed(partition, record):
                rows[record.key] = record.value
                doubted.discard(record.key)
            else:
                doubted.add(record.key)
        return rows

    def _is_believed(self, partition: int, record: Any) -> bool:
        """Of older claims a compaction leaves nothing: what stands before the first that is left counts."""
        claim = self.claims.get(partition)
        return claim is None or _owner(record) == claim or guard_off("claim")

    async def on_rebalance(
        self, assigned: set[TP], revoked: set[TP], newly_assigned: set[TP], generation_id: int = 0
    ) -> None:
        topic = self.table.changelog_topic_name
        for tp in revoked:
            if tp.topic == topic:
                self.forget(tp.partition)

    def forget(self, partition: int) -> None:
        for kept in (self.partitions, self.written, self.claims, self.not_ours):
            kept.pop(partition, None)

    async def on_recovery_completed(self, active_tps: set[TP], standby_tps: set[TP]) -> None: ...

    def reset_state(self) -> None:
        for kept in (self.partitions, self.written, self.claims, self.not_ours):
            kept.clear()

    def _clear(self) -> None:
        self.reset_state()


def _owner(record: Any) -> bytes | None:
    for name, value in record.headers:
        if name == OWNER_HEADER:
            return bytes(value)
    return None


class RowTable(Table):  # type: ignore[misc]
    """`await table.update_many(partition, rows)`: memory, then the changelog, awaited."""

    def __init__(self, *args: Any, row_due: Due, changelog: Log, **kwargs: Any) -> None:
        self.row_due = row_due
        self._changelog = changelog
        self._append, self._read = changelog
        self._claims: dict[int, bytes] = {}
        """ours, by partition"""
        self._generation = 0
        self._writing: dict[int, asyncio.Lock] = defaultdict(asyncio.Lock)
        super().__init__(*args, **kwargs)

    def info(self) -> Mapping[str, Any]:
        return {**super().info(), "row_due": self.row_due, "changelog": self._changelog}

    def _new_store(self) -> RowStore:
        return RowStore("rows://", self.app, self, table_name=self.name, loop=self.loop)

    async def on_rebalance(
        self, assigned: set[TP], revoked: set[TP], newly_assigned: set[TP], generation_id: int = 0
    ) -> None:
        """Before anything is read: what we take over is claimed."""
        await self.data.on_rebalance(assigned, revoked, newly_assigned, generation_id)
        ours = {tp for tp in assigned if tp.topic == self.changelog_topic_name}
        if generation_id - self._generation not in (0, 1):
            self._forget(ours)  # we missed a generation: somebody else may have had them
        self._generation = generation_id
        kept = {tp.partition for tp in ours - newly_assigned}
        self._claims = {partition: claim for partition, claim in self._claims.items() if partition in kept}
        await asyncio.gather(*(self._claim(tp.partition) for tp in ours if tp.partition not in self._claims))

    def _forget(self, tps: set[TP]) -> None:
        self._claims.clear()
        for tp in tps:
            self.data.forget(tp.partition)
            self.app.tables.recovery.revoke(tp)  # else it goes on from where it had read to

    async def _claim(self, partition: int) -> None:
        claim = os.urandom(8)
        while not self.app.should_stop:
            try:
                await self._append(self.changelog_topic_name, partition, [(CLAIM, claim)], claim)
                break
            except NotNow as error:
                log.warning("waiting_to_claim", table=self.name, partition=partition, why=str(error))
                await asyncio.sleep(CLAIM_AGAIN_SECS)
        self._claims[partition] = claim

    def rows(self, partition: int) -> PartitionRows:
        rows: PartitionRows = self.data.rows(partition)
        return rows

    async def update_many(self, partition: int, rows: Mapping[bytes, bytes | None]) -> None:
        """The changelog first: memory must not know what a crash would forget.

        One after the other in a partition: slow work writes the rows of several keys at a time, and an
        append that overtook another would look like a stranger's.
        """
        async with self._writing[partition]:
            await self._update(partition, rows)

    async def _update(self, partition: int, rows: Mapping[bytes, bytes | None]) -> None:
        ours, doubted = self.rows(partition), self.data.not_ours[partition]
        if doubted:
            log.warning("rows_written_again", table=self.name, partition=partition, rows=len(doubted))
            rows = {**{key: ours.get(key) for key in doubted}, **rows}
        if rows:
            await self._write(partition, rows)
        ours.apply(rows)

    async def _write(self, partition: int, rows: Mapping[bytes, bytes | None]) -> None:
        data, topic, claim = self.data, self.changelog_topic_name, self._claims[partition]
        last = await self._append(topic, partition, rows.items(), claim)
        data.not_ours[partition].difference_update(rows)
        before = data.written.get(partition, -1)
        if last - len(rows) != before:  # what stands between is a frozen worker's, or our own repeat
            data.believed(partition, await self._read(topic, partition, before + 1, last + 1))
        if data.claims.get(partition) != claim:
            raise NotNow(f"{topic}/{partition}: another worker has taken it over")
        data.written[partition] = last
