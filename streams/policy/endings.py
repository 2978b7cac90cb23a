"""How an approval ends, as events: for the record, for downstream consumers, for the executor, for trust."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from schemas import ids
from schemas.approval import (
    ApprovalApproved,
    ApprovalEnd,
    ApprovalExpired,
    ApprovalRejected,
    ApprovalRequested,
    ApprovalVoided,
)
from schemas.authorization import ActionAuthorized, Authorization, Signed
from schemas.envelope import Event
from schemas.outcome import Decision, DecisionMade, Outcome
from schemas.trust import Earned, TrustObserved, TrustOutcome
from schemas.vote import VoteVerified
from streams.policy.approvals import State

ENDS: dict[State, type[Event]] = {
    State.APPROVED: ApprovalApproved,
    State.REJECTED: ApprovalRejected,
    State.EXPIRED: ApprovalExpired,
    State.VOIDED: ApprovalVoided,
}
RULES = {
    State.APPROVED: "quorum",
    State.REJECTED: "rejection",
    State.EXPIRED: "expiry",
    State.VOIDED: "resolved",
}
LEFT_TO_PEOPLE = (State.REJECTED, State.EXPIRED)
"""nothing is done, and the incident is still there"""


def ending(
    request: ApprovalRequested,
    votes: Sequence[VoteVerified],
    state: State,
    at: datetime,
    recorded_at: datetime,
    stage: str,
) -> list[Event]:
    """All that is written when an approval closes; `votes` are those that count."""
    about = {
        "project_id": request.project_id,
        "incident_id": request.incident_id,
        "run_id": request.run_id,
        "occurred_at": at,
        "recorded_at": recorded_at,
        "stage": stage,
        "causes": (request.event_id, *(vote.event_id for vote in votes)),
    }
    told = _told(request, votes, state)
    end = ENDS[state](**about, event_id=ids.ending_id("approval", told.approval_id), payload=told)
    made = DecisionMade(
        **about,
        event_id=ids.ending_id("approval decision", told.approval_id),
        payload=_decision(request, told),
    )
    return [end, made, *_consequences(request, votes, told, about)]


def _told(request: ApprovalRequested, votes: Sequence[VoteVerified], state: State) -> ApprovalEnd:
    return ApprovalEnd(
        approval_id=request.payload.approval_id,
        state=state,
        rule=RULES[state],
        reason=_reason(request, votes, state),
        action_hash=request.payload.action_hash,
        signed_by=tuple(vote.payload.person for vote in votes),
    )


def _reason(request: ApprovalRequested, votes: Sequence[VoteVerified], state: State) -> str:
    people = ", ".join(vote.payload.person for vote in votes)
    match state:
        case State.APPROVED:
            return f"approved by {people}"
        case State.REJECTED:
            last = votes[-1].payload
            return f"rejected by {last.person}" + (f": {last.reason}" if last.reason else "")
        case State.EXPIRED:
            asked = request.payload.needed.signatures
            return f"its time passed with {len(votes)} of {asked} signatures"
        case _:
            return "the alert resolved while it waited"


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


def _consequences(
    request: ApprovalRequested, votes: Sequence[VoteVerified], told: ApprovalEnd, about: dict[str, Any]
) -> list[Event]:
    key = request.payload.assessment.trust_key if request.payload.assessment else ""
    if told.state == State.APPROVED:
        event_id = ids.derive_id("action.authorized", told.approval_id)
        payload = _authorization(request, votes)
        return [ActionAuthorized(**about, event_id=event_id, sealed=request.sealed, payload=payload)]
    if told.state == State.REJECTED and key:
        event_id = ids.derive_id("trust.observed", told.approval_id, Earned.REJECTED)
        lost = TrustOutcome(trust_key=key, outcome=Earned.REJECTED, reason=told.reason)
        return [TrustObserved(**about, event_id=event_id, payload=lost)]
    return []


def _authorization(request: ApprovalRequested, votes: Sequence[VoteVerified]) -> Authorization:
    asked, action_id = request.payload, ids.derive_id("action", request.payload.approval_id)
    return Authorization(
        target=asked.action.step.target.id or action_id,
        action_id=action_id,
        approval_id=asked.approval_id,
        action=asked.action,
        action_hash=asked.action_hash,
        observed_state=asked.observed_state,
        commitments=asked.commitments,
        policy=asked.policy,
        needed=asked.needed,
        proposed_by=asked.proposed_by,
        signatures=tuple(
            Signed(person=vote.payload.person, recorded_at=vote.recorded_at, token=vote.payload.token)
            for vote in votes
        ),
        expires_at=asked.expires_at,
    )
