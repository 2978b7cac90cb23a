"""Runs whose ends are counted: starts written to the log, and a reader of what came of them."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

from schemas.decision import SessionStatus
from schemas.envelope import from_millis
from schemas.run import RunStarted
from tests.faults.following import Following
from tests.streams.stages.evidence_support import started

ENDS = {SessionStatus.COMPLETED, SessionStatus.TIMEOUT}


_numbers = iter(range(10**9))


def start_of(number: int, deadline_secs: float) -> RunStarted:
    """The first run of an incident, beginning now."""
    event, now = started(incident=f"INC-20270115-{number:010d}"), int(time.time() * 1000)
    payload = event.payload.model_copy(update={"deadline_at": from_millis(now + int(deadline_secs * 1000))})
    moment = from_millis(now)
    return event.model_copy(update={"payload": payload, "recorded_at": moment, "occurred_at": moment})


@dataclass
class Runs(Following):
    """`begin` writes starts; `read` takes in what the workers wrote of them."""

    TOPICS = (
        "rca.evidence",
        "rca.diagnoses",
        "rca.plans",
        "rca.reviews",
        "rca.critiques",
        "rca.decisions",
        "stage.failed",
    )

    bootstrap: str
    deadline_secs: float = 60
    begun: set[str] = field(default_factory=set)
    decided: dict[str, dict[str, Any]] = field(default_factory=lambda: defaultdict(dict))
    """run → its decisions by event id: one, if all is well"""
    written: Counter[str] = field(default_factory=Counter)
    """run and type → how often it stands in the log, copies among them"""
    broken: list[Any] = field(default_factory=list)
    """dead letters"""

    async def begin(self, count: int) -> None:
        starts = [start_of(next(_numbers), self.deadline_secs) for _ in range(count)]
        self.begun |= {event.run_id for event in starts}
        await self.put("runs", *starts)

    def take(self, event: Any) -> None:
        """Other tests have runs of their own on the same broker."""
        if event.type != "stage.failed" and event.run_id not in self.begun:
            return
        self.written[f"{event.run_id} {event.type}"] += 1
        if event.type == "stage.failed":
            self.broken.append(event)
        elif event.type == "rca.decided":
            self.decided[event.run_id].setdefault(event.event_id, event)

    async def until_decided(self, timeout: float) -> None:  # noqa: ASYNC109
        await self.until(lambda: self.decided.keys() >= self.begun, "every run ended", timeout)

    async def until_ended(self, count: int, timeout: float = 60) -> None:  # noqa: ASYNC109
        await self.until(lambda: len(self.decided) >= count, f"{count} runs ended", timeout)

    def check(self) -> Counter[str]:
        """Every run ended exactly once, in time or at its deadline. How many of each."""
        assert not self.broken
        assert self.decided.keys() == self.begun, "no run without an end"
        assert {len(ends) for ends in self.decided.values()} <= {1}, "one end a run"
        ends = [event.payload.session_status for ends in self.decided.values() for event in ends.values()]
        assert set(ends) <= ENDS
        assert all(
            event.payload.requires_human_approval for ends in self.decided.values() for event in ends.values()
        )
        return Counter(map(str, ends))

    @property
    def repeated(self) -> int:
        return sum(count - 1 for count in self.written.values())
