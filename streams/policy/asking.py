"""What the debate's decision package asks of the gate, and what the checks before a proposal add to it."""

from __future__ import annotations

from agents.topology import owners
from schemas.decision import Branch, Package
from schemas.evidence import WRITTEN, Brief
from schemas.operations import Target
from schemas.plan import Action
from schemas.preflight import Check, Preflight
from schemas.turn import Agent, Vote
from streams.policy.again import proposal_of
from streams.policy.fusion import Inputs, smoothed
from streams.policy.gate import Asked
from streams.policy.risk import Proposal

RULES = "rules"


def asked_of(package: Package, project_id: str, preflight: Preflight | None) -> Asked:
    action = package.recommended_action
    return Asked(
        rejected=_rejected(package),
        proposal=None if action is None else _proposal(action, package.brief, project_id, preflight),
        why_nothing=_why_nothing(package),
        human=_human(package, action),
        no_number=_no_number(package),
        inputs=_inputs(package, action),
    )


def workload_of(brief: Brief | None, target: Target) -> str:
    """The name that trust is earned under: the owner's, where evidence or a pod's name tells it."""
    if target.kind != "pod":
        return target.name
    for item in brief.items if brief else ():
        if item.kind == "owners" and _is_about(item.about, target):
            last = item.words.get("owners", "").rsplit(", ", 1)[-1]
            if "/" in last:
                return last.rsplit("/", 1)[-1]
    return next(owners(target.name), target.name)


def _rejected(package: Package) -> str:
    """Whichever line of the coordinator's gate decided: a no is a no."""
    judges = (Agent.REVIEWER, Agent.CRITIC)
    said_no = any(said.agent in judges and said.vote == Vote.REJECT for said in package.said)
    if package.branch != Branch.REJECTED and not said_no:
        return ""
    return package.blocked_reason or "reviewer or critic rejected it"


def _no_number(package: Package) -> str:
    return f"no number: {', '.join(package.no_number)}" if package.no_number else ""


def _why_nothing(package: Package) -> str:
    why = "; ".join(filter(None, (_no_number(package), package.blocked_reason)))
    return why or "there is no candidate action"


def _human(package: Package, action: Action | None) -> str:
    if package.no_number:
        return _no_number(package)
    if package.requires_human_approval:
        return next(iter(package.turn.notes), f"the coordinator's gate: {package.branch}")
    if action is not None and action.human_only:
        return next(iter(action.warnings), "the action is for people only")
    return ""


def _proposal(action: Action, brief: Brief | None, project_id: str, preflight: Preflight | None) -> Proposal:
    checks = preflight.checks if preflight else ()
    owned = next((check for check in checks if check.name == "owned"), None)
    return proposal_of(action, project_id, checks, _owned(brief, action.step.target, owned))


def _owned(brief: Brief | None, target: Target, checked: Check | None) -> bool | None:
    """What the executor saw counts more than evidence, which is older."""
    if checked is not None:
        return checked.passed
    for item in brief.items if brief else ():
        if item.kind == "pod" and "owner" in item.words and _is_about(item.about, target):
            return bool(item.words["owner"])
    return None


def _is_about(about: str, target: Target) -> bool:
    return about in (target.name, f"{target.namespace}/{target.name}")


def _inputs(package: Package, action: Action | None) -> Inputs:
    """A playbook without a record is as good as the toss of a coin: nothing has counted its outcomes yet."""
    only_rules, no_number = package.usage.provider == RULES, "confidence" in package.no_number
    playbook = action.playbook if action else ""
    return Inputs(
        model=None if only_rules or no_number else package.confidence,
        playbook=smoothed(0, 0) if playbook else None,
        evidence=_agreement(package, action),
        why_missing=(
            ("model", "no number from 0 to 1" if no_number else "only rules spoke"),
            ("playbook", "it comes from no playbook"),
            ("evidence", "nothing that a tool saw bears on the cause"),
        ),
    )


def _agreement(package: Package, action: Action | None) -> float | None:
    """The share that supports the cause, of what tools saw and somebody cited for or against it."""
    causes = [one for one in (package.hypothesis, *package.other_hypotheses) if one is not None]
    chosen = next((one for one in causes if action is not None and one.id == action.hypothesis), None)
    if chosen is None or package.brief is None:
        return None
    seen = {item.id for item in package.brief.items if item.source not in WRITTEN}
    supporting, against = seen & set(chosen.evidence), seen & set(chosen.against)
    bearing = supporting | against
    return len(supporting - against) / len(bearing) if bearing else None
