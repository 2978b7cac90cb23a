"""The critic: what speaks against the diagnosis and against the plan.

Three questions are always asked, by rules where no model asks them: is the cause proven, what else explains
it, what does the fix break. It may lower the confidence, never raise it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from agents.asking import ask
from agents.blast_radius import HARMLESS, dependents
from agents.briefing import critique_prompt
from agents.citations import existing, outside
from agents.desk import Desk, Watch, input_hash, snapshot_hash
from agents.playbooks.seen import own_service
from agents.replies import PERCENT, CritiqueReply
from schemas.diagnosis import Hypothesis
from schemas.evidence import Brief, Source
from schemas.operations import SHAPES, Operation
from schemas.plan import Action, PlannedPayload
from schemas.turn import Agent, Vote
from schemas.verdict import Challenge, CritiquedPayload, Gravity

CAUSE, ALTERNATIVE, EFFECT = "cause", "alternative", "effect"
MOST = 12
MAJOR = 0.9
"""what a major doubt of our own leaves of the confidence"""
CLOSE = 0.1
"""two hypotheses this close leave open which it is"""
MANY = 3


async def critique(planned: PlannedPayload, desk: Desk, seconds: float) -> CritiquedPayload:
    brief, plan, found = planned.brief, planned.plan, planned.diagnosis.hypotheses
    hashed = input_hash(snapshot_hash(brief), planned.diagnosis, plan)
    watch = Watch(Agent.CRITIC, hashed, desk.clock)
    if not plan.actions or planned.turn.vote == Vote.ABSTAIN or not found:
        turn = watch.turn(
            Vote.ABSTAIN, degraded=planned.turn.degraded, notes=("there is nothing to argue against",)
        )
        return CritiquedPayload(turn=turn, deadline_at=brief.deadline_at)
    top, action = found[0], plan.actions[0]
    prompt = critique_prompt(brief, planned.diagnosis, plan)
    heeded = await ask(desk, brief, Agent.CRITIC, prompt, CritiqueReply, seconds - watch.spent)
    own = (_of_cause(brief, top), _of_alternative(brief, found), _of_effect(brief, action))
    said = tuple(_said(heeded.value, brief)) if heeded.value else ()
    challenges = (*said, *_not_asked(own, said))[:MOST]
    ceiling = heeded.value.confidence / PERCENT if heeded.value else 1.0
    turn = watch.turn(
        Vote.REJECT if _critical(challenges) else Vote.APPROVE,
        degraded=heeded.value is None,
        usage=heeded.usage,
        notes=(heeded.why,) if heeded.why else (),
    )
    return CritiquedPayload(
        turn=turn,
        action=action.id,
        challenges=challenges,
        confidence=round(min(top.confidence, ceiling, lowered(top.confidence, own)), 3),
        deadline_at=brief.deadline_at,
    )


def lowered(confidence: float, own: Sequence[Challenge]) -> float:
    """By each major doubt that rules can prove; a model lowers it by its own number."""
    majors = sum(challenge.severity != Gravity.MINOR for challenge in own)
    return confidence * float(MAJOR**majors)


def _critical(challenges: Sequence[Challenge]) -> bool:
    return any(challenge.severity == Gravity.CRITICAL for challenge in challenges)


def _said(reply: CritiqueReply, brief: Brief) -> Iterator[Challenge]:
    for said in reply.challenges:
        if said.question:
            yield Challenge(
                question=said.question,
                about=said.about,
                severity=Gravity(said.severity),
                evidence=existing(brief, said.evidence),
            )


def _not_asked(own: Sequence[Challenge], said: Sequence[Challenge]) -> Iterator[Challenge]:
    """Ours where nobody else asked, and always where they are more than minor."""
    asked = {challenge.about for challenge in said}
    return (one for one in own if one.about not in asked or one.severity != Gravity.MINOR)


# -- what rules can doubt


def _of_cause(brief: Brief, top: Hypothesis) -> Challenge:
    seen = outside(brief, top.evidence)
    if len(top.against) > len(top.evidence):
        question = f"Why is it {_short(top)} if more speaks against it than for it?"
        return _challenge(question, CAUSE, Gravity.MAJOR, top.against)
    if not seen:
        question = f"Is it proven that {_short(top)}? Only the alert's own words say so."
        return _challenge(question, CAUSE, Gravity.MAJOR, top.evidence)
    if top.against:
        question = f"What of the evidence against it, if {_short(top)}?"
        return _challenge(question, CAUSE, Gravity.MAJOR, top.against)
    where = " and ".join(sorted(seen))
    question = (
        f"Is it proven that {_short(top)}? {where.capitalize()} shows it; nothing shows the moment it began."
    )
    return _challenge(question, CAUSE, Gravity.MINOR, top.evidence)


def _of_alternative(brief: Brief, found: Sequence[Hypothesis]) -> Challenge:
    top = found[0]
    suspect = next(iter(brief.surroundings.suspects), None)
    if suspect is not None and suspect.distance and top.service not in ("", suspect.service):
        question = f"Why not {suspect.service}, which the topology suspects before {top.service}?"
        return _challenge(question, ALTERNATIVE, Gravity.MAJOR, ())
    if len(found) > 1:
        rival = found[1]
        close = top.confidence - rival.confidence < CLOSE and rival.service != top.service
        gravity = Gravity.MAJOR if close else Gravity.MINOR
        question = f"Could it be that {_short(rival)} instead?"
        return _challenge(question, ALTERNATIVE, gravity, rival.evidence)
    missing = ", ".join(sorted({gap.source.value for gap in brief.gaps} - {Source.ALERT}))
    question = (
        f"What would {missing} have shown?" if missing else "Has anything changed that nobody recorded?"
    )
    return _challenge(question, ALTERNATIVE, Gravity.MINOR, ())


def _of_effect(brief: Brief, action: Action) -> Challenge:
    name = f"{action.step.operation} of {action.step.target.name or 'nothing'}"
    if action.step.operation == Operation.DELETE_PVC:
        question = f"Is there a verified snapshot? {name} destroys data."
        return _challenge(question, EFFECT, Gravity.CRITICAL, ())
    if action.step.operation in HARMLESS:
        return _challenge("What gets worse while somebody only looks?", EFFECT, Gravity.MINOR, ())
    around = dependents(brief, own_service(brief))
    if len(around) >= MANY:
        names = ", ".join(near.service for near, _ in around[:MANY])
        question = f"Who notices {name}? {len(around)} services depend on it, {names} among them."
        return _challenge(question, EFFECT, Gravity.MINOR, ())
    if action.undo is None and SHAPES[action.step.operation].floor.rank > 0:
        return _challenge(f"What if {name} makes it worse? No step takes it back.", EFFECT, Gravity.MAJOR, ())
    question = f"Does {name} only hide the cause, and does it destroy what would have told it?"
    return _challenge(question, EFFECT, Gravity.MINOR, ())


def _short(hypothesis: Hypothesis) -> str:
    text = hypothesis.cause.strip().rstrip(".")
    return text[:1].lower() + text[1:] if text[1:2].islower() else text


def _challenge(question: str, about: str, severity: Gravity, evidence: Sequence[str]) -> Challenge:
    return Challenge(question=question, about=about, severity=severity, evidence=tuple(evidence))
