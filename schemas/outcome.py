"""The public outcome of a run, for downstream consumers: whole, so that nothing has to be looked up.

It is a projection: nothing of AWOOOI executes because of it.
"""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar, Literal

from pydantic import Field

from schemas.alert import Severity
from schemas.envelope import Event, Long, Moment, Plain
from schemas.operations import Risk
from schemas.plan import Action
from schemas.preflight import Check, PreflightStatus


class Outcome(StrEnum):
    AUTO_APPROVED = "AUTO_APPROVED"
    APPROVAL_REQUIRED = "APPROVAL_REQUIRED"
    BLOCKED = "BLOCKED"
    SKIPPED = "SKIPPED"
    APPROVED = "APPROVED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"
    VOIDED = "VOIDED"


class RiskPart(Plain):
    what: str = Field(description="plan, operation, blast_radius, data, rule, target or numbers")
    risk: Risk = Field(description="what it asks for at least")
    why: str = Field(description="in one sentence")


class Assessment(Plain):
    """How risky the action is: the highest part, and what trust makes of it."""

    risk: Risk = Field(description="the highest of the parts")
    effective: Risk = Field(description="after trust: one level less at most, CRITICAL never")
    parts: tuple[RiskPart, ...] = Field(description="each part with its reason")
    trust_key: str = Field("", description="whose trust it is, empty where there is none")
    trust: Long = Field(0, description="its score, decay taken off")


class Fused(Plain):
    """How sure all of them together are; an input that is missing or no number is none."""

    model: float | None = Field(None, description="the coordinator's confidence")
    playbook: float | None = Field(None, description="the playbook's smoothed share of verified successes")
    evidence: float | None = Field(None, description="the share of what bears on the cause that supports it")
    weights: dict[str, float] = Field(description="of model, playbook and evidence")
    value: float | None = Field(None, description="none: an input is missing, a person decides")
    branch: str = Field(description="automatic, propose, low_confidence or incomplete")
    missing: tuple[str, ...] = Field((), description="each input that is missing, with the reason")


class Needed(Plain):
    """Whose signatures are asked for."""

    signatures: Long = Field(description="of different people; a rejection needs one")
    roles: tuple[str, ...] = Field((), description="any of these count")
    each: tuple[str, ...] = Field((), description="one person for each of these must be among them")


class Basis(Plain):
    """What the gate was given beside the action: another policy can be asked the same."""

    human: str = Field("", description="why the argument itself demands a person, empty where it does not")
    replaced_by_owner: bool | None = Field(
        None, description="of a pod: whether something makes it anew; none: not known"
    )
    opted_in: bool = Field(False, description="whether the operation may go by itself")
    offsets: dict[str, Long] = Field(
        default_factory=dict, description="how far each reference topic was read; -1: not at all"
    )


class PolicyMark(Plain):
    """Which policy decided."""

    version: Long = Field(description="as its author counts")
    hash: str = Field(description="SHA-256 over what it says, 64 hex digits")


class Decision(Plain):
    outcome: Outcome = Field(description="what was decided")
    rule: str = Field(description="the line of the gate, or of the approval, that decided")
    reason: str = Field(description="in one sentence")
    halts: tuple[str, ...] = Field((), description="all that forbids acting without a person")
    needs_human: bool = Field(description="whether a person has something to do")
    low_confidence: bool = Field(False, description="asked for, but all together are not sure")
    approval_id: str = Field("", description="the request, empty where nothing is asked")
    action: Action | None = Field(None, description="what is decided about; none: there was no candidate")
    action_hash: str = Field("", description="of exactly this action, empty where there is none")
    assessment: Assessment | None = Field(None, description="how risky it is, and why")
    fused: Fused | None = Field(None, description="how sure, and from what")
    needed: Needed | None = Field(None, description="whose signatures are asked for")
    policy: PolicyMark = Field(description="the policy in force")
    basis: Basis = Field(default_factory=Basis, description="what else it was decided from")
    preflight: PreflightStatus = Field(description="what the checks before the proposal gave")
    checks: tuple[Check, ...] = Field((), description="they themselves")
    alert_type: str = Field("", description="what kind of alert")
    severity: Severity | None = Field(None, description="highest seen on the incident")
    source: str = Field("", description="the stack it came from")
    cluster: str = Field("", description="where it came from")
    namespace: str = Field("", description="Kubernetes namespace")
    target: str = Field("", description="what the alert is about: kind/name")
    hit_count: Long = Field(0, description="alerts counted on the incident")
    last_seen_at: Moment | None = Field(None, description="when its latest alert was received")
    root_cause: str = Field("", description="the top hypothesis, in one sentence")
    confidence: float | None = Field(None, description="in it, 0 to 1, after the critic")
    summary: str = Field("", description="the argument in a few sentences")
    money_at_stake: str = Field("unknown", description="an amount with its currency, or unknown")
    proposed_by: str = Field("", description="agents, rules, or a person's name")
    expires_at: Moment | None = Field(None, description="when the request ends unanswered")
    signed_by: tuple[str, ...] = Field((), description="who signed, where somebody did")


class DecisionMade(Event):
    """A run's action was decided upon, or its approval ended."""

    type: Literal["decision.made"] = "decision.made"
    payload: Decision
    id_over: ClassVar[str] = "the run's gate, or the approval's end"
