"""By somebody who can write to the topic of votes, and so can give a vote any id and let it say anything.

The intake's proof stops all of it. What would stand without it is shown as well: no vote counts without its
signature, and none in another's name or place.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from schemas import ids
from schemas.envelope import from_millis
from schemas.outcome import Needed
from schemas.vote import VoteVerified
from streams.policy.signers_file import SignersFile
from tests.faults.approvals import request
from tests.streams.debates import only
from tests.streams.policy.signing import signers
from tests.streams.stages.test_approve import Approvals
from tests.streams.stages.test_gate import INCIDENT, PROOF_KEY


class Forger(Approvals):
    """The request stands; votes are held back until the forger has had his way with them."""

    proof_key = None

    def __init__(self, folder: Path, **changes: Any) -> None:
        super().__init__(folder)
        self.away = {"coordinate", "preflight", "gate", "approve"}
        self.asked = request(f"{INCIDENT}-A1", self.now / 1000 + 3600, key=PROOF_KEY, **changes)
        self.put(self.asked)

    async def vote(self, person: str, **given: Any) -> VoteVerified:
        """Verified by the intake of another log: this one has not seen it."""
        other = type(self)(self.file.parent)
        asked = self.asked.payload
        other.sign(person, approval_id=asked.approval_id, action_hash=asked.action_hash, **given)
        await other.run()
        found = only(other.log.events("approvals.votes"))
        assert isinstance(found, VoteVerified)
        return found

    def forge(self, vote: VoteVerified, event_id: str, **said: Any) -> None:
        payload = vote.payload.model_copy(update=said)
        self.put(vote.model_copy(update={"payload": payload, "event_id": event_id}))

    def told(self, kind: str) -> list[Any]:  # type: ignore[override]  # of the verdicts, not of the decisions
        return [event for event in self.log.events("approvals.outcomes") if event.type == kind]


@pytest.fixture
def forger(tmp_path: Path) -> Forger:
    return Forger(tmp_path)


async def test_what_a_vote_says_beside_its_signature_is_not_repeated(forger: Forger) -> None:
    vote = await forger.vote("bob")
    forger.forge(
        vote, vote.event_id, person="carol", jti="chosen-by-me", reason="I like it", decision="reject"
    )
    await forger.back("approve")

    told = only(forger.told("vote.counted"))
    count = told.payload
    assert (told.actor, count.person, count.decision) == ("bob", "bob", "approve")
    assert (count.jti, count.reason) == (vote.payload.jti, vote.payload.reason)


async def test_a_vote_that_is_nobodys_is_refused_in_nobodys_name(forger: Forger) -> None:
    vote = await forger.vote("bob")
    forger.forge(vote, vote.event_id, token="x.y.z")
    await forger.back("approve")

    told = only(forger.told("vote.refused"))
    assert (told.actor, told.payload.person, told.payload.jti) == ("", "", "")
    assert told.payload.signature != vote.payload.signature, "who waits for bob's verdict must not hear this"


async def test_a_vote_under_the_id_of_another_takes_its_place_from_nobody(forger: Forger) -> None:
    """Where the next signature will stand, and so its vote's id, can be told beforehand."""
    bob, carol = await forger.vote("bob"), await forger.vote("carol")
    forger.forge(bob, "the id of the next")
    forger.forge(carol, "the id of the next")
    await forger.back("approve")

    assert [signed.person for signed in only(forger.log.events("authorizations")).payload.signatures] == [
        "bob",
        "carol",
    ]


async def test_one_vote_under_many_ids_counts_once(forger: Forger) -> None:
    vote = await forger.vote("bob")
    for number in range(5):
        forger.forge(vote, ids.derive_id("test", str(number)))
    await forger.back("approve")

    assert len(forger.told("vote.counted")) == 1
    assert {event.payload.refusal for event in forger.told("vote.refused")} == {"reused_jti"}
    assert not forger.log.events("authorizations")


async def test_a_removed_persons_vote_goes_though_another_chose_the_same_jti(tmp_path: Path) -> None:
    three = Needed(signatures=3, roles=("admin", "devops", "sre"))
    forger = Forger(tmp_path, needed=three)
    bob, carol, frank = [await forger.vote(who, jti="the-same-jti") for who in ("bob", "carol", "frank")]
    forger.forge(bob, "1")
    forger.forge(carol, "2")
    await forger.back("approve")
    gone = {"removed": from_millis(forger.now)}
    people = [one.model_copy(update=gone if one.person == "bob" else {}) for one in signers().signers]
    forger.register(SignersFile(signers=tuple(people)))
    forger.forge(frank, "3")
    await forger.run()

    assert forger.told("vote.counted")[-1].payload.signed_by == ("carol", "frank")
    assert not forger.log.events("authorizations")


class Proven(Forger):
    proof_key = PROOF_KEY


FORGERIES = {
    "another name": {"payload": {"person": "carol"}},
    "another id": {"event_id": "the id of the next"},
    "an earlier time": {"recorded_at": from_millis(1)},
    "another incident": {"payload": {"approval_id": f"{INCIDENT}-A2"}},
    "no proof": {"payload": {"proof": ""}},
}


@pytest.mark.parametrize("forged", FORGERIES.values(), ids=FORGERIES)
async def test_what_the_intake_did_not_write_is_a_dead_letter(forged: dict[str, Any], tmp_path: Path) -> None:
    forger = Proven(tmp_path)
    vote = await forger.vote("bob")
    said = forged.get("payload", {})
    forger.put(vote.model_copy(update={**forged, "payload": vote.payload.model_copy(update=said)}))
    await forger.back("approve")
    assert not forger.log.events("approvals.outcomes")
    assert only(forger.log.events("stage.failed")).payload.reason == "bad_payload"

    forger.put(vote)
    await forger.run()
    assert forger.told("vote.counted"), "the vote itself counts"
