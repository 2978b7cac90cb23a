"""The reviewer: whether the plan is safe."""

from __future__ import annotations

from agents.desk import Desk, Watch, input_hash, snapshot_hash
from schemas.plan import PlannedPayload
from schemas.turn import Agent, Vote
from schemas.verdict import ReviewedPayload


async def review(planned: PlannedPayload, desk: Desk, seconds: float) -> ReviewedPayload:
    """Hard rules first: nobody overrides them."""
    watch = Watch(Agent.REVIEWER, input_hash(snapshot_hash(planned.brief), planned.plan), desk.clock)
    return ReviewedPayload(
        turn=watch.turn(Vote.ABSTAIN, degraded=True), deadline_at=planned.brief.deadline_at
    )
