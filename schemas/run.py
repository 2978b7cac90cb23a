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
    REPEATED = "repeated"
    """it fires still, and the run before has ended"""
    RERUN = "rerun"
    """a person asked"""
    VOIDED = "voided"
    """what was asked for no longer holds: the target or the policy changed"""
    EXECUTION_FAILED = "execution_failed"
    """what failed is told in the note"""
    PARENT_RESOLVED = "parent_resolved"
    """it shared a run of an incident that is over, and fires still"""


class Note(Plain):
    """What the one who asked for a run tells it: evidence of the new run."""

    text: str = Field(description="in one or a few sentences, personal values covered")
    actor: str = Field("", description="the person; empty: the system tells what went wrong")
    written_at: Moment = Field(description="when it was written")
    event_id: str = Field(description="the event that it comes from")
    sealed: bytes | None = Field(
        None, description="ciphertext of the real values behind its labels, sealed with that event"
    )


class IncidentRun(Plain):
    """A run, told by its incident and its number."""

    incident_id: str = Field(description="the incident")
    number: Long = Field(description="which run of it, from 1")
    run_id: str = Field(description="the same, as events are of it")


class RunRequest(Plain):
    number: Long = Field(description="which run of the incident, from 1")
    reason: RunReason = Field(description="why it is asked for")
    severity: Severity = Field(description="highest seen on the incident")
    sighting: Sighting = Field(description="what the agents start from")
    note: Note | None = Field(None, description="what the one who asked tells it")
    attempt: Long = Field(0, description="how often it was asked for before, and had to wait")
    queued_as: Severity | None = Field(None, description="whose queue its ticket is of; none: it has none")
    ticket: Long = Field(0, description="its place in the queue, as it was given; 0: none")
    heir: IncidentRun | None = Field(
        None, description="whose run it is to share, where its parent resolved: of the oldest that is left"
    )


class RunRequested(Event):
    """The runs stage asked the scheduler for a run."""

    schema_version: Long = Field(3, description="version of the payload's schema")
    type: Literal["run.requested"] = "run.requested"
    payload: RunRequest
    version: ClassVar[int] = 3
    id_over: ClassVar[str] = "the run, and the attempt where it is not the first"


class RunStart(Plain):
    number: Long = Field(description="which run of the incident, from 1")
    reason: RunReason = Field(description="why it was asked for")
    severity: Severity = Field(description="highest seen on the incident")
    deadline_at: Moment = Field(description="when the whole run must have ended")
    models: bool = Field(True, description="false: the budget is spent, rules only")
    sighting: Sighting = Field(description="what the agents start from")
    note: Note | None = Field(None, description="what the one who asked tells it")


class RunStarted(Event):
    """The scheduler let a run begin."""

    schema_version: Long = Field(3, description="version of the payload's schema")
    type: Literal["run.started"] = "run.started"
    payload: RunStart
    version: ClassVar[int] = 3
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


class ThrottleReason(StrEnum):
    STORM = "storm"
    """too many new incidents at once: it waits for its turn"""
    FINGERPRINT_BUDGET = "fingerprint_budget"
    """this alert has had its runs of the day: something goes round in circles"""
    DAY_BUDGET = "day_budget"
    """the project has had its runs of the day"""


class Throttle(Plain):
    number: Long = Field(description="which run of the incident, from 1")
    attempt: Long = Field(description="which request this answers, from 0")
    reason: ThrottleReason = Field(description="why it is not started")
    severity: Severity = Field(description="highest seen on the incident: who waits in which queue")
    release_at: Moment = Field(
        description="when it is asked for again; where a budget is spent: the next day"
    )
    ticket: Long = Field(0, description="its place in the queue; 0: it is in none")
    waiting: Long = Field(0, description="how many of the project wait, this one among them")
    detail: str = Field("", description="in one sentence")


class RunThrottled(Event):
    """The scheduler did not let a run begin yet, or, where a budget is spent, at all."""

    type: Literal["run.throttled"] = "run.throttled"
    payload: Throttle
    id_over: ClassVar[str] = "the run and the attempt"


class Sharing(Plain):
    child: IncidentRun = Field(description="the run that is not made: the parent's serves it")
    parent: IncidentRun = Field(description="the run that serves both")
    opened_at: Moment = Field(description="when the child's incident opened: the oldest child inherits")
    severity: Severity = Field(description="highest seen on the child")


class RunShared(Event):
    """One run of the agents serves two incidents; written under child and parent."""

    type: Literal["run.shared"] = "run.shared"
    payload: Sharing
    id_over: ClassVar[str] = "the child's run, and whether it stands under the child or the parent"


class RunState(StrEnum):
    """A run as people see it; the last five are final."""

    QUEUED = "queued"
    THROTTLED = "throttled"
    SHARED = "shared"
    RUNNING = "running"
    WAITING_APPROVAL = "waiting_approval"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    VOIDED = "voided"
    TIMEOUT = "timeout"


class EndReason(StrEnum):
    """Why a run ended: what happened last."""

    NO_ACTION = "no_action"
    """there was nothing to recommend: a person looks"""
    BLOCKED = "blocked"
    """reviewer or critic rejected what was recommended"""
    CANNOT_BE_SIGNED = "cannot_be_signed"
    """a person would have to approve, and what is to be done cannot be bound to a signature"""
    DEBATE_TIMED_OUT = "debate_timed_out"
    DEBATE_FAILED = "debate_failed"
    REJECTED = "rejected"
    EXPIRED = "expired"
    """nobody approved it in time"""
    VOIDED = "voided"
    """what was asked for no longer held"""
    CANCELLED = "cancelled"
    """a person called it off"""
    NOT_EXECUTED = "not_executed"
    """approved, and nothing acted on it while it might"""
    VERIFIED = "verified"
    """executed, and it helped"""
    UNVERIFIED = "unverified"
    """executed, and nobody can tell whether it helped"""
    EXECUTION_FAILED = "execution_failed"
    """executed, and it is not as it was asked to be; taken back, where it could be"""
    NOT_UNDONE = "not_undone"
    """it failed, and was to be taken back, and was not: only a person leaves this"""
    EXECUTION_REFUSED = "execution_refused"
    """the executor said no right before the effect"""
    EXECUTION_SHADOWED = "execution_shadowed"
    """the project only watches"""
    EXECUTION_UNKNOWN = "execution_unknown"
    """whether it was done cannot be known: only a person leaves this"""
    RESOLVED_WHILE_WAITING = "resolved_while_waiting"
    """throttled, and its alert was over before its turn came: a run avoided"""
    PARENT_RESOLVED = "parent_resolved"
    """the incident whose run served it is over, and this one is not"""
    OUTGROWN = "outgrown"
    """shared, and then its own alert got worse or a person asked: it gets a run of its own"""
    FINGERPRINT_BUDGET = "fingerprint_budget"
    """never started: this alert has had its runs of the day"""
    DAY_BUDGET = "day_budget"
    """never started: the project has had its runs of the day"""


class RunEnd(Plain):
    number: Long = Field(description="which run of the incident, from 1")
    state: RunState = Field(description="succeeded, failed, cancelled, voided or timeout")
    reason: EndReason = Field(description="what happened last")
    error_code: str = Field("", description="E-…, a short constant; empty where nothing went wrong")
    detail: str = Field("", description="in one sentence, personal values covered")
    parent: IncidentRun | None = Field(None, description="the run that served it, where it was shared")
    heir: IncidentRun | None = Field(
        None, description="of the parent's children, whose run the others are to share from now on"
    )


RUN_ENDING = "the run alone: the first of its ends counts"


class RunFinished(Event):
    """A run ended, once, however it ended but by being cancelled."""

    schema_version: Long = Field(2, description="version of the payload's schema")
    type: Literal["run.finished"] = "run.finished"
    payload: RunEnd
    version: ClassVar[int] = 2
    id_over: ClassVar[str] = RUN_ENDING


class RunCancelled(Event):
    """A run was called off by a person, or by their rejection: what it still says changes nothing."""

    schema_version: Long = Field(2, description="version of the payload's schema")
    type: Literal["run.cancelled"] = "run.cancelled"
    payload: RunEnd
    version: ClassVar[int] = 2
    id_over: ClassVar[str] = RUN_ENDING


class Settlement(Plain):
    number: Long = Field(description="which run of the incident, from 1")
    state: RunState = Field(description="how it ended")
    reason: EndReason = Field(description="what happened last")
    closed: bool = Field(description="whether its incident is over too")
    queued_as: Severity | None = Field(None, description="whose queue its ticket is of; none: it has none")
    ticket: Long = Field(0, description="the place in the queue that it gives back; 0: none")


class RunSettled(Event):
    """A run is over; the scheduler keeps who shares it and who waits."""

    type: Literal["run.settled"] = "run.settled"
    payload: Settlement
    id_over: ClassVar[str] = "the run; for what is asked of it afterwards, that too"
