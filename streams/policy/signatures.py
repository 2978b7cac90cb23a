"""A signature by itself: is it somebody's, whose, and what does it say? No state, no clock, no network.

A compact JWS goes through the list of named checks; the first that complains refuses it. What needs the
approval itself (its hash, who has signed, whether it is open) is judged in approvals.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from streams.policy.checks import CHECKS, Check, incident_of
from streams.policy.exam import Exam, Rules
from streams.policy.jws import take_apart
from streams.policy.people import Role
from streams.policy.refusals import Refused
from streams.policy.signers import Holder, Registry
from streams.policy.signers_file import ALL_PROJECTS


@dataclass(frozen=True, slots=True)
class Vote:
    """A signature that is somebody's. Whether it counts is the approval's to say."""

    person: str
    roles: frozenset[Role]
    projects: frozenset[str]
    decision: str
    approval_id: str
    action_hash: str
    reason: str
    jti: str
    issuer: str
    kid: str
    subject: str
    """as the issuer calls the person"""
    expires: int
    recorded_at: datetime

    @property
    def incident_id(self) -> str:
        return incident_of(self.approval_id)

    def covers(self, project: str) -> bool:
        return ALL_PROJECTS in self.projects or project in self.projects


def verify(
    token: bytes, at: datetime, registry: Registry, rules: Rules, checks: Sequence[Check] = CHECKS
) -> Vote | Refused:
    """Never raises for what a token holds. Tests leave a check out."""
    exam = Exam(token, at, registry, rules)
    for check in checks:
        complaint = check.look(exam)
        if complaint is not None:
            return Refused(check.reason, complaint)
    return _vote(exam)


def key_named(token: bytes, rules: Rules) -> tuple[str, str]:
    """The issuer and the key that a token names, believed in nothing: to ask that issuer beforehand."""
    seen = take_apart(token[: rules.most_bytes])
    issuer, kid = (seen.claims or {}).get("iss"), (seen.header or {}).get("kid")
    return str(issuer), str(kid)


def _vote(exam: Exam) -> Vote:
    holder = exam.holder or Holder(exam.text("sub"), frozenset(), frozenset())
    return Vote(
        person=holder.person,
        roles=frozenset(Role(role) for role in exam.roles if role in list(Role)) & holder.roles,
        projects=holder.projects,
        decision=exam.text("decision"),
        approval_id=exam.text("approval_id"),
        action_hash=exam.text("action_hash"),
        reason=exam.text("reason"),
        jti=exam.text("jti"),
        issuer=exam.text("iss"),
        kid=exam.named("kid"),
        subject=exam.text("sub"),
        expires=exam.time("exp"),
        recorded_at=exam.at,
    )
