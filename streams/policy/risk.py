"""How risky an action is: the highest of what each part asks for. A model's own idea can only raise it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from schemas.operations import PROPOSED, Operation, Risk
from schemas.outcome import RiskPart
from streams.policy.operations import CONFIGURED, NamedPolicy
from streams.policy.policy import Place, Policy


@dataclass(frozen=True, slots=True)
class Proposal:
    """What is proposed. The names and numbers come from elsewhere and are looked at here."""

    place: Place = field(default_factory=Place)
    plan_risk: str = Risk.LOW
    """the plan's own level, the model's among it"""
    blast_radius: Any = 0
    configured: str = ""
    """name of the playbook, command, call or tool"""
    replaced_by_owner: bool | None = None
    """of a pod: whether something makes it anew; None: not known"""
    orphan_proven: bool = False
    snapshot_verified: bool = False


def parts(proposal: Proposal, policy: Policy) -> tuple[RiskPart, ...]:
    ours = (*_operation(proposal, policy), _blast(proposal, policy), *_rule(proposal, policy))
    return (_plan(proposal), *ours)


def highest(found: tuple[RiskPart, ...]) -> Risk:
    return max((part.risk for part in found), key=lambda risk: risk.rank)


def _plan(proposal: Proposal) -> RiskPart:
    told = proposal.plan_risk
    if told not in set(Risk):
        return RiskPart(what="plan", risk=Risk.CRITICAL, why="its own level is none that there is")
    return RiskPart(what="plan", risk=Risk(told), why=f"the plan itself says {told}")


def _operation(proposal: Proposal, policy: Policy) -> Iterator[RiskPart]:
    name = proposal.place.operation
    if name not in PROPOSED:
        yield RiskPart(what="operation", risk=Risk.CRITICAL, why="it is not on the list of operations")
        return
    operation = Operation(name)
    said = policy.operations[operation]
    if operation in CONFIGURED:
        yield from _configured(operation, said.named.get(proposal.configured), policy)
        return
    if operation == Operation.DELETE_PVC and proposal.orphan_proven and proposal.snapshot_verified:
        yield RiskPart(what="operation", risk=Risk.LOW, why="a proven orphan with a verified snapshot")
        return
    yield RiskPart(what="operation", risk=said.risk, why=f"policy says {said.risk} of {operation}")
    yield RiskPart(what="data", risk=policy.data[said.data], why=f"stored data is {said.data}")
    if operation == Operation.DELETE_POD and not proposal.replaced_by_owner:
        known = "nothing makes it anew" if proposal.replaced_by_owner is False else "its owner is not known"
        yield RiskPart(what="target", risk=Risk.HIGH, why=f"a pod that is gone may stay gone: {known}")


def _configured(operation: Operation, named: NamedPolicy | None, policy: Policy) -> Iterator[RiskPart]:
    if named is None:
        why = f"policy names none like this under {operation}"
        yield RiskPart(what="operation", risk=Risk.CRITICAL, why=why)
        return
    yield RiskPart(what="operation", risk=named.risk, why=named.reason or f"policy says {named.risk} of it")
    yield RiskPart(what="data", risk=policy.data[named.data], why=f"stored data is {named.data}")


def _blast(proposal: Proposal, policy: Policy) -> RiskPart:
    radius, steps = proposal.blast_radius, policy.blast_radius
    if isinstance(radius, bool) or not isinstance(radius, int) or not 0 <= radius <= 100:
        return RiskPart(
            what="blast_radius", risk=Risk.CRITICAL, why="the blast radius is no number from 0 to 100"
        )
    risk = Risk.LOW
    if radius >= steps.medium_from:
        risk = Risk.MEDIUM
    if radius >= steps.high_from:
        risk = Risk.HIGH
    if radius >= steps.critical_from:
        risk = Risk.CRITICAL
    return RiskPart(what="blast_radius", risk=risk, why=f"a blast radius of {radius} of 100")


def _rule(proposal: Proposal, policy: Policy) -> Iterator[RiskPart]:
    rule = policy.rule_for(proposal.place)
    if rule is not None:
        yield RiskPart(what="rule", risk=rule.risk_at_least, why=f"{rule.name}: {rule.reason}")
