"""A debate in a few sentences: for the package, for notifications, for whoever reads one line."""

from __future__ import annotations

from collections.abc import Sequence

from agents.heard import Heard
from schemas.decision import Branch, Said
from schemas.diagnosis import Diagnosis
from schemas.plan import Plan
from schemas.turn import Agent, Turn, Usage
from schemas.verdict import CritiquedPayload, Gravity, ReviewedPayload

ENDS = {
    Branch.TIMED_OUT: "Nothing was decided in time, a person must",
    Branch.STAGE_FAILED: "The debate broke off, a person must decide",
    Branch.ALL_DEGRADED: "A person decides",
    Branch.INCONCLUSIVE: "Nothing is recommended, a person decides",
    Branch.REJECTED: "The proposal is blocked",
    Branch.REVISION: "A person decides",
    Branch.UNSURE: "A person decides",
    Branch.HOLDS: "The argument holds without a person",
}


def debate_summary(heard: Heard, branch: Branch, why: str) -> str:
    """What each agent said, and why it ends as it does."""
    said = [f"{one.agent.capitalize()} ({one.vote}): {one.summary}" for one in what_was_said(heard)]
    return " ".join((*said, f"{ENDS[branch]}: {why}."))


def what_was_said(heard: Heard) -> tuple[Said, ...]:
    return tuple(
        Said(
            agent=turn.agent,
            event_id=heard.event_ids.get(turn.agent, ""),
            vote=turn.vote,
            degraded=turn.degraded,
            failed=turn.failed,
            summary=f"It gave up: {turn.failed}." if turn.failed else _in_short(heard, turn.agent),
        )
        for turn in heard.turns()
    )


def usage_of(turns: Sequence[Turn]) -> Usage:
    """Of all turns together."""
    used = [turn.usage for turn in turns]
    asked = [one for one in used if one.provider != Usage().provider]
    providers = dict.fromkeys(one.provider for one in asked)
    models = dict.fromkeys(one.model for one in asked if one.model)
    return Usage(
        provider=", ".join(providers) or Usage().provider,
        model=", ".join(models),
        tokens_in=sum(one.tokens_in for one in used),
        tokens_out=sum(one.tokens_out for one in used),
        cost_usd=sum(one.cost_usd for one in used),
        calls=sum(one.calls for one in used),
        repaired=any(one.repaired for one in used),
        failures=tuple(dict.fromkeys(failure for one in used for failure in one.failures)),
    )


def _in_short(heard: Heard, agent: Agent) -> str:
    spoken = heard.planned or heard.diagnosed
    if agent == Agent.DIAGNOSTICIAN and spoken is not None:
        return of_diagnosis(spoken.diagnosis)
    if agent == Agent.SOLVER and heard.planned is not None:
        return of_plan(heard.planned.plan)
    if agent == Agent.REVIEWER and heard.reviewed is not None:
        return of_review(heard.reviewed)
    return of_critique(heard.critiqued) if heard.critiqued is not None else ""


def of_diagnosis(diagnosis: Diagnosis) -> str:
    if not diagnosis.hypotheses:
        return "no hypothesis."
    top = diagnosis.hypotheses[0]
    more = f", and {len(diagnosis.hypotheses) - 1} others" if len(diagnosis.hypotheses) > 1 else ""
    return f"{_sentence(top.cause)} ({top.confidence:.0%}, from {', '.join(top.evidence)}){more}."


def of_plan(plan: Plan) -> str:
    if not plan.actions:
        return "nothing to propose."
    top = plan.actions[0]
    what = f"{top.step.operation} {top.step.target.kind} {top.step.target.name}".strip()
    return f"{what}, risk {top.risk}, blast radius {top.blast_radius}."


def of_review(review: ReviewedPayload) -> str:
    if review.violations:
        return f"hard rules are broken: {'; '.join(found.why for found in review.violations)}."
    if not review.action:
        return "there is nothing to judge."
    return f"{_sentence('; '.join(review.concerns))}." if review.concerns else "nothing speaks against it."


def of_critique(critique: CritiquedPayload) -> str:
    if not critique.challenges:
        return "there is nothing to argue against."
    grave = [one for one in critique.challenges if one.severity != Gravity.MINOR]
    counted = f"{len(critique.challenges)} questions, {len(grave)} of them grave"
    worst = sorted(grave, key=lambda one: one.severity != Gravity.CRITICAL)[:1]
    return f"{counted}{': ' + worst[0].question if worst else '.'}"


def _sentence(text: str) -> str:
    return text.strip().rstrip(".")
