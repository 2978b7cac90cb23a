"""What became of an authorized action: who claimed it, that it began, and how it ended."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar, Literal

from pydantic import Field

from schemas.authorization import Authorization
from schemas.envelope import Event, Long, Plain
from schemas.plan import Action
from schemas.preflight import Check

THE_ACTION = "the action alone: the first of its ends counts"
ITS_VERIFICATION = "the action's verification: the first of its ends counts"
EITHER = "the action, or its verification: the first end of each counts"


class Result(StrEnum):
    SUCCEEDED = "SUCCEEDED"
    """done, and seen to be as it was asked to be"""
    FAILED = "FAILED"
    """the target said no, or it was done and is not as it was asked to be"""
    VOIDED = "VOIDED"
    """nothing was done: the target had changed"""
    REFUSED = "REFUSED"
    """nothing was done: the executor's own no"""
    UNVERIFIED = "UNVERIFIED"
    """it was done, and nobody can tell whether it is as it was asked to be"""
    UNKNOWN = "UNKNOWN"
    """nobody can tell whether it was done"""


class Claim(Plain):
    target: str = Field(description="the record's key, as of the authorization")
    action_id: str = Field(description="what is claimed")
    attempt: Long = Field(1, description="1, and one more where a probe proved that nothing had happened")
    claimed_by: str = Field(description="the process, by a name that no other has")
    valid_secs: Long = Field(description="from then on nothing is begun because of it")


class ExecutionClaimed(Event):
    """A process means to carry an action out; the first claim of an attempt in the log has it."""

    type: Literal["execution.claimed"] = "execution.claimed"
    payload: Claim
    id_over: ClassVar[str] = "the action, the attempt, the process"


class Execution(Plain):
    target: str = Field(description="as of the authorization")
    action_id: str = Field(description="the idempotency key of all that was done")
    approval_id: str = Field("", description="the approval; empty: policy allowed it without a person")
    attempt: Long = Field(1, description="which claim it was")
    executor: str = Field("", description="kubernetes, …; empty where it did not come so far")
    action: Action = Field(description="what was to be done")
    action_hash: str = Field(description="of exactly this action")
    trust_key: str = Field("", description="whose trust hangs on how it ends; empty: nobody's")
    code: str = Field("", description="why it ended so: a constant")
    reason: str = Field("", description="the same in one sentence, in the words of who said no")
    observed_state: str = Field("", description="hash of the target as it was approved")
    observed_now: str = Field("", description="hash of the target as it was found")
    state_now: dict[str, str] = Field(default_factory=dict, description="what that hash is over")
    checks: tuple[Check, ...] = Field((), description="made again right before")
    result: Result | None = Field(
        None, description="how it came out; none: not known yet. What was done has SUCCEEDED once verified"
    )
    undoes: str = Field("", description="the action that this one takes back; empty: it is none's undo")
    undo_id: str = Field("", description="the action that now takes it back; empty: none does")
    authorization: Authorization | None = Field(
        None, description="what allowed it, where it can be taken back: the undo was signed with it"
    )


class ExecutionStarted(Event):
    """Every check has passed; the call is about to be made. Written, and durable, before it."""

    type: Literal["execution.started"] = "execution.started"
    payload: Execution
    id_over: ClassVar[str] = "the action"


class ExecutionSucceeded(Event):
    """It was done. Whether it helps is told by verification."""

    type: Literal["execution.succeeded"] = "execution.succeeded"
    payload: Execution
    id_over: ClassVar[str] = THE_ACTION


class ExecutionFailed(Event):
    """The target said no, to all or to a part of it; or it was done, and is not as it was asked to be."""

    type: Literal["execution.failed"] = "execution.failed"
    payload: Execution
    id_over: ClassVar[str] = EITHER


class ExecutionRefused(Event):
    """The executor's own no: nothing was done."""

    type: Literal["execution.refused"] = "execution.refused"
    payload: Execution
    id_over: ClassVar[str] = THE_ACTION


class ExecutionShadowed(Event):
    """It would have been done, had its project not been in shadow mode."""

    type: Literal["execution.shadowed"] = "execution.shadowed"
    payload: Execution
    id_over: ClassVar[str] = THE_ACTION


class ExecutionVoided(Event):
    """The target, or what the checks said of it, had changed since it was approved: nothing was done."""

    type: Literal["execution.voided"] = "execution.voided"
    payload: Execution
    id_over: ClassVar[str] = THE_ACTION


class ExecutionUnknown(Event):
    """Nobody can tell whether it was done. It is not tried again: a person has to look."""

    type: Literal["execution.unknown"] = "execution.unknown"
    payload: Execution
    id_over: ClassVar[str] = THE_ACTION


class ExecutionVerified(Event):
    """The target is as it was asked to be, and the playbook's query says so too."""

    type: Literal["execution.verified"] = "execution.verified"
    payload: Execution
    id_over: ClassVar[str] = ITS_VERIFICATION


class ExecutionUnverified(Event):
    """It was done, and nobody can tell whether the target is as it was asked to be."""

    type: Literal["execution.unverified"] = "execution.unverified"
    payload: Execution
    id_over: ClassVar[str] = ITS_VERIFICATION


class ExecutionUndone(Event):
    """What had failed was taken back, and the target is as it was before."""

    type: Literal["execution.undone"] = "execution.undone"
    payload: Execution
    id_over: ClassVar[str] = ITS_VERIFICATION


class ExecutionSettled(Event):
    """Whether the alert resolved in time, once it was verified. It changes no result."""

    type: Literal["execution.settled"] = "execution.settled"
    payload: Execution
    id_over: ClassVar[str] = "the verified action"


class ExecutionRelapsed(Event):
    """A later verdict: the alert came back within an hour of a verified success."""

    type: Literal["execution.relapsed"] = "execution.relapsed"
    payload: Execution
    id_over: ClassVar[str] = "the verified action"


EXECUTION_EVENTS: tuple[type[Event], ...] = (
    ExecutionStarted,
    ExecutionSucceeded,
    ExecutionFailed,
    ExecutionRefused,
    ExecutionShadowed,
    ExecutionVoided,
    ExecutionUnknown,
    ExecutionVerified,
    ExecutionUnverified,
    ExecutionUndone,
    ExecutionSettled,
    ExecutionRelapsed,
)
