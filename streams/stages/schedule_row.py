"""What the scheduler keeps of a project: counts, and the few incidents that may serve others.

Some tens of KB at most, whatever comes: it is written with every batch.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from streams import windows
from streams.stage import State, pack, unpack
from streams.stages.correlate import Families
from streams.stages.storm import Storm

MOST_COUNTED, MARK = 64, 13
MOST_ANSWERED = 1024
MOST_ALERTS = 512
"""whose runs of the day are counted; those that have had most are kept"""


@dataclass(slots=True)
class Project(State):
    project_id: str = ""
    started: int = 0
    day: int = 0
    """since 1970, of what was spent"""
    tokens: int = 0
    usd: float = 0.0
    counted: tuple[str, ...] = ()
    """the runs whose cost was counted last: a repeated event stands at a new offset"""
    runs_today: int = 0
    by_alert: dict[str, int] = field(default_factory=dict)
    """runs of the day, by fingerprint"""
    answered: dict[str, None] = field(default_factory=dict)
    """the requests and ends that were taken in last, in their order: a copy stands at a new offset"""
    clock: int = 0
    """the latest time of all that was read: a replay comes to the same"""
    storm: Storm = field(default_factory=Storm)
    families: Families = field(default_factory=Families)

    def at(self, millis: int) -> int:
        """Time goes forward, and by what stands in the log."""
        passed, self.clock = max(0, millis - self.clock), max(self.clock, millis)
        self.storm.passes(passed)
        today = self.clock // windows.DAY
        if today > self.day:
            self.day, self.tokens, self.usd = today, 0, 0.0
            self.runs_today, self.by_alert = 0, {}
        return self.clock

    def takes(self, event_id: str) -> bool:
        """Whether it was not taken before."""
        mark = event_id[:MARK]
        if mark in self.answered:
            return False
        self.answered[mark] = None
        if len(self.answered) > MOST_ANSWERED:
            del self.answered[next(iter(self.answered))]
        return True

    def begins(self, fingerprint: str) -> None:
        self.started += 1
        self.runs_today += 1
        self.by_alert[fingerprint] = self.by_alert.get(fingerprint, 0) + 1
        if len(self.by_alert) > MOST_ALERTS:
            del self.by_alert[min(self.by_alert, key=self.by_alert.__getitem__)]

    # -- the row

    @classmethod
    def of_row(cls, key: bytes, row: bytes) -> Project:
        values, project = unpack(row), key.decode()
        if isinstance(values[0], dict):
            return _of_old_row(project, values)
        _, seen, started, day, tokens, usd, counted, today, by_alert, answered, clock, storm, families = (
            values
        )
        return cls(
            seen, False, project, started, day, tokens, usd, tuple(counted), today, by_alert,
            dict.fromkeys(answered), clock, Storm.of_row(storm), Families.of_row(families),
        )  # fmt: skip

    def row(self) -> bytes:
        wake_at = self.clock + windows.MINUTE if self.storm.began_at else 0
        spent = [self.day, self.tokens, self.usd, self.counted, self.runs_today, self.by_alert]
        kept = [list(self.answered), self.clock, self.storm.row(), self.families.row()]
        return pack([wake_at, self.seen, self.started, *spent, *kept])


def due(row: bytes) -> int | None:
    """A storm may be over, and nobody asks any more."""
    if row.startswith(b"[{"):
        return None
    return int(row[1 : row.index(b",")]) or None


def _of_old_row(project: str, values: list[Any]) -> Project:
    """Of the versions before storms, which began with `seen`."""
    seen, started, *spent = values
    day, tokens, usd, counted = spent or (0, 0, 0.0, ())
    return Project(seen, False, project, started, day, tokens, usd, tuple(counted))
