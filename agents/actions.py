"""From a proposed step to an action: risk, blast radius, undo, warnings. The same for rules and models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pydantic import ValidationError

from agents.blast_radius import blast_radius
from agents.desk import Desk
from agents.playbooks.fill import Filling
from agents.playbooks.seen import Sorted
from agents.render import command, executable
from agents.static_review import breaks_a_rule
from schemas.evidence import Brief
from schemas.operations import NAMED, SHAPES, Operation, Parameters, Risk, Step, Target
from schemas.plan import Action

_LOSES_DATA = (Operation.DELETE_PVC,)


@dataclass(frozen=True, slots=True)
class Proposal:
    """What somebody proposes, before it is judged."""

    step: Step
    hypothesis: str = ""
    service: str = ""
    description: str = ""
    expected_effect: str = ""
    risk: Risk = Risk.LOW
    claimed_radius: int = 0
    evidence: tuple[str, ...] = ()
    playbook: str = ""
    verification: str = ""
    runs: tuple[str, ...] = ()
    undoable: bool = True
    human_only: bool = False
    warnings: tuple[str, ...] = ()
    untrusted: tuple[str, ...] = ()

    def borne_out_by(self, offered: Proposal) -> Proposal:
        """A playbook offers the same step: its knowledge is added, and the higher risk of both stands."""
        return replace(
            self,
            risk=max(self.risk, offered.risk, key=lambda level: level.rank),
            expected_effect=self.expected_effect or offered.expected_effect,
            playbook=offered.playbook,
            verification=offered.verification,
            runs=offered.runs,
            undoable=offered.undoable,
            human_only=self.human_only or offered.human_only,
            warnings=(*self.warnings, *offered.warnings),
        )


def make(brief: Brief, desk: Desk, proposal: Proposal, number: int) -> Action:
    step = proposal.step
    doubts = (*_doubts(brief, desk, step), *_of_model(proposal))
    undo = undo_of(brief, proposal) if proposal.undoable else None
    risk = max(floor_of(desk, step), proposal.risk, key=lambda level: level.rank)
    return Action(
        id=f"A{number}",
        step=step,
        hypothesis=proposal.hypothesis,
        description=proposal.description,
        expected_effect=proposal.expected_effect,
        undo=undo,
        risk=risk,
        blast_radius=blast_radius(brief, step, proposal.claimed_radius),
        evidence=proposal.evidence,
        playbook=proposal.playbook,
        verification=proposal.verification,
        command=command(step),
        executable=executable(step, proposal.runs, desk.configured),
        human_only=proposal.human_only or bool(doubts),
        warnings=(*doubts, *proposal.warnings, *_cautions(step, undo)),
        untrusted=proposal.untrusted,
    )


def floor_of(desk: Desk, step: Step) -> Risk:
    """A configured thing's own, where its configuration gives a reason; policy has the last word on both."""
    floor = SHAPES[step.operation].floor
    return desk.risks.get(step.parameters.name or "", floor) if step.operation in NAMED else floor


def in_evidence(brief: Brief, target: Target) -> bool:
    """Whether evidence named it: the alert's own word is none."""
    return any(_place(target) == _place(known) for known in brief.targets)


def _place(target: Target) -> tuple[str, str, str, str]:
    return target.cluster, target.namespace, target.kind, target.name


def _doubts(brief: Brief, desk: Desk, step: Step) -> Sequence[str]:
    """What makes it an act for a person, whatever else holds."""
    doubts = []
    if step.target.name and not in_evidence(brief, step.target):
        who = f"{step.target.kind} {step.target.name}".strip()
        doubts.append(f"{who} never appeared in the evidence: only a person may act on it")
    if step.operation in NAMED and step.parameters.name not in desk.configured:
        doubts.append(f"{step.parameters.name} is not configured here: only a person may run it")
    return doubts


def _of_model(proposal: Proposal) -> Sequence[str]:
    """It is never used, but it tells what kind of model this is, or who has spoken to it."""
    if breaks_a_rule(proposal.untrusted):
        return ("a model sent text with it that breaks a hard rule: only a person may act on it",)
    return ()


def _cautions(step: Step, undo: Step | None) -> Sequence[str]:
    cautions = []
    if step.operation in _LOSES_DATA:
        cautions.append("it destroys the data on the volume")
    if undo is None and SHAPES[step.operation].floor.rank >= Risk.MEDIUM.rank:
        cautions.append("it cannot be taken back by one step")
    return cautions


# -- what takes it back


def undo_of(brief: Brief, proposal: Proposal) -> Step | None:
    """The step that restores what was there before, where evidence says what that was."""
    step = proposal.step
    operation = SHAPES[step.operation].undo
    if operation is None:
        return None
    parameters = _former(brief, proposal, operation)
    if parameters is None:
        return None
    try:
        return Step(operation=operation, target=step.target, parameters=parameters)
    except ValidationError:
        return None


def _former(brief: Brief, proposal: Proposal, operation: Operation) -> Parameters | None:
    if operation == Operation.SET_RESOURCES:
        return None  # the former amounts are read when it is done, not when it is proposed
    if operation == Operation.SCALE_DEPLOYMENT:
        replicas = filling(brief, proposal.service).number("desired_replicas", "desired", "replicas")
        return Parameters(replicas=int(replicas)) if replicas and replicas >= 1 else None
    if operation == Operation.ROLLBACK_DEPLOYMENT and proposal.step.operation == operation:
        revision = filling(brief, proposal.service).number("revision")
        return Parameters(revision=int(revision)) if revision and revision >= 1 else None
    return Parameters()


def filling(brief: Brief, service: str, items: Sequence[str] = (), target: Target | None = None) -> Filling:
    """Of the incident's own service, or of one that it depends on; the cited items first."""
    seen = Sorted(brief).service(service)
    cited = [item for item in brief.items if item.id in items]
    return Filling(brief, seen, cited, target)
