"""How long a source is slowed when nearly all that it sends is rejected.

Broken alerts come one by one; a broken deployment rejects everything. The second must not empty a topic
into the dead letters before anybody looks.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

IN_A_ROW = 200
SHARE = 0.5
SHARE_OF_AT_LEAST = 1000
MAX_SECS = 60.0


class Taken(Protocol):
    """What it needs to know of a batch."""

    @property
    def taken(self) -> int: ...
    @property
    def rejected(self) -> int: ...
    @property
    def trailing_rejects(self) -> int: ...


@dataclass(slots=True)
class _Source:
    in_a_row: int = 0
    taken: int = 0
    rejected: int = 0
    secs: float = 0.0


@dataclass(slots=True)
class RejectLimiter:
    """Per source (a partition of a topic): the tenants of a topic lie on several partitions."""

    sources: dict[tuple[str, int], _Source] = field(default_factory=dict)

    def note(self, place: tuple[str, int], batch: Taken) -> float:
        """Count a batch; the seconds that its partition should rest, 0 for none."""
        source = self.sources.setdefault(place, _Source())
        if batch.trailing_rejects == batch.taken:
            source.in_a_row += batch.taken
        else:
            source.in_a_row = batch.trailing_rejects
        source.taken += batch.taken
        source.rejected += batch.rejected
        if not self._broken(source):
            if not batch.rejected:
                source.secs = 0.0
            return 0.0
        source.taken = source.rejected = 0
        source.secs = min(max(1.0, source.secs * 2), MAX_SECS)
        return source.secs

    @staticmethod
    def _broken(source: _Source) -> bool:
        if source.in_a_row >= IN_A_ROW:
            return True
        if source.taken < SHARE_OF_AT_LEAST:
            return False
        broken = source.rejected / source.taken > SHARE
        if not broken:
            source.taken = source.rejected = 0
        return broken
