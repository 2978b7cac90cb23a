"""What a policy makes of a case that is made up: for `awoooi policy explain` and for tables of tests.

A case starts from the best of all worlds (switches lifted, checks passed, everybody sure), so that what
stands in its way is the policy, and whatever the case itself names.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from pydantic import AwareDatetime, Field

from schemas.envelope import Plain
from schemas.operations import Risk
from schemas.outcome import Outcome
from schemas.preflight import PreflightStatus
from streams.policy.fusion import Inputs
from streams.policy.gate import Asked, Standing, Verdict, decide
from streams.policy.policy import Place, Policy
from streams.policy.risk import Proposal


class Ask(Plain):
    """Numbers may be anything: what comes of nonsense is worth a test."""

    operation: str = Field(description="one of the list, or any other word")
    project_id: str = "default"
    cluster: str = "default"
    namespace: str = ""
    kind: str = ""
    name: str = ""
    configured: str = Field("", description="which playbook, command, call or tool")
    plan_risk: str = "LOW"
    blast_radius: Any = 0
    replaced_by_owner: bool | None = True
    orphan_proven: bool = False
    snapshot_verified: bool = False
    model: Any = 1.0
    playbook: Any = 1.0
    evidence: Any = 1.0
    trust: Any = 0
    rejected: str = ""
    human: str = ""
    kill_switch: bool = False
    shadow: bool = False
    silenced: bool = False
    preflight: PreflightStatus = PreflightStatus.PASSED
    opted_in: bool = True
    at: AwareDatetime = datetime(2000, 1, 1, tzinfo=UTC)


class Expected(Plain):
    """What is not given is not looked at."""

    outcome: Outcome | None = None
    rule: str | None = None
    risk: Risk | None = None
    effective: Risk | None = None
    signatures: int | None = None
    low_confidence: bool | None = None


class PolicyCase(Plain):
    name: str = Field(min_length=1)
    ask: Ask
    expect: Expected


class Cases(Plain):
    cases: tuple[PolicyCase, ...] = Field(min_length=1)


def judged(ask: Ask, policy: Policy) -> Verdict:
    place = Place(**{name: getattr(ask, name) for name in Place.model_fields})
    proposal = Proposal(
        place,
        plan_risk=ask.plan_risk,
        blast_radius=ask.blast_radius,
        configured=ask.configured,
        replaced_by_owner=ask.replaced_by_owner,
        orphan_proven=ask.orphan_proven,
        snapshot_verified=ask.snapshot_verified,
    )
    inputs = Inputs(ask.model, ask.playbook, ask.evidence)
    standing = Standing(
        kill_switch="the kill switch is engaged" if ask.kill_switch else "",
        shadow=ask.shadow,
        silence="it is silenced" if ask.silenced else "",
        preflight=ask.preflight,
        opted_in=ask.opted_in,
        trust=ask.trust,
        at=ask.at,
    )
    return decide(Asked(ask.rejected, proposal, human=ask.human, inputs=inputs), standing, policy)


def differences(cases: Sequence[PolicyCase], policy: Policy) -> Iterator[tuple[str, str]]:
    """Case and what was otherwise, for each that is not as expected."""
    for case in cases:
        found = _told(judged(case.ask, policy))
        wrong = [
            f"{name} is {found[name]}, expected {wanted}"
            for name, wanted in case.expect
            if wanted is not None and found[name] != wanted
        ]
        if wrong:
            yield case.name, "; ".join(wrong)


def _told(verdict: Verdict) -> dict[str, Any]:
    assessment, needed = verdict.assessment, verdict.needed
    return {
        "outcome": verdict.outcome,
        "rule": verdict.rule,
        "risk": assessment and assessment.risk,
        "effective": assessment and assessment.effective,
        "signatures": needed.signatures if needed else 0,
        "low_confidence": verdict.low_confidence,
    }
