"""When which key must be woken: rebuilt from the rows after a recovery, so that no deadline is lost."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush

GRAIN_MS = 1000
"""One heap entry a second, however many keys fall due in it."""


class DueIndex:
    """Keys by the second in which they fall due.

    A deadline that moves later (a repeat came) leaves its entry where it is: when that time comes, the
    row says whether the key is really due, and `rearm` puts it where it belongs. So a repeat costs
    nothing here, and a key costs one slot of a list.
    """

    def __init__(self) -> None:
        self._buckets: dict[int, list[bytes]] = {}
        self._heap: list[int] = []
        self._peeked: list[tuple[int, int]] = []

    def put(self, key: bytes, due: int) -> None:
        second = -(-due // GRAIN_MS)
        bucket = self._buckets.get(second)
        if bucket is None:
            bucket = self._buckets[second] = []
            heappush(self._heap, second)
        bucket.append(key)

    @property
    def waits_for_a_tick(self) -> bool:
        """Something fell due before all time: it is for the next tick, whenever that comes."""
        return bool(self._heap) and self._heap[0] <= 1

    def peek(self, millis: int, most: int) -> list[bytes]:
        """Keys whose time may have come, earliest first. They stay until `rearm`."""
        keys: list[bytes] = []
        self._peeked = []
        for second in sorted(second for second in self._heap if second * GRAIN_MS <= millis):
            taken = self._buckets[second][: most - len(keys)]
            self._peeked.append((second, len(taken)))
            keys.extend(taken)
            if len(keys) >= most:
                break
        return list(dict.fromkeys(keys))

    def rearm(self, due: Callable[[bytes], int | None]) -> None:
        """What was peeked has been dealt with: each key goes where its row now says, or nowhere."""
        peeked, self._peeked = self._peeked, []
        moved: dict[bytes, None] = {}
        for second, taken in peeked:
            bucket = self._buckets[second]
            moved.update(dict.fromkeys(bucket[:taken]))
            del bucket[:taken]
        while self._heap and not self._buckets[self._heap[0]]:
            del self._buckets[heappop(self._heap)]
        for key in moved:
            when = due(key)
            if when is not None:
                self.put(key, when)
