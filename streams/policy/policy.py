"""The policy: who may decide what, as one readable file. Read `policy.yaml` beside this first.

A file is refused as a whole when anything in it is not understood: a typing error must not weaken a rule.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from fnmatch import fnmatchcase
from functools import cache, cached_property
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import AwareDatetime, BeforeValidator, Field, StrictBool, StrictInt, model_validator

from connectors.checked_file import parse_checked, read_checked
from schemas.envelope import Plain
from schemas.operations import Operation, Risk
from schemas.outcome import PolicyMark
from streams.policy.canonical import canonical
from streams.policy.operations import Data, OperationPolicy, check_operations
from streams.policy.people import Role

SHIPPED = Path(__file__).parent / "policy.yaml"
Share = Annotated[float, Field(strict=True, ge=0, le=1, allow_inf_nan=False)]


def _several(value: Any) -> Any:
    """`namespaces: shop` is `namespaces: [shop]`."""
    return (value,) if isinstance(value, str) else value


Patterns = Annotated[tuple[str, ...], BeforeValidator(_several)]


class Quorum(Plain):
    """How many different people must sign. `each` names roles that must all be among them."""

    signatures: StrictInt = Field(ge=0, le=10, description="of different people; 0: none is needed")
    roles: Annotated[tuple[Role, ...], BeforeValidator(_several)] = Field((), description="any of these")
    each: Annotated[tuple[Role, ...], BeforeValidator(_several)] = Field(
        (), description="one person for each of these"
    )

    @model_validator(mode="after")
    def _can_be_met(self) -> Self:
        if self.each and self.signatures < len(self.each):
            raise ValueError(f"{len(self.each)} roles must each sign, with {self.signatures} signatures")
        if len(set(self.each)) != len(self.each):
            raise ValueError("a role stands twice in `each`")
        if self.signatures > len(self.each) and not self.roles:
            raise ValueError("signatures need `roles` that count")
        return self


class Weights(Plain):
    model: Share
    playbook: Share
    evidence: Share

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if abs(self.model + self.playbook + self.evidence - 1) > 1e-9:
            raise ValueError("the three weights must add up to 1")
        return self


class FusionPolicy(Plain):
    weights: Weights
    automatic_from: Share = Field(description="from here LOW risk may go without a person")
    propose_from: Share = Field(description="below it a request is marked low confidence")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.automatic_from < self.propose_from:
            raise ValueError("automatic_from must not be below propose_from")
        return self


class TrustPolicy(Plain):
    medium_counts_low_from: StrictInt = Field(ge=1, description="verified successes in a row")
    high_counts_medium_from: StrictInt = Field(ge=1, description="verified successes in a row")
    decay_days: StrictInt = Field(ge=1, le=3650, description="unused for so long, it loses one")
    drift_window: StrictInt = Field(ge=4, le=100, description="outcomes that are looked at for a change")
    drift_drop: Share = Field(description="drift: the share of successes fell by so much")


class BlastPolicy(Plain):
    """From which blast radius, 0 to 100, a risk holds at least."""

    medium_from: StrictInt = Field(ge=1, le=100)
    high_from: StrictInt = Field(ge=1, le=100)
    critical_from: StrictInt = Field(ge=1, le=100)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not self.medium_from <= self.high_from <= self.critical_from:
            raise ValueError("medium_from, high_from and critical_from must not fall")
        return self


class ApprovalPolicy(Plain):
    expire_minutes: StrictInt = Field(ge=1, le=7 * 24 * 60)
    void_when_resolved: StrictBool


class Caps(Plain):
    actions_per_workload_and_hour: StrictInt = Field(ge=0, le=1000)
    actions_at_once: StrictInt = Field(ge=0, le=1000)


class Where(Plain):
    """Everything given must fit; `*` and `?` stand for any text. Nothing given fits everywhere."""

    operations: Annotated[tuple[Operation, ...], BeforeValidator(_several)] = ()
    projects: Patterns = ()
    clusters: Patterns = ()
    namespaces: Patterns = ()
    kinds: Patterns = ()
    names: Patterns = ()

    def fits(self, place: Place) -> bool:
        asked = (
            (self.projects, place.project_id),
            (self.clusters, place.cluster),
            (self.namespaces, place.namespace),
            (self.kinds, place.kind),
            (self.names, place.name),
        )
        if self.operations and place.operation not in self.operations:
            return False
        return all(not patterns or _any(patterns, value) for patterns, value in asked)


class Place(Plain):
    """What an action is and where it would act, as rules and freezes look at it."""

    operation: str = Field("", description="as proposed: it need not be on the list")
    project_id: str = "default"
    cluster: str = "default"
    namespace: str = ""
    kind: str = ""
    name: str = ""


class Rule(Plain):
    """The first rule that fits is the one that counts. It can only ask for more caution."""

    name: str = Field(pattern=r"^[a-z][a-z0-9-]{1,60}$")
    where: Where
    risk_at_least: Risk = Risk.LOW
    never_automatic: StrictBool = False
    reason: str = Field(min_length=3)

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.risk_at_least == Risk.LOW and not self.never_automatic:
            raise ValueError("it changes nothing: give risk_at_least or never_automatic")
        return self


class Freeze(Plain):
    """A window without automatic changes."""

    name: str = Field(pattern=r"^[a-z][a-z0-9-]{1,60}$")
    starts_at: AwareDatetime
    ends_at: AwareDatetime
    where: Where = Where()
    reason: str = Field(min_length=3)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.ends_at <= self.starts_at:
            raise ValueError("ends_at must be after starts_at")
        return self

    def holds(self, at: datetime, place: Place) -> bool:
        return self.starts_at <= at < self.ends_at and self.where.fits(place)


class Policy(Plain):
    version: StrictInt = Field(ge=1, description="counted by whoever changes the file")
    quorums: dict[Risk, Quorum]
    operations: dict[Operation, OperationPolicy]
    data: dict[Data, Risk]
    blast_radius: BlastPolicy
    trust: TrustPolicy
    fusion: FusionPolicy
    approvals: ApprovalPolicy
    caps: Caps
    rules: tuple[Rule, ...] = ()
    freezes: tuple[Freeze, ...] = ()

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        check_operations(self.operations)
        for told, kind in ((self.quorums, Risk), (self.data, Data)):
            missing = [one for one in kind if one not in told]
            if missing:
                raise ValueError(f"nothing is said of {', '.join(missing)}")
        _check_quorums(self.quorums)
        names = [rule.name for rule in self.rules] + [freeze.name for freeze in self.freezes]
        if len(set(names)) != len(names):
            raise ValueError("two rules or freezes have one name")
        return self

    @cached_property
    def hash(self) -> str:
        """SHA-256 over what it says, not over how it is written."""
        return hashlib.sha256(canonical(self.model_dump(mode="json"))).hexdigest()

    def rule_for(self, place: Place) -> Rule | None:
        return next((rule for rule in self.rules if rule.where.fits(place)), None)

    def freeze_at(self, at: datetime, place: Place) -> Freeze | None:
        return next((freeze for freeze in self.freezes if freeze.holds(at, place)), None)


LEAST_SIGNATURES = {Risk.LOW: 0, Risk.MEDIUM: 1, Risk.HIGH: 2, Risk.CRITICAL: 2}
CRITICAL_ROLES = frozenset({"cto", "ciso"})


def _check_quorums(quorums: dict[Risk, Quorum]) -> None:
    """A policy may ask for more than the safe defaults, never for less."""
    for risk, quorum in quorums.items():
        if quorum.signatures < LEAST_SIGNATURES[risk]:
            raise ValueError(f"quorums.{risk}: at least {LEAST_SIGNATURES[risk]} signatures")
    if not set(quorums[Risk.CRITICAL].each) >= CRITICAL_ROLES:
        raise ValueError(f"quorums.CRITICAL: each of {' and '.join(sorted(CRITICAL_ROLES))} must sign")


def _any(patterns: tuple[str, ...], value: str) -> bool:
    return any(fnmatchcase(value, pattern) for pattern in patterns)


def mark_of(policy: Policy) -> PolicyMark:
    """Which one it is, in a decision."""
    return PolicyMark(version=policy.version, hash=policy.hash)


def parse_policy(text: str, where: str = "policy") -> Policy:
    """Raises Misconfigured, with the line and what is allowed."""
    return parse_checked(text.encode(), Policy, where)


@cache
def shipped() -> Policy:
    return read_policy()


def read_policy(path: Path = SHIPPED) -> Policy:
    return read_checked(path, Policy, "policy")


Where.model_rebuild()
