"""How a debate ends: the coordinator's decision package, what came late, what is learned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, ClassVar, Literal

from pydantic import Field

from schemas.diagnosis import Hypothesis
from schemas.envelope import Event, Long, Moment, Place, Plain
from schemas.evidence import Brief
from schemas.incident import CauseVerdict
from schemas.plan import Action
from schemas.turn import Agent, Turn, Usage, Vote
from schemas.verdict import Challenge, Violation


class SessionStatus(StrEnum):
    COMPLETED = "COMPLETED"
    TIMEOUT = "TIMEOUT"
    FAILED = "FAILED"


class Branch(StrEnum):
    """Which line of the coordinator's gate decided, the first match."""

    TIMED_OUT = "timed_out"
    STAGE_FAILED = "stage_failed"
    ALL_DEGRADED = "all_degraded"
    INCONCLUSIVE = "inconclusive"
    REJECTED = "rejected"
    REVISION = "revision_requested"
    UNSURE = "unsure"
    HOLDS = "holds"


class Said(Plain):
    """One agent's turn in short, with the id of the whole."""

    agent: Agent = Field(description="who spoke")
    event_id: str = Field(description="its turn's event")
    vote: Vote = Field(description="what it voted")
    degraded: bool = Field(description="from rules, or from less than it was to have")
    failed: str = Field("", description="why it gave up")
    summary: str = Field("", description="in one or two sentences")


class Package(Plain):
    turn: Turn = Field(description="the coordinator's own; it asks no model")
    session_status: SessionStatus = Field(description="how the debate ended")
    branch: Branch = Field(description="which line of the gate decided")
    requires_human_approval: bool = Field(description="whether a person must decide, as the argument goes")
    recommended_action: Action | None = Field(None, description="none: nothing is recommended")
    confidence: float = Field(strict=True, ge=0, le=1, description="in the top hypothesis, after the critic")
    hypothesis: Hypothesis | None = Field(None, description="the top one")
    other_hypotheses: tuple[Hypothesis, ...] = Field((), description="the others, best first")
    other_actions: tuple[Action, ...] = Field((), description="the others, best first")
    violations: tuple[Violation, ...] = Field((), description="hard rules that are broken")
    challenges: tuple[Challenge, ...] = Field((), description="the critic's")
    debate_summary: str = Field(description="the argument in a few sentences")
    blocked_reason: str = Field("", description="why it is blocked, or why no action is recommended")
    all_agents_degraded: bool = Field(description="nobody spoke from what it was to have")
    latency_ms: Long = Field(description="from the run's start to its decision")
    said: tuple[Said, ...] = Field((), description="the turns, in the order of the argument")
    missing: tuple[Agent, ...] = Field((), description="who had not spoken when the deadline passed")
    usage: Usage = Field(default_factory=Usage, description="of all turns together")
    brief: Brief | None = Field(None, description="what was argued about; none: it never came")
    deadline_at: Moment = Field(description="when the whole run had to have ended")
    no_number: tuple[str, ...] = Field(
        (), description="what held no number when it was read, and is left out"
    )


LEFT_OUT: Mapping[str, Any] = {
    "confidence": 0.0,
    "recommended_action": None,
    "hypothesis": None,
    "other_hypotheses": [],
    "other_actions": [],
    "latency_ms": 0,
    "usage": {},
    "brief": None,
}
"""what stands there instead"""
MUST_BE_WHOLE = frozenset({"recommended_action", "hypothesis", "brief"})


class RcaDecided(Event):
    """The debate ended, in time or by its deadline: exactly once for each run."""

    type: Literal["rca.decided"] = "rca.decided"
    payload: Package
    id_over: ClassVar[str] = "the run's debate, however it ends"

    @classmethod
    def without_numbers(cls, plain: dict[str, Any], places: Sequence[Place], /) -> dict[str, Any] | None:
        """A run waits for it: a person decides. What they sign must be whole, or nothing is recommended."""
        wrong = {str(place[1]) for place in places if place[0] == "payload" and len(place) > 1}
        if not wrong or any(place[0] != "payload" for place in places) or not wrong <= LEFT_OUT.keys():
            return None
        payload = plain["payload"] | {name: LEFT_OUT[name] for name in wrong}
        payload |= {"requires_human_approval": True, "no_number": sorted(wrong)}
        if wrong & MUST_BE_WHOLE:
            payload["recommended_action"] = None
        return {**plain, "payload": payload}


class LateTurn(Plain):
    agent: Agent = Field(description="who spoke late")
    event_id: str = Field(description="its turn's event")
    late_by_ms: Long = Field(description="after the debate had ended")


class RcaLate(Event):
    """A turn came after the debate had ended; it changes nothing."""

    type: Literal["rca.late"] = "rca.late"
    payload: LateTurn
    id_over: ClassVar[str] = "the late turn"


class DebateEnded(Plain):
    session_id: str = Field(description="the run")
    session_status: SessionStatus = Field(description="how the debate ended")
    alert_type: str = Field("", description="what kind of alert")
    confidence: float = Field(description="in the top hypothesis")
    requires_human_approval: bool = Field(description="whether a person must decide")
    all_agents_degraded: bool = Field(description="nobody spoke from what it was to have")
    challenges: Long = Field(description="how many the critic made")
    playbook: str = Field("", description="the recommended action's playbook")


class LearningDebateEnded(Event):
    """An ended debate, kept as input for learning."""

    type: Literal["learning.debate_ended"] = "learning.debate_ended"
    payload: DebateEnded
    id_over: ClassVar[str] = "the run"


class CauseJudged(Plain):
    session_id: str = Field(description="the run whose cause was judged")
    verdict: CauseVerdict = Field(description="of the cause that the run named")
    cause: str = Field("", description="the real one in the person's words, empty where it is not known")
    service: str = Field("", description="whose fault it was, empty where it is not known")
    playbook: str = Field("", description="of the run's top hypothesis; empty: none, or no longer known")


class LearningCauseJudged(Event):
    """A person's word on a run's cause, kept as truth for learning."""

    type: Literal["learning.cause_judged"] = "learning.cause_judged"
    payload: CauseJudged
    id_over: ClassVar[str] = "the person's judgement"
