"""The rule engine's plan: what the playbooks of the best hypotheses offer, filled from evidence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pydantic import ValidationError

from agents.actions import Proposal, filling
from agents.playbooks.fill import MORE, Filling, Unfilled, fill, fill_exactly, half_as_much_again
from agents.playbooks.shape import PlaybookAction, PlaybookParameters
from agents.rules import Candidate
from agents.targets import pick
from schemas.evidence import Brief
from schemas.operations import Operation, Parameters, Risk, Step, Target

MOST = 5
_GI = 1024**3


def proposals(brief: Brief, candidates: Sequence[Candidate]) -> tuple[Proposal, ...]:
    """Best hypothesis first; a look at what is to blame is always possible, and comes last."""
    found: list[Proposal] = []
    for candidate in candidates:
        _add(found, _offered(brief, candidate))
    _add(found, _looks(brief, candidates))
    return tuple(found[:MOST])


def _add(found: list[Proposal], more: Iterator[Proposal]) -> None:
    for one in more:
        if all(one.step != other.step for other in found):
            found.append(one)


def _offered(brief: Brief, candidate: Candidate) -> Iterator[Proposal]:
    for action in candidate.playbook.actions if candidate.playbook else ():
        if action.cures in (0, candidate.number):
            proposal = _filled(brief, candidate, action)
            if proposal is not None:
                yield proposal


def _filled(brief: Brief, candidate: Candidate, action: PlaybookAction) -> Proposal | None:
    """None where evidence does not say what it needs."""
    cited = candidate.hypothesis.evidence
    target = pick(brief, action.operation, action.target, candidate.service, cited)
    if target is None:
        return None
    told = filling(brief, candidate.service, cited, target)
    try:
        step = Step(
            operation=action.operation, target=target, parameters=_parameters(action.parameters, told)
        )
        runs = tuple(fill_exactly(text, told) for text in action.runs)
    except (Unfilled, ValidationError):
        return None
    return Proposal(
        step=step,
        hypothesis=candidate.hypothesis.id,
        service=candidate.service,
        description=fill(action.description, told),
        expected_effect=fill(action.expected_effect, told),
        risk=action.risk,
        evidence=cited,
        playbook=candidate.playbook.name if candidate.playbook else "",
        verification=_query(action.verification, told),
        runs=runs,
        undoable=action.undo != "none",
        human_only=action.human_only,
        warnings=tuple(fill(text, told) for text in action.warnings),
    )


def _query(text: str, told: Filling) -> str:
    try:
        return fill_exactly(text, told)
    except Unfilled:
        return ""


def _parameters(given: PlaybookParameters, told: Filling) -> Parameters:
    container = given.container
    return Parameters(
        replicas=_count(given.replicas, told, "desired_replicas", "desired", "replicas"),
        revision=_count(given.revision, told, "revision"),
        container=None if container is None else fill_exactly(container, told),
        requests={name: _amount(name, text, told, "request") for name, text in given.requests.items()},
        limits={name: _amount(name, text, told, "limit") for name, text in given.limits.items()},
        size=_size(given.size, told),
        name=None if given.name is None else fill_exactly(given.name, told),
        arguments={name: fill_exactly(text, told) for name, text in given.arguments.items()},
    )


def _count(given: str | int | None, told: Filling, *names: str) -> int | None:
    if given is None or isinstance(given, int):
        return given
    if given == MORE:
        return half_as_much_again(_known(told, *names))
    text = fill_exactly(given, told)
    if not text.isdecimal():
        raise Unfilled(given)
    return int(text)


def _amount(name: str, given: str, told: Filling, what: str) -> str:
    """Memory in whole MiB, CPU in thousandths of a core."""
    if given != MORE:
        return fill_exactly(given, told)
    if name == "memory":
        now = _known(told, f"memory_{what}_bytes") / 1024**2
        return f"{half_as_much_again(now)}Mi"
    return f"{half_as_much_again(_known(told, f'{name}_{what}_cores') * 1000)}m"


def _size(given: str | None, told: Filling) -> str | None:
    if given is None or given != MORE:
        return None if given is None else fill_exactly(given, told)
    return f"{half_as_much_again(_known(told, 'capacity_bytes', 'requested_bytes') / _GI)}Gi"


def _known(told: Filling, *names: str) -> float:
    value = told.number(*names)
    if value is None or value <= 0:
        raise Unfilled(names[0])
    return value


def _looks(brief: Brief, candidates: Sequence[Candidate]) -> Iterator[Proposal]:
    """Reading more harms nobody, and is what a person does first."""
    for candidate in candidates[:2]:
        cited = candidate.hypothesis.evidence
        target = pick(brief, Operation.GET_DETAILS, "subject", candidate.service, cited) or Target()
        if target.name:
            yield Proposal(
                step=Step(operation=Operation.GET_DETAILS, target=target),
                hypothesis=candidate.hypothesis.id,
                service=candidate.service,
                description=f"Look at {target.kind} {target.name} before anything is changed",
                expected_effect="Shows its state, conditions and latest events; changes nothing",
                risk=Risk.LOW,
                evidence=cited,
                playbook=candidate.playbook.name if candidate.playbook else "",
            )
