"""A Faust table whose rows are bytes, kept per partition, written to the changelog in one batch.

Faust keeps what it is good at: which changelog partition is read when, and until where. The rows live in
`PartitionRows`, so a partition that goes takes its rows along, and deadlines come back with the rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from faust.stores.memory import Store as MemoryStore
from faust.tables.table import Table
from faust.types import TP

from streams.rows import Due, PartitionRows

Append = Callable[[str, int, Iterable[tuple[bytes, bytes | None]]], Any]


class RowStore(MemoryStore):  # type: ignore[misc]
    """What Faust asks of a table's storage."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.partitions: dict[int, PartitionRows] = {}
        self.written: dict[int, int] = {}
        """last changelog offset whose row is here, by partition"""

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
            rows = self.rows(message.partition)
            rows.apply({record.key: record.value for record in message.value})
            self.written[message.partition] = message.offset

    async def on_rebalance(
        self, assigned: set[TP], revoked: set[TP], newly_assigned: set[TP], generation_id: int = 0
    ) -> None:
        topic = self.table.changelog_topic_name
        for tp in revoked:
            if tp.topic == topic:
                self.partitions.pop(tp.partition, None)
                self.written.pop(tp.partition, None)

    async def on_recovery_completed(self, active_tps: set[TP], standby_tps: set[TP]) -> None: ...

    def reset_state(self) -> None:
        self.partitions.clear()
        self.written.clear()

    def _clear(self) -> None:
        self.reset_state()


class RowTable(Table):  # type: ignore[misc]
    """`await table.update_many(partition, rows)`: memory, then the changelog, awaited."""

    def __init__(self, *args: Any, row_due: Due, append: Append, **kwargs: Any) -> None:
        self.row_due = row_due
        self._append = append
        super().__init__(*args, **kwargs)

    def info(self) -> Mapping[str, Any]:
        return {**super().info(), "row_due": self.row_due, "append": self._append}

    def _new_store(self) -> RowStore:
        return RowStore("rows://", self.app, self, table_name=self.name, loop=self.loop)

    async def on_rebalance(
        self, assigned: set[TP], revoked: set[TP], newly_assigned: set[TP], generation_id: int = 0
    ) -> None:
        await self.data.on_rebalance(assigned, revoked, newly_assigned, generation_id)

    def rows(self, partition: int) -> PartitionRows:
        rows: PartitionRows = self.data.rows(partition)
        return rows

    async def update_many(self, partition: int, rows: Mapping[bytes, bytes | None]) -> None:
        """The changelog first: memory must not know what a crash would forget."""
        if rows:
            last = await self._append(self.changelog_topic_name, partition, rows.items())
            self.data.written[partition] = last
        self.rows(partition).apply(rows)
