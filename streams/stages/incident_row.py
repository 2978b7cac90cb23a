"""What the runs stage keeps of one incident, and its row."""

from __future__ import annotations

from base64 import b64decode
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from schemas import ids
from streams import windows
from streams.stage import State, pack, unpack
from streams.stages.kept_sighting import kept_note, opened_note, pack_sighting

KEPT_AFTER_CLOSING = 2 * windows.DAY
MOST_TAKEN = 8
MARK = 13
"""characters of an event's id that tell it from the few others"""
MORE = (
    *("debate", "early", "spent", "playbook", "repeat_at", "repeats", "awaited", "failure", "failures"),
    *("asked", "children", "ended", "flapping", "ahead", "unanswered"),
)
OLD_ROW = 6
"""values in the rows of the first version"""
BEHIND = b"\n"
"""stands in no JSON that is packed: behind it the sighting, which as text would be a quarter longer"""
Plain = dict[str, Any]


class Phase(IntEnum):
    """How far the pending run has come: it only goes forward."""

    NONE = 0
    """no run is pending"""
    ASKED = 1
    RUNNING = 2
    WAITING = 3
    """people are asked to approve"""
    APPROVED = 4
    """it waits for whoever executes"""
    EXECUTING = 5
    EXECUTED = 6
    """it waits for whoever verifies"""
    UNDOING = 7
    """it failed, and is being taken back"""
    SHARED = 8
    """another incident's run serves it"""


@dataclass(slots=True)
class Wanted:
    """A run to ask for once the pending one ends."""

    reason: str
    event_id: str
    note: Plain | None = None
    heir: Plain | None = None
    """whose run it is to share"""

    def row(self) -> list[Any]:
        return [self.reason, self.event_id, kept_note(self.note), self.heir]


@dataclass(slots=True)
class Asked:
    """What the pending run was asked for with, until it begins: it is asked for again when its turn comes."""

    until: int = 0
    """epoch milliseconds; 0: the scheduler has not answered yet"""
    attempt: int = 0
    reason: str = ""
    project_id: str = ""
    event_id: str = ""
    queued_as: str = ""
    ticket: int = 0
    note: Plain | None = None
    heir: Plain | None = None

    def wants(self, wanted: Wanted) -> None:
        self.reason, self.event_id, self.note = wanted.reason, wanted.event_id, wanted.note

    def row(self) -> list[Any]:
        about = [self.until, self.attempt, self.reason, self.project_id, self.event_id]
        return [*about, self.queued_as, self.ticket, kept_note(self.note), self.heir]


@dataclass(slots=True)
class Awaited:
    """How long what must come next is waited for: that an approved action is executed, and verified."""

    until: int
    """epoch milliseconds"""
    project_id: str
    event_id: str


@dataclass(slots=True)
class Incident(State):
    incident_id: str = ""
    status: str = ""
    runs: int = 0
    phase: Phase = Phase.NONE
    wanted: Wanted | None = None
    closed_at: int = 0
    """epoch milliseconds, as all times here; 0 while it is open"""
    sighting: bytes = b""
    """the latest, packed: what the next run starts from"""
    taken: tuple[str, ...] = ()
    """what asked for a run or called one off: written twice, it counts once"""
    debate: str = ""
    """how the pending run's debate ended; empty: not yet"""
    early: Plain | None = None
    """the gate's word on the pending run, read before the debate's: topics have no order between them"""
    spent: int = 0
    """the last run whose cost was told"""
    playbook: str = ""
    """of that run's top hypothesis"""
    repeat_at: int = 0
    """from when on a repeat asks for a run; 0: it does not"""
    repeats: int = 0
    """how often one did since the alert or a person said something new"""
    awaited: Awaited | None = None
    failure: str = ""
    """what failed and is being taken back, in one sentence"""
    failures: int = 0
    """runs that were asked for because what was executed failed"""
    asked: Asked | None = None
    children: list[list[Any]] = field(default_factory=list)
    """[incident, its run, when it opened]: whom the pending run serves beside its own incident"""
    ended: list[Any] | None = None
    """how the last run ended, where that is an answer for what is connected too"""
    flapping: bool = False
    """its alert goes on and off: only people ask for runs"""
    ahead: list[list[Any]] = field(default_factory=list)
    """what was said of the next run, read before what asks for it: by [type, when, event]"""
    unanswered: list[Any] = field(default_factory=list)
    """[run, attempt, ticket] of the last one that ended while it was being asked for"""
    forgotten: bool = False

    @property
    def waits(self) -> bool:
        """For its turn."""
        return self.phase is Phase.ASKED and self.asked is not None and self.asked.until > 0

    @property
    def pending_run(self) -> str:
        return ids.run_id(self.incident_id, self.runs) if self.phase else ""

    def number_of(self, run_id: str) -> int:
        """Of one of its latest runs; 0: none of them."""
        latest = range(self.runs, max(0, self.runs - MOST_TAKEN), -1)
        return next((number for number in latest if ids.run_id(self.incident_id, number) == run_id), 0)

    def takes(self, event_id: str) -> bool:
        """Whether it was not taken before."""
        mark = event_id[:MARK]
        if mark in self.taken:
            return False
        self.taken = (*self.taken, mark)[-MOST_TAKEN:]
        return True

    # -- the row

    @classmethod
    def of_row(cls, key: bytes, row: bytes | None) -> Incident:
        if row is None:
            return cls(incident_id=key.decode())
        told, _, sighting = row.partition(BEHIND)
        values = unpack(told)
        if len(values) == OLD_ROW:
            return _of_old_row(key, values)
        _, seen, status, runs, phase, wanted, closed_at, taken, more = values
        known = cls(
            seen, False, key.decode(), status, runs, Phase(phase), _wanted(wanted), closed_at, sighting
        )
        known.taken = tuple(taken)
        for name, value in more.items():
            setattr(known, name, value)
        known.awaited = known.awaited and Awaited(*more["awaited"])
        known.asked = known.asked and _asked(more["asked"])
        return known

    def row(self) -> bytes | None:
        if self.forgotten:
            return None
        wanted = self.wanted and self.wanted.row()
        more = {name: value for name in MORE if (value := getattr(self, name))}
        if self.awaited:
            more["awaited"] = [self.awaited.until, self.awaited.project_id, self.awaited.event_id]
        if self.asked:
            more["asked"] = self.asked.row()
        facts = [self.status, self.runs, self.phase, wanted, self.closed_at, self.taken, more]
        return b"".join((pack([self._wake_at(), self.seen, *facts]), BEHIND, self.sighting))

    def _wake_at(self) -> int:
        """As in the oldest rows, where it was the closing: so much before time must wake it; 0 for never."""
        waits = [self.closed_at] if self.closed_at else []
        if self.awaited:
            waits.append(self.awaited.until - KEPT_AFTER_CLOSING)
        if self.asked and self.asked.until:
            waits.append(self.asked.until - KEPT_AFTER_CLOSING)
        return min(waits, default=0)


def due(row: bytes) -> int | None:
    """When nothing came of what was approved; when a closed incident can no longer be reopened."""
    wake_at = int(row[1 : row.index(b",")])
    return wake_at + KEPT_AFTER_CLOSING if wake_at else None


def _wanted(kept: list[Any] | None) -> Wanted | None:
    return Wanted(kept[0], kept[1], opened_note(kept[2]), *kept[3:]) if kept else None


def _asked(kept: list[Any]) -> Asked:
    asked = Asked(*kept)
    asked.note = opened_note(asked.note)
    return asked


def _of_old_row(key: bytes, values: list[Any]) -> Incident:
    """Of the first version, which knew one phase: a worker takes over what the one before it has kept."""
    closed_at, seen, status, runs, pending_run, wanted = values
    phase = Phase.RUNNING if status == "INVESTIGATING" else Phase.ASKED
    known = Incident(seen, False, key.decode(), status, runs, phase if pending_run else Phase.NONE)
    known.closed_at = closed_at
    if wanted:
        known.wanted = Wanted(wanted["reason"], wanted["event_id"])
        sealed = wanted["sealed"]
        known.sighting = pack_sighting(sealed and b64decode(sealed), wanted["payload"])
    return known
