"""The whole debate on one brief, in memory: for `awoooi ask`, tests and evaluation.

The same five functions that the stages call; reviewer and critic speak side by side.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from agents.coordinator import decide
from agents.critic import critique
from agents.desk import Desk
from agents.diagnostician import diagnose
from agents.heard import Heard
from agents.reviewer import review
from agents.solver import solve
from schemas.decision import Package
from schemas.evidence import Brief


@dataclass(frozen=True, slots=True)
class Debate:
    heard: Heard
    package: Package


async def debate(brief: Brief, desk: Desk, now: Callable[[], datetime]) -> Debate:
    """Ends by the brief's deadline at the latest, with whatever was said until then."""
    heard = Heard(started_at=brief.started_at, deadline_at=brief.deadline_at, brief=brief)
    left = (brief.deadline_at - now()).total_seconds()
    try:
        async with asyncio.timeout(max(left, 0)):
            await _speak(heard, brief, desk, left)
    except TimeoutError:
        ended = max(now(), brief.deadline_at)
        return Debate(heard, decide(heard, ended, desk))
    return Debate(heard, decide(heard, now(), desk))


async def _speak(heard: Heard, brief: Brief, desk: Desk, left: float) -> None:
    began = desk.clock()

    def share(steps: int) -> float:
        return (left - (desk.clock() - began)) / steps

    heard.diagnosed = await diagnose(brief, desk, share(3))
    heard.planned = await solve(heard.diagnosed, desk, share(2))
    verdicts = asyncio.gather(review(heard.planned, desk, share(1)), critique(heard.planned, desk, share(1)))
    heard.reviewed, heard.critiqued = await verdicts
