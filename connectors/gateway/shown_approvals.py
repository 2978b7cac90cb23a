"""An approval as people see it before they sign."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from connectors.gateway.shown import Plain, Shown, Time


class ApprovalState(StrEnum):
    WAITING = "WAITING"
    APPROVED = "APPROVED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"
    VOIDED = "VOIDED"


class Which(StrEnum):
    """Which approvals a list shows."""

    WAITING = "waiting"
    """the oldest first"""
    DECIDED = "decided"
    """the newest first"""


class Place(Shown):
    cluster: str
    namespace: str
    kind: str
    name: str


class Asked(Shown):
    operation: str
    target: Place
    parameters: Plain
    text: str = Field(description="in plain words")
    command: str = Field(description="as people would type it; rendered from our template")
    expected_effect: str
    undo: str = Field(description="the operation that takes it back; empty: nothing does")
    warnings: tuple[str, ...]


class Blast(Shown):
    services: tuple[str, ...] = Field(description="who depends on the target, as far as it is known")
    count: int
    score: int = Field(description="0 to 100, as policy weighs it")


class Money(Shown):
    usd: float | None
    basis: str


class PreflightCheck(Shown):
    name: str
    passed: bool
    detail: str


class PreflightShown(Shown):
    result: str = Field(description="passed, failed or unavailable")
    checks: tuple[PreflightCheck, ...]


class PolicyShown(Shown):
    version: int
    rule: str = Field(description="the line of the gate that decided")
    hash: str


class Signed(Shown):
    person: str
    decision: str
    at: Time
    reason: str
    jti: str


class Card(Shown):
    approval_id: str
    project_id: str
    incident_id: str
    run_id: str
    state: ApprovalState
    state_reason: str
    action: Asked
    action_hash: str = Field(description="what a signature is over")
    to_sign: Plain | None = Field(
        description="what that hash is over, as docs/approvals.md tells: it can be made again from this"
    )
    why: str
    cause: str
    confidence: float | None
    risk: str
    risk_parts: tuple[str, ...] = Field((), description="what makes it so risky, a sentence each")
    blast_radius: Blast
    money: Money | None = Field(description="null: not known")
    preflight: PreflightShown
    policy: PolicyShown
    required: int
    roles_needed: tuple[str, ...]
    each_role: bool = Field(False, description="one person for each of the roles must sign")
    signed: tuple[Signed, ...]
    missing: int
    proposed_by: str
    created_at: Time
    expires_at: Time
    closed_at: Time | None
    audience: str = Field(description="what `aud` must say in a signature")
