"""What becomes of a run by what is decided and done: one table, so that a new way to end is one line.

`decisions` and `approvals.outcomes` tell the same of an approval; whichever is read first counts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from prometheus_client import Counter

from schemas.approval import ApprovalApproved, ApprovalExpired, ApprovalRejected, ApprovalVoided
from schemas.decision import SessionStatus
from schemas.envelope import Event
from schemas.incident import IncidentStatus
from schemas.outcome import DecisionMade, Outcome
from schemas.run import EndReason, RunReason, RunState, ThrottleReason
from streams.executing import STATE_CHANGED
from streams.policy.endings import Closing
from streams.stages.incident_row import Phase

READS = ("decisions", "approvals.outcomes", "executions")
TOLD_BY = (DecisionMade, ApprovalApproved, ApprovalRejected, ApprovalExpired, ApprovalVoided)
LONGEST_DETAIL = 500
Plain = dict[str, Any]
ENDED = Counter("awoooi_runs_ended_total", "Runs that ended, by how and why", ["state", "reason"])
AVOIDED = Counter(
    "awoooi_runs_avoided_total", "Runs that were asked for and need not be made, by why", ["reason"]
)


@dataclass(frozen=True, slots=True)
class Ending:
    state: RunState
    reason: EndReason
    code: str = ""
    status: IncidentStatus | None = IncidentStatus.ESCALATED
    """what the incident is then; None: what it was"""
    again: RunReason | None = None
    """why a new run is asked for at once, with what happened as its note"""
    never_began: bool = False
    """nothing was called off: there was nothing yet"""


NO_ACTION = Ending(RunState.SUCCEEDED, EndReason.NO_ACTION)
BLOCKED = Ending(RunState.SUCCEEDED, EndReason.BLOCKED)
CANNOT_BE_SIGNED = Ending(RunState.SUCCEEDED, EndReason.CANNOT_BE_SIGNED)
REJECTED = Ending(RunState.CANCELLED, EndReason.REJECTED, "E-APPR-REJECTED")
EXPIRED = Ending(RunState.TIMEOUT, EndReason.EXPIRED, "E-APPR-EXPIRED")
VOIDED = Ending(RunState.VOIDED, EndReason.VOIDED, "E-APPR-VOIDED", again=RunReason.VOIDED)
CANCELLED = Ending(RunState.CANCELLED, EndReason.CANCELLED, "E-RUN-CANCELLED")
RESOLVED_WHILE_WAITING = Ending(
    RunState.CANCELLED, EndReason.RESOLVED_WHILE_WAITING, status=None, never_began=True
)
OUTGROWN = Ending(RunState.VOIDED, EndReason.OUTGROWN, status=None)
OVER_BUDGET: dict[str, Ending] = {
    ThrottleReason.FINGERPRINT_BUDGET: Ending(
        RunState.CANCELLED, EndReason.FINGERPRINT_BUDGET, "E-RUN-BUDGET", never_began=True
    ),
    ThrottleReason.DAY_BUDGET: Ending(
        RunState.CANCELLED, EndReason.DAY_BUDGET, "E-RUN-BUDGET", never_began=True
    ),
}
NOT_EXECUTED = Ending(RunState.TIMEOUT, EndReason.NOT_EXECUTED, "E-EXEC-NOT-EXECUTED")

WITHOUT_ACTION: dict[str, Ending] = {
    Outcome.SKIPPED: NO_ACTION,
    Outcome.BLOCKED: BLOCKED,
    Outcome.APPROVAL_REQUIRED: CANNOT_BE_SIGNED,
}
"""what the gate said, where nobody is asked: the debate tells the rest"""
CLOSED: dict[str, Ending] = {
    Outcome.REJECTED: REJECTED,
    Outcome.EXPIRED: EXPIRED,
}
CHANGED = replace(VOIDED, code="E-EXEC-VOIDED")
VOIDED_BY: dict[str, Ending] = {
    STATE_CHANGED: CHANGED,
    Closing.RESOLVED: replace(VOIDED, status=None, again=None),
    Closing.CANCELLED: replace(VOIDED, again=None),
}
"""the others ask for a new run: what was asked for no longer held"""
BROKEN_OFF: dict[str, Ending] = {
    SessionStatus.TIMEOUT: Ending(RunState.TIMEOUT, EndReason.DEBATE_TIMED_OUT, "E-RCA-TIMEOUT"),
    SessionStatus.FAILED: Ending(RunState.FAILED, EndReason.DEBATE_FAILED, "E-RCA-FAILED"),
}
"""a debate that did not end well says more than that it recommends nothing"""
STEPS = {"execution.started": Phase.EXECUTING, "execution.succeeded": Phase.EXECUTED}
EXECUTED: dict[str, Ending] = {
    "execution.verified": Ending(RunState.SUCCEEDED, EndReason.VERIFIED, status=IncidentStatus.MITIGATED),
    "execution.unverified": Ending(RunState.FAILED, EndReason.UNVERIFIED, "E-EXEC-UNVERIFIED"),
    "execution.failed": Ending(
        RunState.FAILED, EndReason.EXECUTION_FAILED, "E-EXEC-FAILED", again=RunReason.EXECUTION_FAILED
    ),
    "execution.refused": Ending(RunState.FAILED, EndReason.EXECUTION_REFUSED, "E-EXEC-REFUSED"),
    "execution.shadowed": Ending(RunState.SUCCEEDED, EndReason.EXECUTION_SHADOWED),
    "execution.voided": CHANGED,
    "execution.unknown": Ending(RunState.FAILED, EndReason.EXECUTION_UNKNOWN, "E-EXEC-UNKNOWN"),
}
"""by the event's type: what executes and verifies writes `reason`, in one sentence, into each payload"""
UNDONE = "execution.undone"
NOT_UNDONE = Ending(RunState.FAILED, EndReason.NOT_UNDONE, "E-EXEC-NOT-UNDONE")
"""a person has to look before anything else is tried"""
MOST_FAILURES = 3
"""runs of an incident that failures ask for, until a person asks for one or its alert comes back"""
GIVEN_UP: dict[Phase, tuple[Ending, str]] = {
    Phase.APPROVED: (NOT_EXECUTED, "approved, and nothing executed it while it might: a person has to act"),
    Phase.EXECUTING: (EXECUTED["execution.unknown"], "it was begun, and nothing told how it ended"),
    Phase.EXECUTED: (EXECUTED["execution.unverified"], "it was done, and nothing told whether it helped"),
    Phase.UNDOING: (NOT_UNDONE, "it failed, and nothing told whether it was taken back"),
}
"""what is waited for, and does not come"""


@dataclass(frozen=True, slots=True)
class Word:
    """What a decision, or the end of an approval, says of a run."""

    outcome: str
    rule: str
    detail: str
    person: str = ""
    asks: bool = False
    """whether people are asked to approve"""
    expires_at: datetime | None = None

    @property
    def goes_on(self) -> bool:
        return self.asks or self.outcome in (Outcome.AUTO_APPROVED, Outcome.APPROVED)


def word_of(kind: type[Event], payload: Plain) -> Word:
    outcome = payload["outcome"] if kind is DecisionMade else payload["state"]
    asked = outcome == Outcome.APPROVAL_REQUIRED and bool(payload["approval_id"])
    person = payload["signed_by"][-1:] if outcome == Outcome.REJECTED else ()
    detail = payload["reason"][:LONGEST_DETAIL]
    return Word(outcome, payload["rule"], detail, "".join(person), asked, payload.get("expires_at"))


def ending_of(word: Word, debate: str) -> Ending:
    """How a run ends that does not go on."""
    if word.outcome in WITHOUT_ACTION:
        return BROKEN_OFF.get(debate, WITHOUT_ACTION[word.outcome])
    if word.outcome == Outcome.VOIDED:
        return VOIDED_BY.get(word.rule, VOIDED)
    return CLOSED[word.outcome]


def step_of(kind: str, told: Plain) -> Phase:
    """How far a run comes by it; NONE: it ends."""
    if told["undoes"]:
        return Phase.UNDOING if kind in STEPS else Phase.NONE
    return Phase.UNDOING if told["undo_id"] else STEPS.get(kind, Phase.NONE)


def executed(kind: str, told: Plain, failure: str) -> tuple[Ending, str]:
    """How a run ends by an execution; what failed and was to be taken back ends it by how that went."""
    if not told["undoes"]:
        return EXECUTED[kind], told["reason"][:LONGEST_DETAIL]
    undone = kind == UNDONE
    ending = EXECUTED["execution.failed"] if undone else NOT_UNDONE
    back = "it was taken back" if undone else "it was to be taken back"
    return ending, f"{failure or 'what was done failed'}; {back}: {told['reason']}"[:LONGEST_DETAIL]
