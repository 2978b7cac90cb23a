"""Trust that is earned: what came of an approved action, and the score that follows."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar, Literal

from pydantic import Field

from schemas.envelope import Event, Long, Moment, Plain


class Earned(StrEnum):
    VERIFIED = "verified"
    REJECTED = "rejected"
    FAILED = "failed"
    RESET = "reset"
    """a person took all trust away"""


class TrustOutcome(Plain):
    trust_key: str = Field(description="project, operation, cluster, namespace, workload with -*")
    outcome: Earned = Field(description="verified, rejected, failed, or reset by a person")
    reason: str = Field("", description="in one sentence")


class TrustObserved(Event):
    """An approved action was verified, or was rejected, or failed."""

    type: Literal["trust.observed"] = "trust.observed"
    payload: TrustOutcome
    id_over: ClassVar[str] = "the approval or the execution, and what came of it"


class TrustScore(Plain):
    """`recent` is what a later change is measured against."""

    trust_key: str = Field(description="project, operation, cluster, namespace, workload with -*")
    score: int = Field(ge=0, lt=2**63, description="verified successes in a row, what decayed taken off")
    used_at: Moment = Field(description="when it last earned, lost or decayed: the next decay counts from it")
    recent: tuple[bool, ...] = Field((), description="the latest outcomes, oldest first: whether verified")
    reason: str = Field("", description="why it changed")


class TrustRaised(Event):
    """An approved action was verified: one more."""

    type: Literal["trust.raised"] = "trust.raised"
    payload: TrustScore
    id_over: ClassVar[str] = "the observation"


class TrustReset(Event):
    """A rejection, a failure or a person took all of it away."""

    type: Literal["trust.reset"] = "trust.reset"
    payload: TrustScore
    id_over: ClassVar[str] = "the observation"


class TrustDecayed(Event):
    """It was not used for long: one less."""

    type: Literal["trust.decayed"] = "trust.decayed"
    payload: TrustScore
    id_over: ClassVar[str] = "the key and the moment it decayed"


class TrustDrift(Plain):
    subject: str = Field(description="the trust key")
    before: float = Field(description="share of successes before")
    after: float = Field(description="share of successes since")
    outcomes: Long = Field(description="how many outcomes were looked at")


class TrustDrifted(Event):
    """The outcomes of what is trusted changed suddenly."""

    type: Literal["trust.drifted"] = "trust.drifted"
    payload: TrustDrift
    id_over: ClassVar[str] = "the observation"
