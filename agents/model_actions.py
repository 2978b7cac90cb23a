"""A model's action, checked: an operation of the closed list, typed parameters, a target that was seen."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import ValidationError

from agents.actions import Proposal
from agents.citations import existing
from agents.playbooks.shape import Pick
from agents.replies import ActionSaid, ParametersSaid
from agents.targets import pick
from schemas.diagnosis import Hypothesis
from schemas.evidence import Brief
from schemas.operations import PROPOSED, SHAPES, Operation, Parameters, Risk, Step, Target

_PICKS: dict[str, Pick] = {"pod": "pod", "node": "node", "job": "job", "pvc": "pvc"}


def read_action(said: ActionSaid, brief: Brief, hypotheses: Sequence[Hypothesis]) -> Proposal | str:
    """The proposal, or in one sentence why there is none."""
    try:
        operation = Operation(said.operation)
    except ValueError:
        operation = None
    if operation not in PROPOSED:
        return f"an action was dropped: {said.operation[:40]!r} is no operation of the list"
    evidence = existing(brief, said.evidence)
    cured = next((h for h in hypotheses if h.id == said.hypothesis.upper()), hypotheses[0])
    target = _target(said, operation, brief, cured)
    if target is None:
        return f"an action was dropped: {operation} names no target, and evidence offers none"
    try:
        step = Step(operation=operation, target=target, parameters=_parameters(said.parameters, operation))
    except ValidationError as error:
        return f"an action was dropped: {_why(error)}"
    return Proposal(
        step=step,
        hypothesis=cured.id,
        service=cured.service,
        description=said.description or f"{operation} {target.name}".strip(),
        expected_effect=said.expected_effect,
        risk=Risk(said.risk.upper()),
        claimed_radius=said.blast_radius,
        evidence=evidence or cured.evidence,
        untrusted=tuple(text for text in (said.command, *said.checks, said.rollback) if text),
    )


def _target(said: ActionSaid, operation: Operation, brief: Brief, cured: Hypothesis) -> Target | None:
    """As evidence has it, id and all; a name that it does not have stays as it is, for a person to judge."""
    named, subject = said.target, brief.subject.target
    if not named.name:
        kinds = SHAPES[operation].kinds
        what: Pick | None = _PICKS.get(kinds[0], "workload") if kinds else None
        return pick(brief, operation, what, cured.service, cured.evidence)
    fitting = [
        target
        for target in brief.targets
        if target.name == named.name
        and named.kind in ("", target.kind)
        and named.namespace in ("", target.namespace)
    ]
    if len(fitting) == 1:
        return fitting[0]
    return Target(cluster=subject.cluster, namespace=named.namespace, kind=named.kind, name=named.name[:253])


def _parameters(said: ParametersSaid, operation: Operation) -> Parameters:
    """What the operation does not take is left out: models fill every field they are shown."""
    shape = SHAPES[operation]
    given = {
        "replicas": said.replicas,
        "revision": said.revision,
        "container": said.container or None,
        "requests": _amounts(cpu=said.cpu_request, memory=said.memory_request),
        "limits": _amounts(cpu=said.cpu_limit, memory=said.memory_limit),
        "size": said.size or None,
        "name": said.name or None,
    }
    taken = {*shape.required, *shape.optional}
    return Parameters.model_validate({name: value for name, value in given.items() if name in taken})


def _amounts(**amounts: str | None) -> dict[str, str]:
    return {name: amount for name, amount in amounts.items() if amount}


def _why(error: ValidationError) -> str:
    fault = error.errors(include_url=False, include_input=False, include_context=False)[0]
    where = ".".join(str(part) for part in fault["loc"])
    message = fault["msg"].removeprefix("Value error, ")
    return f"{where}: {message}" if where else message
