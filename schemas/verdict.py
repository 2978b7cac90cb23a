"""What reviewer and critic say of the plan, independently of each other."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar, Literal

from pydantic import Field

from schemas.envelope import Event, Moment, Plain
from schemas.turn import Turn


class Violation(Plain):
    """A hard rule that some text breaks: nobody can override it."""

    rule: str = Field(description="which hard rule, a short constant")
    where: str = Field(description="which text: an action's command, a playbook's step, a tool's argument")
    why: str = Field(description="in one sentence")


class ReviewedPayload(Plain):
    turn: Turn = Field(description="how the agent came to it")
    action: str = Field("", description="id of the action that was judged")
    violations: tuple[Violation, ...] = Field((), description="hard rules that are broken")
    concerns: tuple[str, ...] = Field((), description="what else speaks against it")
    blast_radius: int = Field(0, ge=0, le=100, description="as judged")
    deadline_at: Moment = Field(description="when the whole run must have ended")


class RcaReviewed(Event):
    """The reviewer judged the plan's safety, or gave up."""

    type: Literal["rca.reviewed"] = "rca.reviewed"
    payload: ReviewedPayload
    id_over: ClassVar[str] = "the run and the agent"


class Gravity(StrEnum):
    MINOR = "minor"
    MAJOR = "major"
    CRITICAL = "critical"


class Challenge(Plain):
    question: str = Field(description="what is doubtful, as a question")
    about: str = Field(description="cause, alternative or effect")
    severity: Gravity = Field(description="critical ones reject")
    evidence: tuple[str, ...] = Field((), description="ids of the items that it rests on")


class CritiquedPayload(Plain):
    turn: Turn = Field(description="how the agent came to it")
    action: str = Field("", description="id of the action that was argued against")
    challenges: tuple[Challenge, ...] = Field((), description="at least three")
    confidence: float = Field(
        0.0, ge=0, le=1, description="in the top hypothesis; never above the diagnostician's"
    )
    deadline_at: Moment = Field(description="when the whole run must have ended")


class RcaCritiqued(Event):
    """The critic argued against the plan, or gave up."""

    type: Literal["rca.critiqued"] = "rca.critiqued"
    payload: CritiquedPayload
    id_over: ClassVar[str] = "the run and the agent"
