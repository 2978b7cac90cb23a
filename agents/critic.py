"""The critic: what speaks against the diagnosis and against the plan."""

from __future__ import annotations

from agents.desk import Desk, Watch, input_hash, snapshot_hash
from schemas.plan import PlannedPayload
from schemas.turn import Agent, Vote
from schemas.verdict import CritiquedPayload


async def critique(planned: PlannedPayload, desk: Desk, seconds: float) -> CritiquedPayload:
    """At least three questions; it may lower the confidence, never raise it."""
    hashed = input_hash(snapshot_hash(planned.brief), planned.diagnosis, planned.plan)
    watch = Watch(Agent.CRITIC, hashed, desk.clock)
    return CritiquedPayload(
        turn=watch.turn(Vote.ABSTAIN, degraded=True), deadline_at=planned.brief.deadline_at
    )
