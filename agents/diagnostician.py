"""The diagnostician: what may be the cause, with what speaks for it.

A model's confidence is capped by what it can cite: being sure costs a text nothing. It is capped highest
where the rule engine, which reads no sentence of the alert, comes to the same cause by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agents import rules
from agents.asking import ask
from agents.briefing import diagnosis_prompt
from agents.citations import existing, outside
from agents.desk import Desk, Watch, snapshot_hash
from agents.replies import PERCENT, DiagnosisReply, HypothesisSaid
from agents.rules import Candidate
from schemas.diagnosis import DiagnosedPayload, Diagnosis, Hypothesis
from schemas.evidence import Brief
from schemas.turn import Agent, Vote

WORDS_ALONE, SEEN, BORNE_OUT = 0.5, 0.8, 0.95
"""most that is believed: on the alert's own words, on evidence from outside, on evidence and rules alike"""
CERTAIN = 100
"""a claim of certainty is believed no more than this: nothing seen from outside a system is certain"""
MOST = 5


@dataclass(frozen=True, slots=True)
class Taken:
    """What of a model's answer stands."""

    hypotheses: tuple[Hypothesis, ...]
    dropped: int
    notes: tuple[str, ...]


async def diagnose(brief: Brief, desk: Desk, seconds: float) -> DiagnosedPayload:
    """`seconds` is what it may spend of the run; no model is asked where none are left."""
    watch = Watch(Agent.DIAGNOSTICIAN, snapshot_hash(brief), desk.clock)
    candidates = rules.rank(brief, desk.book)
    heeded = await ask(
        desk, brief, Agent.DIAGNOSTICIAN, diagnosis_prompt(brief), DiagnosisReply, seconds - watch.spent
    )
    reply = heeded.value
    taken = take(reply, brief, candidates) if reply else Taken((), 0, (heeded.why,))
    unusable = reply is not None and bool(reply.hypotheses) and not taken.hypotheses
    if unusable:
        taken = Taken((), taken.dropped, (*taken.notes, "no claim of the model cites anything: rules speak"))
    by_rules = reply is None or unusable
    hypotheses = tuple(c.hypothesis for c in candidates) if by_rules else taken.hypotheses
    turn = watch.turn(
        _vote(hypotheses, desk),
        degraded=by_rules,
        usage=heeded.usage,
        dropped=taken.dropped,
        notes=taken.notes,
    )
    said = rules.summary(candidates, brief) if by_rules or reply is None else reply.summary
    diagnosis = Diagnosis(hypotheses=hypotheses, summary=said, untrusted=_untrusted(reply, unused=unusable))
    return DiagnosedPayload(turn=turn, diagnosis=diagnosis, brief=brief)


def _vote(hypotheses: Sequence[Hypothesis], desk: Desk) -> Vote:
    sure = bool(hypotheses) and hypotheses[0].confidence >= desk.limits.abstain_below
    return Vote.APPROVE if sure else Vote.ABSTAIN


def take(reply: DiagnosisReply, brief: Brief, candidates: Sequence[Candidate]) -> Taken:
    """Claims without a cited item are dropped and counted; the rest is weighed against what was seen."""
    cited = [(said, existing(brief, said.evidence)) for said in reply.hypotheses]
    made = [
        _weighed(said, evidence, brief, candidates) for said, evidence in cited if evidence and said.cause
    ]
    made.sort(key=lambda hypothesis: -hypothesis.confidence)
    dropped = len(cited) - len(made)
    made = [*made, *_of_rules(made, candidates)][:MOST] if made else []
    numbered = tuple(h.model_copy(update={"id": f"H{n}"}) for n, h in enumerate(made, start=1))
    return Taken(numbered, dropped, tuple(_notes(reply, dropped)))


def _weighed(
    said: HypothesisSaid, evidence: tuple[str, ...], brief: Brief, candidates: Sequence[Candidate]
) -> Hypothesis:
    agreeing = agreeing_rule(said.service, evidence, brief, candidates)
    return Hypothesis(
        id="H0",
        cause=said.cause,
        service=said.service,
        confidence=min(said.confidence / PERCENT, _cap(said, evidence, brief, agreeing)),
        evidence=evidence,
        against=existing(brief, said.against),
        playbook=agreeing.hypothesis.playbook if agreeing else "",
    )


def _cap(said: HypothesisSaid, evidence: tuple[str, ...], brief: Brief, agreeing: Candidate | None) -> float:
    if not outside(brief, evidence):
        return WORDS_ALONE
    if agreeing is None or said.confidence >= CERTAIN:
        return SEEN
    return BORNE_OUT


def agreeing_rule(
    service: str, evidence: Sequence[str], brief: Brief, candidates: Sequence[Candidate]
) -> Candidate | None:
    """The rules' best candidate, where it blames the same service and shares evidence from outside."""
    best = candidates[0] if candidates else None
    if best is None or not best.outside or _plain(service) != _plain(best.service):
        return None
    shared = set(evidence) & set(best.hypothesis.evidence)
    return best if outside(brief, shared) else None


def _plain(service: str) -> str:
    return service.strip().rsplit("/", 1)[-1].lower()


def _of_rules(made: Sequence[Hypothesis], candidates: Sequence[Candidate]) -> list[Hypothesis]:
    """What the rules see besides: shown to the reader, never surer than the model's own best."""
    known = {hypothesis.playbook for hypothesis in made}
    top = made[0].confidence
    return [
        candidate.hypothesis.model_copy(update={"confidence": min(top, candidate.hypothesis.confidence)})
        for candidate in candidates
        if candidate.hypothesis.playbook not in known
    ][:2]


def _notes(reply: DiagnosisReply, dropped: int) -> Sequence[str]:
    notes = []
    if dropped:
        notes.append(f"{dropped} claims cited nothing, or nothing that was seen, and were dropped")
    if any(said.confidence >= CERTAIN for said in reply.hypotheses):
        notes.append(f"the model claims to be certain: no more than {SEEN:.0%} of it is believed")
    return notes


def _untrusted(reply: DiagnosisReply | None, *, unused: bool) -> tuple[str, ...]:
    if reply is None:
        return ()
    claims = [said.cause for said in reply.hypotheses] if unused else []
    return tuple(text for text in (reply.command, *reply.checks, *claims) if text)
