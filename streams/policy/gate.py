"""The gate: what becomes of a run's recommendation. The first line that holds decides.

What forbids acting without a person is gathered in full, so that lifting one switch surprises nobody with
the next. Pure: what the world says (switches, silences, preflight, trust, time) comes in as a `Standing`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from schemas.operations import Operation, Risk
from schemas.outcome import Assessment, Fused, Needed, Outcome, RiskPart
from schemas.preflight import PreflightStatus
from streams.policy import fusion, risk, trust
from streams.policy.fusion import Inputs
from streams.policy.policy import Policy, Quorum, Rule
from streams.policy.risk import Proposal

MOST_TRUST = 1_000_000
"""nobody verifies more: it is a number that somebody made up"""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the debate hands to the gate."""

    rejected: str = ""
    """what reviewer or critic said against it, where one rejected it"""
    proposal: Proposal | None = None
    """None: there is no candidate action"""
    why_nothing: str = "there is no candidate action"
    human: str = ""
    """why the coordinator demands a person; empty where it does not"""
    no_number: str = ""
    """what in it was no number; empty where all was in order"""
    inputs: Inputs = field(default_factory=Inputs)


@dataclass(frozen=True, slots=True)
class Standing:
    """What the world says at this moment. The defaults are those of doubt."""

    kill_switch: str = "the kill switch is engaged"
    """why it counts as engaged; empty where it is lifted"""
    shadow: bool = False
    silence: str = ""
    freeze: str = ""
    """the change freeze that somebody set over the place, beside policy's own; or why nobody can tell"""
    preflight: PreflightStatus = PreflightStatus.UNAVAILABLE
    preflight_why: str = ""
    opted_in: bool = False
    resolved: bool = False
    unbound: str = ""
    """why the action has no hash: nothing could hold anyone to exactly this one"""
    unproven: str = ""
    """why nobody could tell that the gate itself allowed it"""
    policy_trouble: str = ""
    """why no policy that anyone applied is in force, although one was"""
    trust_key: str = ""
    trust: Any = 0
    """as it came: it should be a whole number from 0"""
    at: datetime = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Verdict:
    outcome: Outcome
    rule: str
    reason: str
    halts: tuple[str, ...] = ()
    low_confidence: bool = False
    assessment: Assessment | None = None
    fused: Fused | None = None
    needed: Needed | None = None

    @property
    def needs_human(self) -> bool:
        return self.outcome != Outcome.AUTO_APPROVED


@dataclass(frozen=True)
class Case:
    asked: Asked
    standing: Standing
    policy: Policy

    @property
    def proposal(self) -> Proposal:
        assert self.asked.proposal is not None  # line 2 has asked
        return self.asked.proposal

    @cached_property
    def assessment(self) -> Assessment:
        found = (*risk.parts(self.proposal, self.policy), *_odd_trust(self.standing.trust))
        whole, earned = risk.highest(found), _earned(self.standing.trust)
        return Assessment(
            risk=whole,
            effective=trust.lowered(whole, earned, self.policy.trust),
            parts=found,
            trust_key=self.standing.trust_key,
            trust=earned,
        )

    @cached_property
    def fused(self) -> Fused:
        return fusion.fuse(self.asked.inputs, self.policy.fusion)

    @property
    def rule(self) -> Rule | None:
        return self.policy.rule_for(self.proposal.place)

    @cached_property
    def halts(self) -> tuple[tuple[str, str], ...]:
        return tuple(_halts(self))


def decide(asked: Asked, standing: Standing, policy: Policy) -> Verdict:
    case = Case(asked, standing, policy)
    return next(verdict for line in GATE if (verdict := line(case)) is not None)


# -- the gate, line by line


def _rejected(case: Case) -> Verdict | None:
    """1. Nobody overrides a reviewer's or a critic's no."""
    if not case.asked.rejected:
        return None
    return Verdict(Outcome.BLOCKED, "rejected", case.asked.rejected)


def _nothing(case: Case) -> Verdict | None:
    """2. Nothing to do is not nothing to say: a person must look."""
    proposal = case.asked.proposal
    if proposal is not None and proposal.place.operation != Operation.NONE:
        return None
    return Verdict(Outcome.SKIPPED, "no_action", case.asked.why_nothing)


def _halted(case: Case) -> Verdict | None:
    """3. Whatever anyone thinks of it, nothing is done by itself now."""
    if not case.halts:
        return None
    rule, reason = case.halts[0]
    return _ask(case, rule, reason)


def _human(case: Case) -> Verdict | None:
    """4. The coordinator, or a rule of the policy, wants a person."""
    if case.asked.human:
        return _ask(case, "human_demanded", case.asked.human)
    if case.rule is not None and case.rule.never_automatic:
        return _ask(case, f"rules.{case.rule.name}", case.rule.reason)
    return None


def _sure(case: Case) -> Verdict | None:
    """5. By how sure all are together, by risk, and by what was opted in."""
    fused, effective = case.fused, case.assessment.effective
    if fused.branch == fusion.INCOMPLETE:
        return _ask(case, "fusion_incomplete", "; ".join(fused.missing))
    if effective != Risk.LOW:
        return _ask(case, "risk_above_low", f"its risk is {effective}")
    if fused.branch == fusion.LOW_CONFIDENCE:
        return _ask(case, "low_confidence", f"together only {fused.value:.0%} sure")
    if fused.branch == fusion.PROPOSE:
        return _ask(case, "not_sure_enough", f"together {fused.value:.0%} sure")
    if not case.standing.opted_in:
        return _ask(case, "not_opted_in", f"{case.proposal.place.operation} is not opted in")
    return Verdict(
        Outcome.AUTO_APPROVED,
        "automatic",
        f"together {fused.value:.0%} sure, risk {effective}, opted in",
        assessment=case.assessment,
        fused=fused,
    )


Line = Callable[[Case], Verdict | None]
GATE: tuple[Line, ...] = (_rejected, _nothing, _halted, _human, _sure)


def _halts(case: Case) -> Iterator[tuple[str, str]]:
    standing, place = case.standing, case.proposal.place
    if case.asked.no_number:
        yield "no_number", case.asked.no_number
    if standing.kill_switch:
        yield "kill_switch", standing.kill_switch
    if standing.shadow:
        yield "shadow_mode", f"the project {place.project_id} is in shadow mode"
    if standing.silence:
        yield "silence", standing.silence
    freeze = case.policy.freeze_at(standing.at, place)
    if freeze is not None:
        yield "change_freeze", f"{freeze.name}: {freeze.reason}"
    elif standing.freeze:
        yield "change_freeze", standing.freeze
    if standing.preflight != PreflightStatus.PASSED:
        yield f"preflight_{standing.preflight}", standing.preflight_why or f"preflight {standing.preflight}"
    if standing.policy_trouble:
        yield "policy_unreadable", standing.policy_trouble
    if standing.unbound:
        yield "unbound", standing.unbound
    if standing.unproven:
        yield "unproven", standing.unproven
    if standing.resolved:
        yield "resolved", "the incident has resolved"


def _earned(score: Any) -> int:
    """Whatever is no count of successes is no trust."""
    is_count = isinstance(score, int) and not isinstance(score, bool) and 0 <= score <= MOST_TRUST
    return score if is_count else 0


def _odd_trust(score: Any) -> tuple[RiskPart, ...]:
    if _earned(score) or (score == 0 and not isinstance(score, bool)):
        return ()
    why = f"the trust is no whole number from 0 to {MOST_TRUST:,}"
    return (RiskPart(what="numbers", risk=Risk.CRITICAL, why=why),)


def _ask(case: Case, rule: str, reason: str) -> Verdict:
    return Verdict(
        Outcome.APPROVAL_REQUIRED,
        rule,
        reason,
        halts=tuple(name for name, _ in case.halts),
        low_confidence=case.fused.branch in (fusion.LOW_CONFIDENCE, fusion.INCOMPLETE),
        assessment=case.assessment,
        fused=case.fused,
        needed=needed(case.policy.quorums, case.assessment.effective),
    )


def needed(quorums: dict[Risk, Quorum], effective: Risk) -> Needed:
    """Where a person is asked, at least one must answer."""
    quorum = quorums[effective]
    return Needed(signatures=max(1, quorum.signatures), roles=quorum.roles, each=quorum.each)
