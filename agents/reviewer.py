"""The reviewer: whether the plan is safe. Hard rules first, and nobody overrides them."""

from __future__ import annotations

from collections.abc import Iterator

from agents.asking import ask
from agents.briefing import review_prompt
from agents.desk import Desk, Limits, Watch, input_hash, snapshot_hash
from agents.replies import ReviewReply
from agents.static_review import violations_of
from schemas.plan import Action, PlannedPayload
from schemas.turn import Agent, Turn, Vote
from schemas.verdict import ReviewedPayload, Violation

STRICTER = (Vote.APPROVE, Vote.ABSTAIN, Vote.REQUEST_REVISION, Vote.REJECT)
"""The stricter of two votes stands."""


async def review(planned: PlannedPayload, desk: Desk, seconds: float) -> ReviewedPayload:
    """A model can only be stricter than the rules; where these refuse, none is asked."""
    brief, plan = planned.brief, planned.plan
    watch = Watch(Agent.REVIEWER, input_hash(snapshot_hash(brief), planned.diagnosis, plan), desk.clock)
    if not plan.actions or planned.turn.vote == Vote.ABSTAIN:
        turn = watch.turn(Vote.ABSTAIN, degraded=planned.turn.degraded, notes=("there is nothing to judge",))
        return ReviewedPayload(turn=turn, deadline_at=brief.deadline_at)
    violations = tuple(violations_of(plan))
    if violations:
        turn = watch.turn(Vote.REJECT, notes=("a hard rule is broken: no model was asked",))
        return _handed_in(planned, turn, desk.limits, violations=violations)
    prompt = review_prompt(brief, planned.diagnosis, plan)
    heeded = await ask(desk, brief, Agent.REVIEWER, prompt, ReviewReply, seconds - watch.spent)
    reply = heeded.value
    radius = max(plan.actions[0].blast_radius, reply.blast_radius if reply else 0)
    vote = stricter(by_radius(radius, desk.limits), Vote(reply.vote) if reply else Vote.APPROVE)
    notes = (heeded.why,) if heeded.why else ()
    turn = watch.turn(vote, degraded=reply is None, usage=heeded.usage, notes=notes)
    return _handed_in(planned, turn, desk.limits, radius, reply.concerns if reply else ())


def _handed_in(
    planned: PlannedPayload,
    turn: Turn,
    limits: Limits,
    radius: int = 0,
    concerns: tuple[str, ...] = (),
    violations: tuple[Violation, ...] = (),
) -> ReviewedPayload:
    action = planned.plan.actions[0]
    radius = max(radius, action.blast_radius)
    return ReviewedPayload(
        turn=turn,
        action=action.id,
        violations=violations,
        concerns=(*own_concerns(action, radius, limits), *concerns),
        blast_radius=radius,
        deadline_at=planned.brief.deadline_at,
    )


def stricter(*votes: Vote) -> Vote:
    return max(votes, key=STRICTER.index)


def by_radius(radius: int, limits: Limits) -> Vote:
    if radius > limits.reject_above:
        return Vote.REJECT
    return Vote.REQUEST_REVISION if radius > limits.revise_above else Vote.APPROVE


def own_concerns(action: Action, radius: int, limits: Limits) -> Iterator[str]:
    if radius > limits.revise_above:
        bound = limits.reject_above if radius > limits.reject_above else limits.revise_above
        yield f"blast radius {radius} is over {bound}"
    yield from action.warnings
