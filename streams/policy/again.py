"""The same action and the same inputs, asked of another policy: does it still want the same?

"Otherwise" is another outcome, another risk, or other signatures; another hash alone is not.
"""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from schemas.operations import Target
from schemas.outcome import Assessment, Basis, Fused, Needed, Outcome
from schemas.plan import Action
from schemas.preflight import Check, PreflightStatus
from streams.policy.fusion import Inputs
from streams.policy.gate import Asked, Standing, Verdict, decide
from streams.policy.policy import Place, Policy
from streams.policy.risk import Proposal


class Decided(Protocol):
    """What a request and an authorization both tell of the gate's decision."""

    @property
    def action(self) -> Action: ...
    @property
    def basis(self) -> Basis: ...
    @property
    def checks(self) -> tuple[Check, ...]: ...
    @property
    def fused(self) -> Fused | None: ...


class Request(Decided, Protocol):
    @property
    def rule(self) -> str: ...
    @property
    def halts(self) -> tuple[str, ...]: ...
    @property
    def preflight(self) -> PreflightStatus: ...
    @property
    def assessment(self) -> Assessment | None: ...
    @property
    def needed(self) -> Needed: ...


def place_of(action: Action, project_id: str) -> Place:
    target: Target = action.step.target
    return Place(
        operation=action.step.operation,
        project_id=project_id,
        cluster=target.cluster,
        namespace=target.namespace,
        kind=target.kind,
        name=target.name,
    )


def proposal_of(
    action: Action, project_id: str, checks: tuple[Check, ...], replaced_by_owner: bool | None
) -> Proposal:
    passed = {check.name for check in checks if check.passed}
    return Proposal(
        place_of(action, project_id),
        plan_risk=action.risk,
        blast_radius=action.blast_radius,
        configured=action.step.parameters.name or "",
        replaced_by_owner=replaced_by_owner,
        orphan_proven="orphan" in passed,
        snapshot_verified="snapshot" in passed,
    )


def asked_again(told: Decided, project_id: str) -> Asked:
    """What the debate had handed to the gate."""
    fused, basis = told.fused, told.basis
    inputs = Inputs() if fused is None else Inputs(fused.model, fused.playbook, fused.evidence)
    proposal = proposal_of(told.action, project_id, told.checks, basis.replaced_by_owner)
    return Asked(proposal=proposal, human=basis.human, inputs=inputs)


def otherwise(told: Request, project_id: str, decided_at: datetime, policy: Policy) -> str:
    """How this policy would have decided otherwise, in the world as it was then; empty: it would not."""
    found = decide(asked_again(told, project_id), _standing(told, decided_at), policy)
    if found.outcome == Outcome.APPROVAL_REQUIRED and found.needed == told.needed:
        before, now = told.assessment, found.assessment
        if before and now and (before.risk, before.effective) == (now.risk, now.effective):
            return ""
    said = _in_words(told.rule, told.assessment, told.needed)
    return f"{_verdict_in_words(found)}; it was {said}"


def _standing(told: Request, at: datetime) -> Standing:
    """As far as it halted; trust as it was then."""
    halts = set(told.halts)
    return Standing(
        kill_switch="it was engaged" if "kill_switch" in halts else "",
        shadow="shadow_mode" in halts,
        silence="it was silenced" if "silence" in halts else "",
        freeze="it was frozen" if "change_freeze" in halts else "",
        preflight=told.preflight,
        opted_in=told.basis.opted_in,
        resolved="resolved" in halts,
        policy_trouble="it could not be read" if "policy_unreadable" in halts else "",
        unproven="there was no key" if "unproven" in halts else "",
        trust=told.assessment.trust if told.assessment else 0,
        at=at,
    )


def _verdict_in_words(verdict: Verdict) -> str:
    if verdict.needed is None:
        return f"{verdict.rule}, {verdict.outcome}"
    return _in_words(verdict.rule, verdict.assessment, verdict.needed)


def _in_words(rule: str, assessment: Assessment | None, needed: Needed) -> str:
    """The rule, what made the risk, and who must sign."""
    whose = [
        *(f"one {role}" for role in needed.each),
        *([f"any {' or '.join(needed.roles)}"] * bool(needed.roles)),
    ]
    count = f"{needed.signatures} signature{'s' * (needed.signatures != 1)} ({', '.join(whose)})"
    if assessment is None:
        return f"{rule}, {count}"
    highest = max(assessment.parts, key=lambda part: part.risk.rank)
    earned = f", by trust {assessment.effective}" if assessment.effective != assessment.risk else ""
    return f"{rule}, risk {assessment.risk} by {highest.what}{earned}, {count}"
