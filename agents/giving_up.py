"""The turn of an agent that gave up: what its stage writes when an error or the clock ends it."""

from __future__ import annotations

from agents.desk import Clock, Watch, input_hash, snapshot_hash
from schemas.diagnosis import DiagnosedPayload, Diagnosis
from schemas.evidence import Brief
from schemas.plan import Plan, PlannedPayload
from schemas.turn import Agent, Turn, Vote
from schemas.verdict import CritiquedPayload, ReviewedPayload


def diagnosis_failed(brief: Brief, why: str, clock: Clock) -> DiagnosedPayload:
    turn = _turn(Agent.DIAGNOSTICIAN, brief, why, clock)
    return DiagnosedPayload(turn=turn, diagnosis=Diagnosis(), brief=brief)


def plan_failed(diagnosed: DiagnosedPayload, why: str, clock: Clock) -> PlannedPayload:
    return PlannedPayload(
        turn=_turn(Agent.SOLVER, diagnosed.brief, why, clock),
        plan=Plan(),
        diagnosed=diagnosed.turn,
        diagnosis=diagnosed.diagnosis,
        brief=diagnosed.brief,
    )


def review_failed(planned: PlannedPayload, why: str, clock: Clock) -> ReviewedPayload:
    turn = _turn(Agent.REVIEWER, planned.brief, why, clock)
    return ReviewedPayload(turn=turn, deadline_at=planned.brief.deadline_at)


def critique_failed(planned: PlannedPayload, why: str, clock: Clock) -> CritiquedPayload:
    turn = _turn(Agent.CRITIC, planned.brief, why, clock)
    return CritiquedPayload(turn=turn, deadline_at=planned.brief.deadline_at)


def _turn(agent: Agent, brief: Brief, why: str, clock: Clock) -> Turn:
    watch = Watch(agent, input_hash(snapshot_hash(brief)), clock)
    return watch.turn(Vote.ABSTAIN, degraded=True, failed=why or "it gave up")
