"""What the stage verify keeps of one incident: what is being looked at, and what was verified lately."""

from __future__ import annotations

from dataclasses import dataclass, field

from streams import windows
from streams.stage import State, pack, unpack

KEPT = windows.DAY
AT_ONCE = 1
"""at the next tick"""


@dataclass(slots=True)
class Watch:
    """A verified action: does the alert resolve, and does it stay away?"""

    event: str
    """what told that it is verified, as JSON"""
    settle_at: int
    """until when the alert should resolve, in epoch milliseconds; 0: it was told whether it did"""
    until: int
    """an alert that comes back later is another story"""


@dataclass(slots=True)
class Verifying(State):
    looks: dict[str, str] = field(default_factory=dict)
    """by action id: what was done and is looked at, as JSON"""
    watches: dict[str, Watch] = field(default_factory=dict)
    """by action id"""
    ended: dict[str, int] = field(default_factory=dict)
    """action id → when its verification, or its failure, was told"""
    closed_at: int = 0
    """when the incident closed; 0: it is open, as far as is known"""

    def knows(self, action_id: str) -> bool:
        """The first end counts."""
        return action_id in self.looks or action_id in self.ended

    def forget(self, now: int) -> None:
        self.watches = {name: one for name, one in self.watches.items() if one.until > now}
        self.ended = {name: at for name, at in self.ended.items() if at + KEPT > now}
        if self.closed_at + KEPT <= now:
            self.closed_at = 0
        self.changed = True

    def due(self) -> int:
        if self.looks:
            return AT_ONCE
        ends = [one.settle_at or one.until for one in self.watches.values()]
        ends += [at + KEPT for at in (*self.ended.values(), self.closed_at) if at]
        return min(ends)

    def row(self) -> bytes | None:
        """None once there is nothing left to remember."""
        if not (self.looks or self.watches or self.ended or self.closed_at):
            return None
        watches = {name: [one.event, one.settle_at, one.until] for name, one in self.watches.items()}
        return pack([self.due(), self.seen, self.looks, watches, self.ended, self.closed_at])

    @classmethod
    def of_row(cls, row: bytes | None) -> Verifying:
        if row is None:
            return cls()
        _, seen, looks, watches, ended, closed_at = unpack(row)
        kept = {name: Watch(*values) for name, values in watches.items()}
        return cls(seen, False, looks, kept, ended, closed_at)


def due(row: bytes) -> int:
    return int(row[1 : row.index(b",")])
