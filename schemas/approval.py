"""What policy asks people to approve."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from schemas.envelope import Event, Moment
from schemas.outcome import Decision, Needed
from schemas.plan import Action


class ApprovalRequest(Decision):
    """The whole decision, with what a request cannot be without."""

    approval_id: str = Field(description="incident id, -A, number of the run")
    action: Action = Field(description="what is asked for, in plain words and as exact parameters")
    needed: Needed = Field(description="whose signatures are asked for")
    observed_state: str = Field("", description="hash of what preflight saw; empty: nobody could look")
    commitments: dict[str, str] = Field(
        default_factory=dict, description="label: salted commitment to its real value"
    )
    expires_at: Moment = Field(description="when the request ends unanswered")


class ApprovalRequested(Event):
    """People were asked to approve an action."""

    type: Literal["approval.requested"] = "approval.requested"
    payload: ApprovalRequest
    id_over: ClassVar[str] = "the approval"
