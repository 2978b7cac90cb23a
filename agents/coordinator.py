"""The coordinator: rules only, no model. It judges the argument; policy judges the risk.

The gate's lines are asked in their order and the first that holds decides. The last one lets an argument
stand without a person only where no model was needed for it: `agents/trustworthy.py` says when that is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from agents.desk import Desk, Limits, Watch, input_hash, snapshot_hash
from agents.heard import Heard
from agents.telling import debate_summary, usage_of, what_was_said
from agents.trustworthy import doubts
from schemas.decision import Branch, Package, SessionStatus
from schemas.diagnosis import Hypothesis
from schemas.plan import Action
from schemas.turn import Agent, Turn, Vote


@dataclass(frozen=True, slots=True)
class Case:
    """What has been heard, as the gate looks at it."""

    heard: Heard
    now: datetime
    limits: Limits

    @property
    def turns(self) -> Sequence[Turn]:
        return list(self.heard.turns())

    @property
    def hypotheses(self) -> tuple[Hypothesis, ...]:
        spoken = self.heard.planned or self.heard.diagnosed
        return spoken.diagnosis.hypotheses if spoken else ()

    @property
    def actions(self) -> tuple[Action, ...]:
        return self.heard.planned.plan.actions if self.heard.planned else ()

    @property
    def confidence(self) -> float:
        """In the top hypothesis, after the critic."""
        if not self.hypotheses:
            return 0.0
        own, critic = self.hypotheses[0].confidence, self.heard.critiqued
        return min(own, critic.confidence) if critic and critic.turn.vote != Vote.ABSTAIN else own

    def voted(self, vote: Vote) -> list[Turn]:
        return [turn for turn in self.turns if turn.vote == vote]


Line = Callable[[Case], str]
"""Why this line of the gate decides; empty where it does not."""


def decide(heard: Heard, now: datetime, desk: Desk) -> Package:
    """Call it when `heard.complete`, or when the deadline has passed: it looks at `now` itself."""
    case = Case(heard, now, desk.limits)
    watch = Watch(Agent.COORDINATOR, _hash(case), desk.clock)
    branch, why = next((branch, why) for branch, line in GATE if (why := line(case)))
    return _package(case, branch, why, watch)


# -- the gate, line by line


def _timed_out(case: Case) -> str:
    if case.now < case.heard.deadline_at:
        return ""
    seconds = (case.heard.deadline_at - case.heard.started_at).total_seconds()
    missing = ", ".join(case.heard.missing)
    return f"the run reached its limit of {seconds:g} s" + (
        f" before {missing} had spoken" if missing else ""
    )


def _stage_failed(case: Case) -> str:
    """Somebody gave up, or was never heard although nobody waits any longer."""
    if case.heard.failure:
        return case.heard.failure
    failed = next((turn for turn in case.turns if turn.failed), None)
    if failed is not None:
        return f"the {failed.agent} gave up: {failed.failed}"
    missing = ", ".join(case.heard.missing)
    return f"{missing} never spoke" if missing else ""


def _all_degraded(case: Case) -> str:
    return "every agent spoke from rules" if all(turn.degraded for turn in case.turns) else ""


def _inconclusive(case: Case) -> str:
    if case.turns[0].vote == Vote.ABSTAIN:
        return "the diagnosis abstained: nothing is sure enough"
    if not case.hypotheses:
        return "there is no hypothesis"
    return "" if case.actions else "there is no candidate action"


def _rejected(case: Case) -> str:
    return "; ".join(_rejections(case))


def _revision(case: Case) -> str:
    who = [str(turn.agent) for turn in case.voted(Vote.REQUEST_REVISION)]
    return f"{' and '.join(who)} asked for a revision" if who else ""


def _unsure(case: Case) -> str:
    if case.confidence < case.limits.auto_from:
        return f"confidence {case.confidence:.0%} is below {case.limits.auto_from:.0%}"
    degraded = [str(turn.agent) for turn in case.turns if turn.degraded]
    if degraded:
        return f"{' and '.join(degraded)} spoke from rules"
    abstained = [str(turn.agent) for turn in case.turns if turn.vote != Vote.APPROVE]
    if abstained:
        return f"{' and '.join(abstained)} did not approve"
    assert case.heard.seen is not None  # turns carry it
    return "; ".join(doubts(case.heard.seen, case.hypotheses[0], case.actions[0]))


def _holds(case: Case) -> str:
    return f"all agreed, and evidence bears it out: {case.confidence:.0%}"


GATE: tuple[tuple[Branch, Line], ...] = (
    (Branch.TIMED_OUT, _timed_out),
    (Branch.STAGE_FAILED, _stage_failed),
    (Branch.ALL_DEGRADED, _all_degraded),
    (Branch.INCONCLUSIVE, _inconclusive),
    (Branch.REJECTED, _rejected),
    (Branch.REVISION, _revision),
    (Branch.UNSURE, _unsure),
    (Branch.HOLDS, _holds),
)
ENDED_EARLY = {Branch.TIMED_OUT: SessionStatus.TIMEOUT, Branch.STAGE_FAILED: SessionStatus.FAILED}


def _rejections(case: Case) -> list[str]:
    reviewed, critiqued = case.heard.reviewed, case.heard.critiqued
    found = []
    if reviewed and reviewed.turn.vote == Vote.REJECT:
        reasons = [violation.why for violation in reviewed.violations] or list(reviewed.concerns)
        found.append(f"the reviewer rejects it: {'; '.join(reasons) or 'no reason given'}")
    if critiqued and critiqued.turn.vote == Vote.REJECT:
        worst = [one.question for one in critiqued.challenges if one.severity == "critical"]
        found.append(f"the critic rejects it: {'; '.join(worst) or 'no reason given'}")
    return found


# -- what is handed on


def _package(case: Case, branch: Branch, why: str, watch: Watch) -> Package:
    early = branch in ENDED_EARLY
    holds = branch == Branch.HOLDS
    recommended = _recommended(case, branch)
    reviewed, critiqued = case.heard.reviewed, case.heard.critiqued
    return Package(
        turn=watch.turn(Vote.APPROVE if holds else Vote.ABSTAIN, notes=(why,)),
        session_status=ENDED_EARLY.get(branch, SessionStatus.COMPLETED),
        branch=branch,
        requires_human_approval=not holds,
        recommended_action=recommended,
        confidence=0.0 if early else case.confidence,
        hypothesis=case.hypotheses[0] if case.hypotheses else None,
        other_hypotheses=case.hypotheses[1:],
        other_actions=tuple(action for action in case.actions if action != recommended),
        violations=reviewed.violations if reviewed else (),
        challenges=critiqued.challenges if critiqued else (),
        debate_summary=debate_summary(case.heard, branch, why),
        blocked_reason=_blocked(case, branch, why, recommended),
        all_agents_degraded=early or all(turn.degraded for turn in case.turns),
        latency_ms=max(0, round((case.now - case.heard.started_at).total_seconds() * 1000)),
        said=what_was_said(case.heard),
        missing=case.heard.missing,
        usage=usage_of(case.turns),
        brief=case.heard.seen,
        deadline_at=case.heard.deadline_at,
    )


def _recommended(case: Case, branch: Branch) -> Action | None:
    """Nothing where the debate did not end, and never what somebody rejected."""
    nothing = (*ENDED_EARLY, Branch.INCONCLUSIVE, Branch.REJECTED)
    abstained = not case.turns or case.turns[0].vote == Vote.ABSTAIN
    if branch in nothing or abstained or _rejections(case) or not case.actions:
        return None
    return case.actions[0]


def _blocked(case: Case, branch: Branch, why: str, recommended: Action | None) -> str:
    if recommended is not None:
        return ""
    return "; ".join(_rejections(case)) or (_inconclusive(case) if branch == Branch.ALL_DEGRADED else why)


def _hash(case: Case) -> str:
    """Over snapshot, top hypothesis, top action, the reviewer's vote, the number of challenges."""
    brief, reviewed, critiqued = case.heard.seen, case.heard.reviewed, case.heard.critiqued
    return input_hash(
        snapshot_hash(brief) if brief else None,
        case.hypotheses[0] if case.hypotheses else None,
        case.actions[0] if case.actions else None,
        reviewed.turn.vote if reviewed else None,
        len(critiqued.challenges) if critiqued else None,
    )
