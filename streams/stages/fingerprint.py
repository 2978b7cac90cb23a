"""What dedup keeps of one fingerprint: its incident, its counts, and what it knows again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from schemas.sabotage import guard_off
from streams import windows
from streams.glance import Firing, Glance
from streams.stage import State, pack, unpack
from streams.stages.flapping import Flaps

KEPT_STARTS = 8  # how many beginnings of one fingerprint are remembered, to know a copy
MOST_KNOWN = 100
OPEN, RESOLVED, EXPIRED = "open", "resolved", "expired"
BEATING = "beating"
"""a heartbeat that comes: none of its incidents is open"""
NEVER_OPENED = ""
MORE = ("flaps", "beat", "quiet", "looked")
"""what few rows have, by name at the row's end"""
_OLD_ROW = 14
"""values in the rows of the first version"""


@dataclass(slots=True)
class Fingerprint(State):
    """One row. Times in epoch milliseconds."""

    key: bytes = b""
    forgotten: bool = False
    uncounted: list[str] = field(default_factory=list)
    """alerts of this batch that no event has told of yet; never stored"""
    phase: str = NEVER_OPENED
    incident_id: str = ""
    generation: int = 0
    hits: int = 0
    severity: int = 0
    highest: int = 0
    opened_at: int = 0
    last_seen: int = 0
    closed_at: int = 0
    before: int | None = None
    """the last alert before this incident opened"""
    origins: dict[str, list[int]] = field(default_factory=dict)
    """last origin counted, by origin partition"""
    starts: list[list[int]] = field(default_factory=list)
    """[firing, startsAt, counted at, seen by webhook, seen by recorder], newest last

    Seen: 0 not, 1 when it was counted, else when it was first.
    """
    counts: windows.Histogram = field(default_factory=list)
    flaps: Flaps = field(default_factory=list)
    """changes of state of late"""
    beat: list[Any] = field(default_factory=list)
    """the last one of a heartbeat, packed; empty: it is none"""
    quiet: list[Any] = field(default_factory=list)
    """who keeps it quiet, and what was told of that, packed"""
    looked: int = 0
    """how far the silences had been read when it was last looked at"""
    known_starts: set[int] = field(default_factory=set)
    """of `starts`, and perhaps older ones: most alerts begin at a time of their own"""

    def __post_init__(self) -> None:
        self.known_starts.update([start[1] for start in self.starts])

    @classmethod
    def of_row(cls, key: bytes, row: bytes | None) -> Fingerprint:
        if row is None:
            return cls(key=key)
        values = unpack(row)
        known = cls({}, False, key, False, [], *values[1:_OLD_ROW])
        for name, value in values[_OLD_ROW].items() if len(values) > _OLD_ROW else ():
            setattr(known, name, value)
        return known

    def as_loaded(self) -> Fingerprint:
        """What `of_row` would make of the row that was just written of it."""
        self.changed = False
        if len(self.known_starts) > MOST_KNOWN:
            self.known_starts = {start[1] for start in self.starts}
        return self

    def row(self, due: int) -> bytes:
        """The deadline first, so that it can be read without the rest."""
        kept: list[Any] = [due, self.phase, self.incident_id, self.generation, self.hits, self.severity]
        kept += [self.highest, self.opened_at, self.last_seen, self.closed_at, self.before]
        kept += [self.origins, self.starts, self.counts]
        if self.flaps or self.beat or self.quiet or self.looked:
            kept.append({name: value for name in MORE if (value := getattr(self, name))})
        return pack(kept)

    @property
    def project(self) -> str:
        return self.key.decode().partition(":")[0]

    @property
    def fingerprint(self) -> str:
        return self.key.decode().partition(":")[2]

    # -- what is known again

    def has_counted(self, glance: Glance) -> bool:
        """By origin, not by offset: a re-normalised copy stands at a new one."""
        last = self.origins.get(glance.place)
        return last is not None and [glance.offset, glance.number] <= last and not guard_off("seen")

    def note(self, glance: Glance) -> None:
        self.origins[glance.place] = [glance.offset, glance.number]
        self.changed = True

    def is_copy(self, glance: Glance, window: int) -> bool:
        """HA peers and retries send the same alert again at once; the other channel at any time, and then
        its peers at once.
        """
        start = self._remembered(glance.firing, glance.fired_at)
        if start is None:
            return False
        channel = 4 if glance.recorder else 3
        if not start[channel]:
            start[channel] = glance.received_at
            return True
        return any(abs(glance.received_at - seen) < window for seen in (start[2], start[channel]))

    def is_over(self, glance: Glance) -> bool:
        """Its beginning was already resolved: a late copy, which neither opens nor closes anything."""
        return self._remembered(False, glance.fired_at) is not None

    def outlived(self, glance: Glance) -> bool:
        """A late resolve of an earlier beginning does not close what has fired since."""
        ended = glance.fired_at
        return ended is not None and any(firing and start > ended for firing, start, *_ in self.starts)

    def _remembered(self, firing: bool, fired_at: int | None) -> list[int] | None:
        if fired_at not in self.known_starts:
            return None
        for start in reversed(self.starts):
            if start[1] == fired_at and start[0] == firing:
                return start
        return None

    # -- what is taken in

    def repeated(self, glance: Firing) -> bool:
        """`note` and `count` in one, for what is new, no copy, and raises nothing; else False, and nothing
        is changed. Nearly all alerts come here.
        """
        event_id, severity, fired_at, received_at, place, offset, number = glance
        last = self.origins.get(place)
        if (
            last is None
            or [offset, number] <= last
            or severity > self.highest
            or fired_at in self.known_starts
        ):
            return False
        last[0], last[1] = offset, number
        self.changed = True
        self._add(event_id, severity, received_at)
        self._keep([1, fired_at, received_at, 1, 0])
        return True

    def count(self, glance: Glance) -> None:
        self._add(glance.event_id, glance.severity, glance.received_at)
        self.remember(glance)

    def _add(self, event_id: str, severity: int, at: int) -> None:
        self.hits += 1
        self.severity = severity
        self.highest = max(self.highest, severity)
        self.last_seen = max(self.last_seen, at)
        windows.add(self.counts, at)
        self.uncounted.append(event_id)

    def remember(self, glance: Glance) -> None:
        if glance.fired_at is None:
            return
        known = self._remembered(glance.firing, glance.fired_at)
        if known is not None:
            known[2] = glance.received_at
            return
        recorder = int(glance.recorder)
        self._keep([int(glance.firing), glance.fired_at, glance.received_at, 1 - recorder, recorder])

    def _keep(self, start: list[int]) -> None:
        starts = self.starts
        starts.append(start)
        self.known_starts.add(start[1])
        if len(starts) > KEPT_STARTS:
            del starts[0]
