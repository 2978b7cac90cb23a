"""How an approval ends, as events: for the record, for downstream consumers, for the executor, for trust."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from prometheus_client import Counter

from schemas import ids
from schemas.approval import (
    ApprovalApproved,
    ApprovalEnd,
    ApprovalExpired,
    ApprovalRejected,
    ApprovalRequested,
    ApprovalVoided,
)
from schemas.envelope import Event
from schemas.outcome import Decision, DecisionMade, Outcome, PolicyMark
from schemas.trust import Earned, TrustObserved, TrustOutcome
from schemas.vote import VoteVerified
from streams.policy.approvals import State
from streams.policy.authorizations import approved

ENDS: dict[State, type[Event]] = {
    State.APPROVED: ApprovalApproved,
    State.REJECTED: ApprovalRejected,
    State.EXPIRED: ApprovalExpired,
    State.VOIDED: ApprovalVoided,
}
ENDED = Counter("awoooi_approvals_ended_total", "Approvals that ended, by what closed them", ["rule"])
LEFT_TO_PEOPLE = (State.REJECTED, State.EXPIRED)
"""nothing is done, and the incident is still there"""


class Closing(StrEnum):
    """What closed an approval: each reason a constant of its own."""

    QUORUM = "quorum"
    REJECTION = "rejection"
    EXPIRY = "expiry"
    RESOLVED = "resolved"
    """the alert did, while it waited"""
    CANCELLED = "cancelled"
    """its run was called off"""
    OTHER_POLICY = "other_policy"
    """the policy in force would have decided otherwise"""


@dataclass(frozen=True, slots=True)
class End:
    state: State
    rule: Closing
    reason: str
    """in one sentence"""
    at: datetime


def by_vote(state: State, votes: Sequence[VoteVerified], at: datetime) -> End:
    """The last of the votes closed it."""
    if state is State.APPROVED:
        people = ", ".join(vote.payload.person for vote in votes)
        return End(state, Closing.QUORUM, f"approved by {people}", at)
    last = votes[-1].payload
    reason = f"rejected by {last.person}" + (f": {last.reason}" if last.reason else "")
    return End(state, Closing.REJECTION, reason, at)


def by_time(request: ApprovalRequested, votes: Sequence[VoteVerified]) -> End:
    asked = request.payload
    reason = f"its time passed with {len(votes)} of {asked.needed.signatures} signatures"
    return End(State.EXPIRED, Closing.EXPIRY, reason, asked.expires_at)


def ending(
    request: ApprovalRequested,
    votes: Sequence[VoteVerified],
    end: End,
    in_force: PolicyMark,
    recorded_at: datetime,
    stage: str,
    key: bytes | None,
) -> list[Event]:
    """All that is written when an approval closes; `votes` are those that count."""
    about = {
        "project_id": request.project_id,
        "incident_id": request.incident_id,
        "run_id": request.run_id,
        "occurred_at": end.at,
        "recorded_at": recorded_at,
        "stage": stage,
        "causes": (request.event_id, *(vote.event_id for vote in votes)),
    }
    told = ApprovalEnd(
        approval_id=request.payload.approval_id,
        state=end.state,
        rule=end.rule,
        reason=end.reason,
        action_hash=request.payload.action_hash,
        signed_by=tuple(vote.payload.person for vote in votes),
        policy=request.payload.policy,
        policy_in_force=in_force,
    )
    ended = ENDS[end.state](**about, event_id=ids.ending_id("approval", told.approval_id), payload=told)
    made = DecisionMade(
        **about,
        event_id=ids.ending_id("approval decision", told.approval_id),
        payload=_decision(request, told),
    )
    ENDED.labels(end.rule).inc()
    if end.state is State.APPROVED:
        return [ended, made, approved(request, votes, about, key)]
    return [ended, made, *_lost_trust(request, told, about)]


def _decision(request: ApprovalRequested, told: ApprovalEnd) -> Decision:
    """The request as it was, with how it ended."""
    asked = request.payload
    whole: dict[str, Any] = {name: getattr(asked, name) for name in Decision.model_fields}
    state = State(told.state)
    ended = {
        "outcome": Outcome(told.state),
        "rule": told.rule,
        "reason": told.reason,
        "needs_human": state in LEFT_TO_PEOPLE,
        "signed_by": told.signed_by,
    }
    return Decision(**(whole | ended))


def _lost_trust(request: ApprovalRequested, told: ApprovalEnd, about: dict[str, Any]) -> list[Event]:
    """One rejection takes all of it."""
    key = request.payload.assessment.trust_key if request.payload.assessment else ""
    if told.state != State.REJECTED or not key:
        return []
    event_id = ids.derive_id("trust.observed", told.approval_id, Earned.REJECTED)
    lost = TrustOutcome(trust_key=key, outcome=Earned.REJECTED, reason=told.reason)
    return [TrustObserved(**about, event_id=event_id, payload=lost)]
