"""A target that guards nothing: each effect is a line at the end of a file, and the same order makes two."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from connectors.executors.contract import (
    Checked,
    Done,
    Effect,
    End,
    Executor,
    Happened,
    MayGoOn,
    Observed,
    Order,
    Probed,
    Verified,
)
from schemas.operations import Operation, Step
from schemas.preflight import Check

OBSERVED = Observed({"uid": "paper"}, "1")
IN_FLIGHT_SECS = 0.05


@dataclass(frozen=True)
class Paper(Executor):
    file: Path
    name: str = "paper"
    operations: frozenset[Operation] = frozenset({Operation.RESTART_JOB})

    def validate(self, order: Order) -> str:
        return ""

    async def check(self, order: Order) -> Checked:
        return Checked((Check(name="owned", passed=True),), OBSERVED)

    async def dry_run(self, order: Order) -> Check:
        return Check(name="dry_run", passed=True)

    async def execute(self, order: Order, expected: str, may_go_on: MayGoOn) -> Done:
        why = may_go_on(OBSERVED)
        if why:
            return Done(End.REFUSED, why, OBSERVED)
        await asyncio.sleep(IN_FLIGHT_SECS)
        self._append(order.action_id)
        await asyncio.sleep(IN_FLIGHT_SECS)
        return Done(End.DONE, "", OBSERVED)

    async def probe(self, order: Order, expected: str, before: Observed | None = None) -> Probed:
        """What is not there may still come, and then it would be a second line."""
        done = written(self.file)[order.action_id]
        return Probed(Happened.YES if done else Happened.NO, "as the paper says")

    async def verify(self, order: Order, before: Observed | None = None) -> Verified:
        return Verified(Effect.HOLDS)

    def undo(self, order: Order, checked: Checked) -> Step | None:
        return None

    def _append(self, line: str) -> None:
        """Whole, and after all that others have written."""
        paper = os.open(self.file, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        try:
            os.write(paper, f"{line}\n".encode())
        finally:
            os.close(paper)


def written(file: Path) -> Counter[str]:
    """Action → how often it was done."""
    return Counter(file.read_text().split() if file.exists() else ())
