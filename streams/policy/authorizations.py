"""What authorizes an action: policy alone, or an approval's signatures. Whole: who acts asks again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from schemas import ids
from schemas.approval import ApprovalRequest, ApprovalRequested
from schemas.authorization import ActionAuthorized, ActionWithdrawn, Authorization, Signed, Withdrawal
from schemas.envelope import Event
from schemas.operations import Step
from schemas.outcome import Decision, DecisionMade, Outcome
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
ENVELOPE = {"project_id", "incident_id", "run_id", "occurred_at", "recorded_at", "stage"}


def action_id_of(owner: str) -> str:
    """`owner`: the approval, or the run whose action needed none."""
    return ids.derive_id("action", owner)


def event_id_of(owner: str) -> str:
    return ids.derive_id("action.authorized", owner)


def undo_id_of(owner: str) -> str:
    """The action that takes back what `owner` allowed: there is one, and it is taken back by none."""
    return ids.derive_id("undo", owner)


def undo_event_id_of(owner: str) -> str:
    return ids.derive_id("action.authorized", "undo", owner)


def target_of(step: Step, workload: str, owner: str) -> str:
    """The record's key: acts on one workload come one after the other, whichever of its parts they are on."""
    return workload or step.target.id or action_id_of(owner)


def seen_by(looked: Preflight | ApprovalRequest) -> dict[str, Any]:
    """What was seen of the target, for whoever tells of it next."""
    return {name: getattr(looked, name) for name in ("observed_state", "workload", "commitments")}


def automatic(
    made: DecisionMade, preflight: Preflight, sealed: bytes | None, expires_at: datetime, key: bytes | None
) -> ActionAuthorized:
    """What policy allows without a person."""
    about = made.model_dump(include=ENVELOPE) | {"causes": (made.event_id, *made.causes), "sealed": sealed}
    more = {**seen_by(preflight), "expires_at": expires_at}
    return _authorized(made.payload, made.run_id, about, more, key)


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
        **seen_by(asked),
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


def as_authorized(of: Event, told: Authorization) -> ActionAuthorized:
    """The event that allowed it, as its proof is made over it; `of` tells of what was done because of it."""
    about = of.model_dump(include=ENVELOPE) | {"sealed": of.sealed, "causes": (of.event_id,)}
    owner = told.approval_id or of.run_id
    return ActionAuthorized(**about, event_id=event_id_of(owner), payload=told)


def taken_back(done: ActionAuthorized, about: dict[str, Any], key: bytes | None) -> ActionAuthorized:
    """Its undo, under an id of its own: as it was hashed, signed and decided with the action."""
    told = done.payload
    owner = told.approval_id or done.run_id
    ids_of = {"undoes": told.action_id, "action_id": undo_id_of(owner)}
    payload = told.model_copy(update=ids_of)
    return proven(ActionAuthorized(**about, event_id=undo_event_id_of(owner), payload=payload), key)


def as_decision(told: Authorization, outcome: Outcome, rule: str, reason: str) -> Decision:
    """For people: what was authorized, with what becomes of it."""
    known = told.model_dump(include=set(Decision.model_fields))
    ended = {"outcome": outcome, "rule": rule, "reason": reason, "needs_human": False}
    signed_by = tuple(signed.person for signed in told.signatures)
    return Decision.model_validate({**known, **ended, "signed_by": signed_by})


def withdrawn(request: ApprovalRequested, reason: str, about: dict[str, Any]) -> ActionWithdrawn:
    """It needs no proof: whoever could make one up could as well claim the action, and do nothing."""
    asked, owner = request.payload, request.payload.approval_id
    target = target_of(asked.action.step, asked.workload, owner)
    payload = Withdrawal(target=target, action_id=action_id_of(owner), reason=reason)
    return ActionWithdrawn(**about, event_id=ids.derive_id("action.withdrawn", owner), payload=payload)
