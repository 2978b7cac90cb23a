"""The solver: what could be done about it, from the closed list of operations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agents import rules
from agents.actions import Proposal, make
from agents.asking import ask
from agents.briefing import plan_prompt
from agents.desk import Desk, Watch, input_hash, snapshot_hash
from agents.model_actions import read_action
from agents.replies import PlanReply
from agents.rule_actions import proposals
from agents.rules import Candidate
from schemas.diagnosis import DiagnosedPayload, Hypothesis
from schemas.evidence import Brief
from schemas.plan import Action, Plan, PlannedPayload
from schemas.turn import Agent, Turn, Vote

MOST = 5


@dataclass(frozen=True, slots=True)
class Taken:
    """What of a model's answer stands."""

    proposals: tuple[Proposal, ...]
    dropped: int
    notes: tuple[str, ...]


async def solve(diagnosed: DiagnosedPayload, desk: Desk, seconds: float) -> PlannedPayload:
    """Abstains where the diagnostician did, whether or not there are hypotheses."""
    brief, hypotheses = diagnosed.brief, diagnosed.diagnosis.hypotheses
    watch = Watch(Agent.SOLVER, input_hash(snapshot_hash(brief), diagnosed.diagnosis), desk.clock)
    if diagnosed.turn.vote == Vote.ABSTAIN or diagnosed.turn.failed:
        turn = watch.turn(
            Vote.ABSTAIN, degraded=diagnosed.turn.degraded, notes=("the diagnostician abstained",)
        )
        return _handed_in(diagnosed, turn, Plan(summary="Nothing is proposed without a diagnosis."))
    own = proposals(brief, _chosen(brief, desk, hypotheses))
    prompt = plan_prompt(brief, diagnosed.diagnosis)
    heeded = await ask(desk, brief, Agent.SOLVER, prompt, PlanReply, seconds - watch.spent)
    taken = take(heeded.value, brief, hypotheses, own) if heeded.value else Taken((), 0, (heeded.why,))
    by_rules = heeded.value is None or (not taken.proposals and bool(heeded.value.actions))
    if by_rules and heeded.value is not None:
        taken = Taken((), taken.dropped, (*taken.notes, "no action of the model stands: playbooks speak"))
    chosen = own if by_rules else (*taken.proposals, *_others(taken.proposals, own))
    actions = tuple(make(brief, desk, one, number) for number, one in enumerate(chosen[:MOST], start=1))
    turn = watch.turn(
        Vote.APPROVE if actions else Vote.ABSTAIN,
        degraded=by_rules,
        usage=heeded.usage,
        dropped=taken.dropped,
        notes=taken.notes,
    )
    said = _summary(actions) if by_rules or not heeded.value else heeded.value.summary or _summary(actions)
    return _handed_in(diagnosed, turn, Plan(actions=actions, summary=said))


def _handed_in(diagnosed: DiagnosedPayload, turn: Turn, plan: Plan) -> PlannedPayload:
    return PlannedPayload(
        turn=turn,
        plan=plan,
        diagnosed=diagnosed.turn,
        diagnosis=diagnosed.diagnosis,
        brief=diagnosed.brief,
    )


def _chosen(brief: Brief, desk: Desk, hypotheses: Sequence[Hypothesis]) -> list[Candidate]:
    """The rules' candidates for the hypotheses at hand, under the ids that these bear."""
    found = rules.rank(brief, desk.book)
    chosen = []
    for hypothesis in hypotheses:
        own = next((c for c in found if c.hypothesis.cause == hypothesis.cause), None)
        own = own or next((c for c in found if _same(c, hypothesis)), None)
        if own is not None and own not in chosen:
            chosen.append(own.under(hypothesis.id))
    return chosen


def _same(candidate: Candidate, hypothesis: Hypothesis) -> bool:
    return bool(hypothesis.playbook) and candidate.hypothesis.playbook == hypothesis.playbook


def take(reply: PlanReply, brief: Brief, hypotheses: Sequence[Hypothesis], own: Sequence[Proposal]) -> Taken:
    """An action of the model that a playbook offers as well is the playbook's; others are its own."""
    read = [read_action(said, brief, hypotheses) for said in reply.actions]
    stand = [one for one in read if isinstance(one, Proposal)]
    notes = tuple(one for one in read if isinstance(one, str))
    joined = tuple(_joined(one, own) for one in stand)
    return Taken(joined, len(notes), notes)


def _joined(said: Proposal, own: Sequence[Proposal]) -> Proposal:
    offered = next((one for one in own if one.step == said.step), None)
    return said if offered is None else said.borne_out_by(offered)


def _others(taken: Sequence[Proposal], own: Sequence[Proposal]) -> list[Proposal]:
    steps = [one.step for one in taken]
    return [one for one in own if one.step not in steps]


def _summary(actions: Sequence[Action]) -> str:
    if not actions:
        return "No playbook offers anything that evidence can fill."
    first = actions[0]
    return (
        f"By playbook {first.playbook}: {first.description}." if first.playbook else f"{first.description}."
    )
