"""The coordinator: rules only, no model. It judges the argument; policy judges the risk."""

from __future__ import annotations

from datetime import datetime

from agents.desk import Desk, Watch, input_hash, snapshot_hash
from agents.heard import Heard
from schemas.decision import Branch, Package, SessionStatus
from schemas.turn import Agent, Vote


def decide(heard: Heard, now: datetime, desk: Desk) -> Package:
    """The gate. Call it when `heard.complete`, or when the deadline has passed: it looks at `now` itself."""
    brief = heard.seen
    watch = Watch(Agent.COORDINATOR, input_hash(snapshot_hash(brief) if brief else None), desk.clock)
    return Package(
        turn=watch.turn(Vote.ABSTAIN),
        session_status=SessionStatus.COMPLETED,
        branch=Branch.ALL_DEGRADED,
        requires_human_approval=True,
        confidence=0.0,
        debate_summary="",
        all_agents_degraded=True,
        latency_ms=round((now - heard.started_at).total_seconds() * 1000),
        missing=heard.missing,
        brief=brief,
        deadline_at=heard.deadline_at,
    )
