"""The rows of one partition of a keyed stage, with their deadlines. Memory only: the changelog keeps them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from streams.due import DueIndex
from streams.runner import Rows

Due = Callable[[bytes], int | None]


class PartitionRows(Rows):
    """A dict with a due index beside it. Both the engine's tables and the in-memory log use it."""

    def __init__(self, due: Due) -> None:
        self._rows: dict[bytes, bytes] = {}
        self._due_of = due
        self._index = DueIndex()

    def __getitem__(self, key: bytes) -> bytes:
        return self._rows[key]

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def due(self, millis: int, most: int) -> list[bytes]:
        rows = self._rows
        keys = self._index.peek(millis, most)
        return [key for key in keys if key in rows and (self._due_of(rows[key]) or millis + 1) <= millis]

    @property
    def waits_for_a_tick(self) -> bool:
        return self._index.waits_for_a_tick

    def apply(self, changes: Mapping[bytes, bytes | None]) -> None:
        """Write rows; None forgets the key."""
        for key, row in changes.items():
            before = self._rows.get(key)
            if row is None:
                self._rows.pop(key, None)
                continue
            self._rows[key] = row
            self._arm(key, before, row)
        self._index.rearm(self._due_now)

    def _arm(self, key: bytes, before: bytes | None, row: bytes) -> None:
        due = self._due_of(row)
        if due is None:
            return
        earlier = None if before is None else self._due_of(before)
        if earlier is None or due < earlier:
            self._index.put(key, due)

    def _due_now(self, key: bytes) -> int | None:
        row = self._rows.get(key)
        return None if row is None else self._due_of(row)
