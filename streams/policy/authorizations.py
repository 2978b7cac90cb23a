"""What authorizes an action: policy alone, or an approval's signatures. Whole: who acts asks again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from schemas import ids
from schemas.approval import ApprovalRequested
from schemas.authorization import ActionAuthorized, Authorization, Signed
from schemas.operations import Step
from schemas.outcome import Decision, DecisionMade
from schemas.preflight import Preflight
from schemas.vote import VoteVerified
from streams.policy.proof import proven

AS_DECIDED = (
    "action",
    "action_hash",
    "policy",
    "assessment",
    "fused",
    "basis",
    "preflight",
    "checks",
    "needed",
    "proposed_by",
)
AS_SEEN = ("observed_state", "workload", "commitments")
"""by preflight"""
ENVELOPE = {"project_id", "incident_id", "run_id", "occurred_at", "recorded_at", "stage"}


def action_id_of(owner: str) -> str:
    """`owner`: the approval, or the run whose action needed none."""
    return ids.derive_id("action", owner)


def event_id_of(owner: str) -> str:
    return ids.derive_id("action.authorized", owner)


def target_of(step: Step, workload: str, owner: str) -> str:
    """The record's key: acts on one workload come one after the other, whichever of its parts they are on."""
    return workload or step.target.id or action_id_of(owner)


def automatic(
    made: DecisionMade, preflight: Preflight, sealed: bytes | None, expires_at: datetime, key: bytes | None
) -> ActionAuthorized:
    """What policy allows without a person."""
    about = made.model_dump(include=ENVELOPE) | {"causes": (made.event_id, *made.causes), "sealed": sealed}
    seen = {name: getattr(preflight, name) for name in AS_SEEN}
    return _authorized(made.payload, made.run_id, about, {**seen, "expires_at": expires_at}, key)


def approved(
    request: ApprovalRequested, votes: Sequence[VoteVerified], about: dict[str, Any], key: bytes | None
) -> ActionAuthorized:
    """`votes` are those that count."""
    asked = request.payload
    signatures = tuple(
        Signed(person=vote.payload.person, recorded_at=vote.recorded_at, token=vote.payload.token)
        for vote in votes
    )
    more = {
        **{name: getattr(asked, name) for name in AS_SEEN},
        "approval_id": asked.approval_id,
        "signatures": signatures,
        "expires_at": asked.expires_at,
    }
    return _authorized(asked, asked.approval_id, about | {"sealed": request.sealed}, more, key)


def _authorized(
    told: Decision, owner: str, about: dict[str, Any], more: dict[str, Any], key: bytes | None
) -> ActionAuthorized:
    assert told.action is not None  # nothing else is authorized
    decided = {name: getattr(told, name) for name in AS_DECIDED}
    target = target_of(told.action.step, more["workload"], owner)
    payload = Authorization(**decided, **more, action_id=action_id_of(owner), target=target)
    return proven(ActionAuthorized(**about, event_id=event_id_of(owner), payload=payload), key)
