"""The diagnostician: what may be the cause, with what speaks for it."""

from __future__ import annotations

from agents.desk import Desk, Watch, snapshot_hash
from schemas.diagnosis import DiagnosedPayload, Diagnosis
from schemas.evidence import Brief
from schemas.turn import Agent, Vote


async def diagnose(brief: Brief, desk: Desk, seconds: float) -> DiagnosedPayload:
    """`seconds` is what it may spend of the run; no model is asked where none are left."""
    watch = Watch(Agent.DIAGNOSTICIAN, snapshot_hash(brief), desk.clock)
    return DiagnosedPayload(turn=watch.turn(Vote.ABSTAIN, degraded=True), diagnosis=Diagnosis(), brief=brief)
