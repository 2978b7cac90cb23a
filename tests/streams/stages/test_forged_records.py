"""Whoever can write to the topics can write what the policy stages never said: none of ours believes it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from schemas import ids
from schemas.approval import ApprovalRequest, ApprovalRequested
from schemas.envelope import Event
from schemas.outcome import DecisionMade, Needed, Outcome
from streams.policy.proof import proven
from tests.schemas.golden_events import golden
from tests.streams.debates import only
from tests.streams.policy.forgeries import approved, automatic, insider
from tests.streams.stages.test_approve import Approvals


async def asked(folder: Path) -> ApprovalRequested:
    event = only((await Approvals(folder).ask()).log.events("approvals.requests"))
    assert isinstance(event, ApprovalRequested)
    return event


def changed(**changes: object) -> Callable[[ApprovalRequest], ApprovalRequest]:
    return lambda request: request.model_copy(update=changes)


REQUESTS = {
    "one signature instead of two": changed(needed=Needed(signatures=1, roles=("devops",))),
    "signers who may not": changed(needed=Needed(signatures=2, roles=("cto",))),
    "proposed by somebody else": changed(proposed_by="bob"),
    "no proof": changed(proof=""),
    "another incident's approval": changed(approval_id="INC-20260301-ZZZZZZZZZZ-A1"),
}


@pytest.mark.parametrize("forge", REQUESTS.values(), ids=REQUESTS)
async def test_a_request_that_the_gate_did_not_make_is_a_dead_letter(
    forge: Callable[[ApprovalRequest], ApprovalRequest], tmp_path: Path
) -> None:
    story = Approvals(tmp_path)
    request = await asked(tmp_path)
    story.put(request.model_copy(update={"payload": forge(request.payload)}))
    await story.run()
    story.sign_for(request, "bob", "carol")
    await story.run()
    await story.pass_seconds(31).tick()

    assert only(story.log.events("stage.failed")).payload.reason
    assert set(story.refusals) == {"unknown_approval"}
    assert not story.log.events("authorizations")


async def test_a_request_proven_by_another_key_is_a_dead_letter(tmp_path: Path) -> None:
    story = Approvals(tmp_path)
    story.put(proven(await asked(tmp_path), b"x" * 32))
    await story.run()

    assert story.log.events("stage.failed")


def made(outcome: Outcome) -> Event:
    """As if somebody had approved it."""
    event = approved()
    same = ("action", "action_hash", "policy", "preflight")
    payload = {name: getattr(event.payload, name) for name in same}
    example: DecisionMade = golden("decision.made")
    told = example.payload.model_copy(update={**payload, "outcome": outcome})
    about = {"incident_id": event.incident_id, "event_id": ids.derive_id("test", outcome)}
    return example.model_copy(update={**about, "payload": told})


FORGED = {
    "approved, says the public topic": lambda: made(Outcome.APPROVED),
    "automatic, says the public topic": lambda: made(Outcome.AUTO_APPROVED),
    "authorized by nobody": automatic,
    "authorized by an insider": lambda: insider(approved()),
}


@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED)
async def test_a_forged_end_leads_to_no_verdict(forge: Callable[[], Event], tmp_path: Path) -> None:
    story = await Approvals(tmp_path).ask()
    before = len(story.told)
    story.put(forge())
    await story.run()
    await story.pass_seconds(1).tick()

    assert not story.kinds()
    assert story.records("authorizations") + len(story.told) == before + 1, "but for the forged one itself"
