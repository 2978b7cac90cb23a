"""What policy asks people to approve, and how that ends."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from schemas.envelope import Event, Moment, Plain
from schemas.outcome import Decision, Needed, PolicyMark
from schemas.plan import Action

ENDING = "the approval alone: the first of its ends counts"


class ApprovalRequest(Decision):
    """The whole decision, with what a request cannot be without."""

    approval_id: str = Field(description="incident id, -A, number of the run")
    action: Action = Field(description="what is asked for, in plain words and as exact parameters")
    needed: Needed = Field(description="whose signatures are asked for")
    observed_state: str = Field("", description="hash of what preflight saw; empty: nobody could look")
    workload: str = Field("", description="keyed hash of what owns the target, as preflight saw it")
    commitments: dict[str, str] = Field(
        default_factory=dict, description="label: salted commitment to its real value"
    )
    expires_at: Moment = Field(description="when the request ends unanswered")
    proof: str = Field("", description="that the gate asked this, by a key that policy and execution share")


class ApprovalRequested(Event):
    """People were asked to approve an action."""

    type: Literal["approval.requested"] = "approval.requested"
    payload: ApprovalRequest
    id_over: ClassVar[str] = "the approval"


class ApprovalEnd(Plain):
    approval_id: str = Field(description="which approval")
    state: str = Field(description="APPROVED, REJECTED, EXPIRED or VOIDED")
    rule: str = Field(
        description="what closed it: quorum, rejection, expiry, resolved, cancelled or other_policy"
    )
    reason: str = Field(description="in one sentence")
    action_hash: str = Field(description="of the action that was asked for")
    signed_by: tuple[str, ...] = Field((), description="whose votes counted")
    policy: PolicyMark = Field(description="the policy that asked")
    policy_in_force: PolicyMark = Field(description="the policy in force when it closed")


class ApprovalApproved(Event):
    """Enough entitled people signed."""

    type: Literal["approval.approved"] = "approval.approved"
    payload: ApprovalEnd
    id_over: ClassVar[str] = ENDING


class ApprovalRejected(Event):
    """One entitled person rejected it."""

    type: Literal["approval.rejected"] = "approval.rejected"
    payload: ApprovalEnd
    id_over: ClassVar[str] = ENDING


class ApprovalExpired(Event):
    """Its time passed before enough people had signed."""

    type: Literal["approval.expired"] = "approval.expired"
    payload: ApprovalEnd
    id_over: ClassVar[str] = ENDING


class ApprovalVoided(Event):
    """What it was asked for is no longer so."""

    type: Literal["approval.voided"] = "approval.voided"
    payload: ApprovalEnd
    id_over: ClassVar[str] = ENDING
