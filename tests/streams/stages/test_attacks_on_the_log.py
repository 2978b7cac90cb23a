"""Every attack again, as a record on the log: refused with its own reason in an event, over any transport."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.approval import ApprovalRequested
from schemas.codec import Codec
from streams.memory import MemoryLog
from streams.placed import Placed
from streams.policy.approvals import State
from streams.policy.in_force import PolicyInForce
from streams.policy.refusals import Refusal
from streams.policy.verifier import Verifier
from streams.runner import Runner
from streams.stages import approve, approve_row
from streams.stages.approve import Approve
from streams.stages.intake import Intake
from tests.schemas.golden_events import golden
from tests.streams.policy.attacks import OWN, TRIED, Attack
from tests.streams.policy.signing import APPROVAL_ID, NOW, signers

ATTACKS = {
    name: attack for name, attack in {**TRIED, **OWN}.items() if attack.approval.state is State.PENDING
}
"""what comes after an end is told in test_approve.py"""
NOW_MS = int(NOW.timestamp() * 1000)
ELSEWHERE = (Refusal.OTHER_APPROVAL,)
"""there is no such approval under that incident"""


def log_of(attack: Attack, folder: Path) -> MemoryLog:
    file = folder / "signers.json"
    file.write_text(signers().model_dump_json(exclude_defaults=True))
    codec, verifier = Codec(), Verifier(attack.rules, file)
    stages = (Intake(verifier), Approve(verifier, PolicyInForce(codec, dict)))
    placed = [
        Placed(Runner(stage, codec, clock=lambda: NOW_MS), stage.reads, keyed=stage.name == "approve")
        for stage in stages
    ]
    return MemoryLog(placed, codec, lambda: NOW_MS)


def asked(attack: Attack) -> ApprovalRequested:
    event: ApprovalRequested = golden("approval.requested")
    about = {"approval_id": APPROVAL_ID, "expires_at": attack.approval.expires_at}
    payload = event.payload.model_copy(update=about)
    incident = APPROVAL_ID.rpartition("-A")[0]
    return event.model_copy(update={"payload": payload, "incident_id": incident})


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS.keys())
async def test_it_is_refused_with_its_own_reason_and_opens_nothing(
    attack: Attack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is asked has the attack's own hash and quorum: they are not those of any action."""
    for module in (approve, approve_row):
        monkeypatch.setattr(module, "opened", lambda _: attack.approval)
    log, request = log_of(attack, tmp_path), asked(attack)
    log.append("approvals.requests", log.codec.encode(request), request.incident_id.encode())
    await log.run()
    for transport, make in enumerate((*attack.before, attack.make)):
        log.append("approvals.signatures", make(), b"%d" % transport)
        await log.run()

    events = [*log.events("approvals.votes"), *log.events("approvals.outcomes")]
    refused = [event.payload.refusal for event in events if event.type == "vote.refused"]
    counted = [event for event in events if event.type == "vote.counted"]

    assert len(counted) == len(attack.before)
    if attack.reason in ELSEWHERE:
        assert not refused, "it waits for a request that never comes"
    else:
        assert refused == [attack.reason]
