"""The solver: what could be done about it."""

from __future__ import annotations

from agents.desk import Desk, Watch, input_hash, snapshot_hash
from schemas.diagnosis import DiagnosedPayload
from schemas.plan import Plan, PlannedPayload
from schemas.turn import Agent, Vote


async def solve(diagnosed: DiagnosedPayload, desk: Desk, seconds: float) -> PlannedPayload:
    """Abstains where the diagnostician did, whether or not there are hypotheses."""
    brief = diagnosed.brief
    watch = Watch(Agent.SOLVER, input_hash(snapshot_hash(brief), diagnosed.diagnosis), desk.clock)
    return PlannedPayload(
        turn=watch.turn(Vote.ABSTAIN, degraded=True),
        plan=Plan(),
        diagnosed=diagnosed.turn,
        diagnosis=diagnosed.diagnosis,
        brief=brief,
    )
