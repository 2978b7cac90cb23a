"""The only thing that executes. Who acts on it verifies every signature again, with keys of their own."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from schemas.envelope import Event, Moment, Plain
from schemas.outcome import Assessment, Basis, Fused, Needed, PolicyMark
from schemas.plan import Action
from schemas.preflight import Check, PreflightStatus


class Signed(Plain):
    person: str = Field(description="who signed")
    recorded_at: Moment = Field(description="when the intake recorded it: the time it is judged by")
    token: str = Field(description="the compact JWS")


class Authorization(Plain):
    target: str = Field(
        description="the record's key: the workload, else the target's id, or the action's where it has none"
    )
    action_id: str = Field(description="the idempotency key of all that is done because of it")
    approval_id: str = Field("", description="the approval; empty: policy allowed it without a person")
    action: Action = Field(description="what may be done, and what takes it back")
    action_hash: str = Field(description="of exactly this action")
    observed_state: str = Field("", description="hash of the target as it was when it was asked")
    workload: str = Field("", description="keyed hash of what owns the target, as preflight saw it")
    commitments: dict[str, str] = Field(
        default_factory=dict, description="label: salted commitment to its real value"
    )
    policy: PolicyMark = Field(description="the policy that decided")
    assessment: Assessment = Field(description="how risky it is, and why")
    fused: Fused = Field(description="how sure, and from what")
    basis: Basis = Field(description="what else it was decided from")
    preflight: PreflightStatus = Field(description="what the checks before the proposal gave")
    checks: tuple[Check, ...] = Field((), description="they themselves")
    needed: Needed | None = Field(None, description="whose signatures it took")
    proposed_by: str = Field("", description="agents, rules, or a person's name")
    signatures: tuple[Signed, ...] = Field((), description="those that were counted")
    expires_at: Moment = Field(description="from then on nothing may be done because of it")
    undoes: str = Field(
        "", description="the action that is taken back by its undo; empty: its step itself is to be done"
    )
    proof: str = Field("", description="that it was decided so, by a key that policy and execution share")


class ActionAuthorized(Event):
    """An action may be executed, once."""

    type: Literal["action.authorized"] = "action.authorized"
    payload: Authorization
    id_over: ClassVar[str] = "the approval, or the run whose action needed none"


class Withdrawal(Plain):
    target: str = Field(description="the record's key, as of the authorization")
    action_id: str = Field(description="what is not to be done any more")
    reason: str = Field(description="in one sentence")


class ActionWithdrawn(Event):
    """A run was called off just as its action was authorized: what has not begun is not done."""

    type: Literal["action.withdrawn"] = "action.withdrawn"
    payload: Withdrawal
    id_over: ClassVar[str] = "the action"
