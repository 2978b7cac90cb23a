"""A storm of one project: who may begin at once, who waits, and when each is to ask again.

Up to a threshold of new incidents a minute everybody begins at once. Past it one draws a ticket of one's
severity and is told when to ask again. Kept are counts alone, no requests and no names: the row of a project
is as small with a hundred thousand waiting as with ten. Who waits keeps what it asked for itself (runs.py).

The more severe go first: nobody begins while one that is more severe waits, and critical ones have a share of
their own. What does not come back (its incident was over, and nothing told so) is given up after a while.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from schemas.alert import Severity
from streams.windows import MINUTE

BUCKET = 10_000
"""milliseconds; a minute is counted in six of them"""
BURST = 3_000
"""what was not used of the last seconds may be made up for: those who wait are woken by the second"""
LOOK_AGAIN = 10 * MINUTE
"""who waits for longer asks when half of it has passed: by then others may have gone"""
GIVEN_UP = 5 * MINUTE
"""after the time at which the last of a queue was to ask, none of it waits any more"""
AWAY = 2 * MINUTE
"""a storm is looked at once a minute: where it was not for so long, nobody could ask"""
MOST_DOUBLED = 6
SEVEREST_FIRST = (Severity.CRITICAL, Severity.WARNING, Severity.INFO)


@dataclass(frozen=True, slots=True)
class StormConfig:
    """New incidents a minute that make a storm (0: none does), and how many begin a minute while it lasts."""

    threshold: int = 0
    released: int = 30
    critical: int = 30
    """beside `released`, for critical ones alone"""


@dataclass(frozen=True, slots=True)
class Ticket:
    queue: Severity
    number: int


@dataclass(frozen=True, slots=True)
class Wait:
    ticket: Ticket
    until: int
    """epoch milliseconds, as all times here"""
    waiting: int


@dataclass(slots=True)
class Queue:
    given: int = 0
    gone: int = 0
    last: int = 0
    """the latest time at which one of it is to ask again"""

    @property
    def waiting(self) -> int:
        return self.given - self.gone

    def ahead(self, number: int) -> int:
        """Of that ticket, at most; itself among them."""
        return max(1, number - self.gone)

    def leave(self) -> None:
        self.gone = min(self.gone + 1, self.given)


@dataclass(slots=True)
class Gate:
    """Lets one through every so often."""

    free_at: int = 0

    def opens(self, at: int, a_minute: int) -> bool:
        if a_minute <= 0 or self.free_at > at:
            return False
        self.free_at = max(self.free_at, at - BURST) + MINUTE // a_minute
        return True


@dataclass(slots=True)
class Storm:
    opened: list[list[int]] = field(default_factory=list)
    """[bucket since 1970, new incidents in it], of the last minute"""
    began_at: int = 0
    """0: there is none"""
    gate: Gate = field(default_factory=Gate)
    critical: Gate = field(default_factory=Gate)
    queues: dict[Severity, Queue] = field(default_factory=lambda: {one: Queue() for one in SEVEREST_FIRST})

    def count(self, at: int) -> int:
        """One more new incident; how many there were within a minute."""
        bucket = at // BUCKET
        if self.opened and self.opened[-1][0] >= bucket:
            self.opened[-1][1] += 1
        else:
            self.opened.append([bucket, 1])
        return self.within_a_minute(at)

    def within_a_minute(self, at: int) -> int:
        oldest = at // BUCKET - MINUTE // BUCKET + 1
        self.opened = [one for one in self.opened if one[0] >= oldest]
        return sum(number for _, number in self.opened)

    @property
    def waiting(self) -> int:
        return sum(queue.waiting for queue in self.queues.values())

    def passes(self, millis: int) -> None:
        """Time that passed at once: while all was away nobody missed an appointment."""
        if self.began_at and millis > AWAY:
            for queue in self.queues.values():
                queue.last += millis

    def turns(self, at: int, limits: StormConfig) -> bool:
        """Whether it began or ended by this time."""
        self._give_up(at)
        rages = self.within_a_minute(at) > limits.threshold > 0 or self.waiting > 0
        if rages == bool(self.began_at):
            return False
        self.began_at = at if rages else 0
        if rages:
            self.gate, self.critical = Gate(at + MINUTE // max(1, limits.released)), Gate(at)
        else:
            self.queues = {one: Queue() for one in SEVEREST_FIRST}
        return True

    def asks(
        self, severity: Severity, held: Ticket | None, attempt: int, at: int, limits: StormConfig
    ) -> Wait | None:
        """None: it may begin. A ticket of another severity is given back: it has been raised."""
        if held and held.queue is not severity:
            self.leave(held)
            held = None
        if not self.began_at or self._may_begin(severity, held, at, limits):
            self.leave(held)
            return None
        return self._waits(severity, held, attempt, at, limits)

    def leave(self, held: Ticket | None) -> None:
        if held:
            self.queues[held.queue].leave()

    def _may_begin(self, severity: Severity, held: Ticket | None, at: int, limits: StormConfig) -> bool:
        if any(queue.waiting for queue in self._before(severity)):
            return False
        if not held and self.queues[severity].waiting:
            return False  # who comes anew overtakes nobody
        if severity is Severity.CRITICAL and self.critical.opens(at, limits.critical):
            return True
        return self.gate.opens(at, limits.released)

    def _waits(
        self, severity: Severity, held: Ticket | None, attempt: int, at: int, limits: StormConfig
    ) -> Wait:
        queue = self.queues[severity]
        if held is None:
            queue.given += 1
            held = Ticket(severity, queue.given)
        ahead = queue.ahead(held.number) + sum(one.waiting for one in self._before(severity))
        rate = limits.released + (limits.critical if severity is Severity.CRITICAL else 0)
        turns = ahead if ahead > 1 else _backed_off(held.number, attempt)
        wait = turns * MINUTE // max(1, rate)
        until = at + (wait if wait <= LOOK_AGAIN else max(LOOK_AGAIN, wait // 2))
        queue.last = max(queue.last, until)
        return Wait(held, until, self.waiting)

    def _before(self, severity: Severity) -> Iterator[Queue]:
        return (self.queues[one] for one in SEVEREST_FIRST if one.rank > severity.rank)

    def _give_up(self, at: int) -> None:
        for queue in self.queues.values():
            if queue.waiting and queue.last + GIVEN_UP < at:
                queue.gone = queue.given

    # -- the row

    def row(self) -> list[Any]:
        queues = [[one.given, one.gone, one.last] for one in self.queues.values()]
        return [self.opened, self.began_at, self.gate.free_at, self.critical.free_at, queues]

    @classmethod
    def of_row(cls, row: list[Any]) -> Storm:
        opened, began_at, free_at, critical_at, queues = row
        kept = {one: Queue(*values) for one, values in zip(SEVEREST_FIRST, queues, strict=True)}
        return cls(opened, began_at, Gate(free_at), Gate(critical_at), kept)


def _backed_off(number: int, attempt: int) -> int:
    """Many may think that it is their turn, where those behind them have gone: they spread out."""
    doubled = 1 << min(attempt, MOST_DOUBLED)
    return doubled + number % doubled
