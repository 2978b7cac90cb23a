"""The run: one pass of an incident through the agents."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar, Literal

from pydantic import Field

from schemas.alert import Severity
from schemas.envelope import Event, Long, Moment, Plain
from schemas.incident import Sighting


class RunReason(StrEnum):
    OPENED = "opened"
    REOPENED = "reopened"
    SEVERITY_RAISED = "severity_raised"


class RunRequest(Plain):
    number: Long = Field(description="which run of the incident, from 1")
    reason: RunReason = Field(description="why it is asked for")
    severity: Severity = Field(description="highest seen on the incident")
    sighting: Sighting = Field(description="what the agents start from")


class RunRequested(Event):
    """The runs stage asked the scheduler for a run."""

    type: Literal["run.requested"] = "run.requested"
    payload: RunRequest
    id_over: ClassVar[str] = "the run"


class RunStart(Plain):
    number: Long = Field(description="which run of the incident, from 1")
    reason: RunReason = Field(description="why it was asked for")
    severity: Severity = Field(description="highest seen on the incident")
    deadline_at: Moment = Field(description="when the whole run must have ended")
    models: bool = Field(True, description="false: the budget is spent, rules only")
    sighting: Sighting = Field(description="what the agents start from")


class RunStarted(Event):
    """The scheduler let a run begin."""

    type: Literal["run.started"] = "run.started"
    payload: RunStart
    id_over: ClassVar[str] = "the run"


class Spending(Plain):
    """What a run's models have cost."""

    tokens_in: Long = Field(description="tokens of all questions")
    tokens_out: Long = Field(description="tokens of all answers")
    cost_usd: float = Field(description="by the configured prices")


class RunSpent(Event):
    """A run's debate ended; the scheduler keeps the project's budget."""

    type: Literal["run.spent"] = "run.spent"
    payload: Spending
    id_over: ClassVar[str] = "the run"
