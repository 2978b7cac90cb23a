"""The attacks of the table, each made for an approval of its own that really stands on the log."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from schemas import ids
from schemas.incident import IncidentResolved
from streams.policy.approvals import State
from streams.policy.refusals import Refusal
from tests.e2e.approval_system import System
from tests.faults.approvals import Approvals, request
from tests.schemas.golden_events import golden
from tests.streams.policy import signing
from tests.streams.policy.attacks import OWN, TRIED, Attack
from tests.streams.policy.signing import OTHER_HASH, QUORUMS, token

RISKS = {quorum: risk for risk, quorum in QUORUMS.items()}
AT_THE_EDGE = ("a clock ahead by more than the skew", "valid from after the skew")
"""a second decides: told by the table, where time stands still"""
ELSEWHERE = {
    "HS256 with an RSA key, on one machine": Refusal.SYMMETRIC_ALGORITHM,  # this is not one machine
}


@dataclass
class Tried:
    """An attack made for an approval of its own."""

    name: str
    attack: Attack
    approval_id: str
    made: bytes = b""
    before: tuple[bytes, ...] = ()

    @property
    def reason(self) -> str:
        if self.attack.approval.state is not State.PENDING:
            return "closed"
        return str(ELSEWHERE.get(self.name, self.attack.reason))


def attempts(system: System, monkeypatch: pytest.MonkeyPatch) -> list[Tried]:
    found = []
    for name, attack in {**TRIED, **OWN}.items():
        if name in AT_THE_EDGE or attack.approval.state is State.EXPIRED:
            continue  # whatever would be late after its expiry has expired itself
        tried = Tried(name, attack, system.approval_id())
        monkeypatch.setattr(signing, "APPROVAL_ID", tried.approval_id)
        tried.before = tuple(make() for make in attack.before) + closing(attack)
        tried.made = attack.make()
        found.append(tried)
    return found


def closing(attack: Attack) -> tuple[bytes, ...]:
    match attack.approval.state:
        case State.APPROVED:
            return token("carol"), token("frank")
        case State.REJECTED:
            return (token("carol", decision="reject"),)
        case _:
            return ()


async def ask(approvals: Approvals, all_tried: list[Tried]) -> None:
    """What each of them attacks, as it stands when it is attacked."""
    for tried in all_tried:
        approval = tried.attack.approval
        changes = {"observed_state": "another"} if approval.action_hash == OTHER_HASH else {}
        until = signing.SECONDS + 3600
        risk = RISKS[approval.quorum]
        await approvals.ask(request(tried.approval_id, until, risk, approval.proposed_by, **changes))
    before = [made for tried in all_tried for made in tried.before]
    await approvals.sign(*before)
    await approvals.until_judged(before)
    voided = [tried for tried in all_tried if tried.attack.approval.state is State.VOIDED]
    for tried in voided:
        about = {"incident_id": tried.approval_id[:-3], "event_id": ids.derive_id("test", tried.approval_id)}
        resolved: IncidentResolved = golden("incident.resolved")
        await approvals.put("incidents", resolved.model_copy(update=about))
    await approvals.until(lambda: all(approvals.ends(tried.approval_id) for tried in voided), "all voided")


def check_nothing_counted(approvals: Approvals, all_tried: list[Tried]) -> None:
    assert not approvals.broken
    for tried in all_tried:
        assert len(approvals.counted(tried.approval_id)) == len(tried.before), tried.name
        approved = tried.attack.approval.state is State.APPROVED or "closed in between" in tried.name
        assert len(approvals.authorized(tried.approval_id)) == approved, tried.name
