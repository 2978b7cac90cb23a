"""From a request to its end, by signatures over the log: who counts, once, and what follows."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from schemas import ids
from schemas.approval import ApprovalRequested
from schemas.envelope import Event, from_millis
from schemas.incident import IncidentReopened, IncidentResolved
from schemas.outcome import Outcome
from streams.pipeline import Given
from streams.policy.exam import Rules
from streams.policy.signers_file import SignersFile
from streams.policy.verifier import Verifier
from streams.policy.world import world_of
from tests.schemas.golden_events import golden
from tests.streams.debates import only
from tests.streams.policy.signer_facts import Topic, revoked
from tests.streams.policy.signing import signers, token
from tests.streams.stages.test_gate import INCIDENT, PROOF_KEY, Gates
from tests.streams.timeline import MINUTE

ASKED_ID = f"{INCIDENT}-A1"
RISKY = {"operation": "ROLLBACK_DEPLOYMENT"}
DEPLOYMENT = {"kind": "deployment", "name": "checkout", "id": "9b1f3f4e5a6b7c8d"}


class Approvals(Gates):
    """The gate asks two people for a rollback; signatures come in as records, by any client."""

    def __init__(self, folder: Path) -> None:
        self.file, self.topic = folder / "signers.json", Topic()
        self.register(signers())
        super().__init__()
        self.policies: dict[bytes, bytes] | None = {}
        self.begin()

    proof_key: bytes | None = PROOF_KEY

    def begin(self) -> None:
        """A worker that knows nothing but its rows."""
        world = world_of(self.codec, self._read, lambda _: 0)
        verifier = Verifier(Rules(audience="production"), self.file, log=self.topic.signers())
        key = self.proof_key
        self.start(Given(self.codec, desk=self.desk, world=world, verifier=verifier, proof_key=key))

    async def run(self) -> Approvals:
        """An end is noted first, and told by the next tick."""
        await super().run()
        self.log.tick()
        await super().run()
        return self

    def _read(self, topic: str) -> dict[bytes, bytes] | None:
        return self.policies if topic == "policies" else {}

    def register(self, file: SignersFile) -> None:
        self.file.write_text(file.model_dump_json(exclude_defaults=True))

    async def ask(self) -> Approvals:
        action = golden("rca.decided").payload.recommended_action
        target = action.step.target.model_copy(update=DEPLOYMENT)
        self.decide(step={**RISKY, "target": target})
        await self.run()
        return self

    def sign(self, person: str, key: bytes = b"", **given: Any) -> bytes:
        return self.send(self.signed(person, **given), key)

    def sign_for(self, request: ApprovalRequested, *people: str) -> None:
        """Over what the gate asked, whatever of it stands on this log."""
        asked = request.payload
        for person in people:
            self.sign(person, approval_id=asked.approval_id, action_hash=asked.action_hash)

    def signed(self, person: str, **given: Any) -> bytes:
        asked = self.requests[0] if self.requests else None
        seconds = self.now // 1000
        whole = {
            "approval_id": asked and asked.approval_id,
            "action_hash": asked and asked.action_hash,
            "iat": seconds - 5,
            "exp": seconds + 120,
        }
        return token(person, **(whole | given))

    def send(self, value: bytes, key: bytes = b"") -> bytes:
        self.log.append("approvals.signatures", value, key)
        return value

    def happens(self, kind: type[Event], number: int) -> None:
        example = golden(kind.type_name())
        about = {"incident_id": INCIDENT, "event_id": ids.derive_id("test", str(number))}
        self.put(example.model_copy(update=about))

    def kinds(self, topic: str = "approvals.outcomes") -> list[str]:
        return [event.type.partition(".")[2] for event in self.log.events(topic)]

    async def given(self, other: Approvals, topic: str) -> None:
        """What stands on that topic of another log."""
        for (name, _), records in list(other.log.topics.items()):
            for record in records if name == topic else ():
                self.log.append(topic, record.value, record.key, record.headers)
        await self.run()

    def records(self, topic: str) -> int:
        """Copies among them."""
        return sum(len(found) for (name, _), found in self.log.topics.items() if name == topic)

    @property
    def refusals(self) -> list[str]:
        events = [*self.log.events("approvals.votes"), *self.log.events("approvals.outcomes")]
        return [event.payload.refusal for event in events if event.type == "vote.refused"]

    @property
    def outcomes(self) -> list[Outcome]:
        return [decision.outcome for decision in self.told]


@pytest.fixture
async def story(tmp_path: Path) -> Approvals:
    return await Approvals(tmp_path).ask()


async def test_two_people_approve_and_one_action_is_authorized(story: Approvals) -> None:
    story.sign("bob")
    await story.run()
    assert (story.kinds(), story.outcomes) == (["counted"], [Outcome.APPROVAL_REQUIRED])

    story.sign("carol")
    await story.run()
    assert sorted(story.kinds()) == ["approved", "counted", "counted"]
    allowed = only(story.log.events("authorizations")).payload
    assert [signed.person for signed in allowed.signatures] == ["bob", "carol"]
    assert allowed.action_hash == only(story.requests).action_hash
    decision = story.told[-1]
    assert (decision.outcome, decision.signed_by) == (Outcome.APPROVED, ("bob", "carol"))
    assert decision.root_cause


async def test_one_rejection_closes_it_and_takes_the_trust_away(story: Approvals) -> None:
    story.sign("bob")
    story.sign("carol", decision="reject", reason="not during the sale")
    await story.run()

    assert story.outcomes[-1] == Outcome.REJECTED
    assert story.told[-1].reason == "rejected by carol: not during the sale"
    assert not story.log.events("authorizations")
    lost = only(story.log.events("trust.observations")).payload
    assert (lost.outcome, lost.trust_key) == ("rejected", story.told[0].assessment.trust_key)


async def test_it_expires_when_nobody_signs_enough(story: Approvals) -> None:
    story.sign("bob")
    await story.run()
    await story.pass_seconds(59 * 60).tick()
    assert "expired" not in story.kinds()
    await story.pass_seconds(61).tick()

    assert story.outcomes[-1] == Outcome.EXPIRED
    assert story.told[-1].reason == "its time passed with 1 of 2 signatures"
    story.sign("carol")
    await story.run()
    assert (story.outcomes[-1], story.refusals) == (Outcome.EXPIRED, ["outlives_approval"])


async def test_a_signature_at_the_last_moment_is_late_whether_or_not_a_tick_came(story: Approvals) -> None:
    story.now = int(only(story.requests).expires_at.timestamp() * 1000)
    story.sign("bob", exp=story.now // 1000)
    await story.run()
    assert story.refusals == ["expired"]

    await story.tick()
    assert story.kinds() == ["expired"]


async def test_it_is_voided_when_the_alert_resolves_and_never_opens_again(story: Approvals) -> None:
    story.sign("bob")
    await story.run()
    story.happens(IncidentResolved, 1)
    await story.run()
    assert story.outcomes[-1] == Outcome.VOIDED

    story.happens(IncidentReopened, 2)
    story.sign("carol")
    await story.run()
    assert story.outcomes == [Outcome.APPROVAL_REQUIRED, Outcome.VOIDED]
    assert sorted(story.kinds()) == ["counted", "late", "voided"]
    assert not story.log.events("authorizations")


async def test_what_was_resolved_before_it_was_asked_is_voided_on_arrival(story: Approvals) -> None:
    fresh = Approvals(story.file.parent)
    fresh.away = {"gate"}
    fresh.happens(IncidentResolved, 1)
    await fresh.run()
    await fresh.given(story, "approvals.requests")

    assert fresh.kinds() == ["voided"]


async def test_the_first_closing_wins_and_what_comes_after_is_late(story: Approvals) -> None:
    story.sign("carol", decision="reject")
    await story.run()
    story.sign("bob")
    await story.run()

    assert sorted(story.kinds()) == ["counted", "late", "rejected"]
    assert story.outcomes == [Outcome.APPROVAL_REQUIRED, Outcome.REJECTED]


async def test_what_is_closed_stays_so_when_the_alert_resolves(story: Approvals) -> None:
    story.sign("carol", decision="reject")
    await story.run()
    story.happens(IncidentResolved, 1)
    await story.run()

    assert story.outcomes == [Outcome.APPROVAL_REQUIRED, Outcome.REJECTED]
    assert story.records("decisions") == 2


async def test_a_replay_over_two_transports_counts_once(story: Approvals) -> None:
    once = story.signed("bob")
    story.send(once, b"http")
    story.send(once, b"chat")
    await story.run()

    assert sorted(story.kinds()) == ["counted", "refused"]
    assert story.refusals == ["reused_jti"]
    assert not story.log.events("authorizations")


async def test_one_person_is_one_person(story: Approvals) -> None:
    story.sign("bob")
    story.sign("bob")
    await story.run()

    assert story.refusals == ["same_person"]


async def test_what_is_read_again_after_a_crash_is_counted_once(story: Approvals) -> None:
    story.sign("bob")
    await story.run()
    story.log.rewind("intake", "approvals.signatures")
    await story.run()
    story.log.rewind("approve", "approvals.votes")
    story.log.rewind("approve", "approvals.requests")
    await story.run()

    assert story.kinds() == ["counted"]
    assert story.records("approvals.outcomes") == 1


async def test_a_vote_read_before_its_request_waits_for_it(story: Approvals) -> None:
    story.sign("bob")
    await story.run()
    fresh = Approvals(story.file.parent)
    fresh.away = {"gate"}
    await fresh.given(story, "approvals.votes")
    assert not fresh.kinds()
    await fresh.given(story, "approvals.requests")

    assert fresh.kinds() == ["counted"]


async def test_a_vote_for_what_nobody_asked_is_refused_after_a_while(story: Approvals) -> None:
    story.sign("bob", approval_id=f"{INCIDENT}-A9")
    await story.run()
    assert not story.kinds()
    await story.pass_seconds(31).tick()

    assert story.refusals == ["unknown_approval"]


GARBAGE = [
    pytest.param(b"", id="nothing"),
    pytest.param(b"\xff\x00 no token", id="no text"),
    pytest.param(b"a.b.c", id="no base64 of anything"),
    pytest.param(b"." * 40_000, id="too large"),
]


@pytest.mark.parametrize("value", GARBAGE)
async def test_what_cannot_be_read_is_a_refusal_with_a_reason(story: Approvals, value: bytes) -> None:
    story.send(value)
    await story.run()

    refused = only(story.log.events("approvals.votes"))
    assert (refused.type, refused.incident_id) == ("vote.refused", "")
    assert refused.payload.sentence
    assert refused.payload.size == len(value)
    assert not story.log.events("stage.failed")


async def test_a_refused_signature_stands_beside_what_it_was_meant_for(story: Approvals) -> None:
    story.send(story.signed("bob")[:-8])
    await story.run()

    refused = only(story.log.events("approvals.votes"))
    assert (refused.incident_id, refused.payload.approval_id) == (INCIDENT, ASKED_ID)


async def test_a_removed_person_no_longer_counts_where_it_is_open(story: Approvals) -> None:
    story.sign("bob")
    await story.run()
    now = from_millis(story.now)
    people = [
        one.model_copy(update={"removed": now if one.person == "bob" else one.removed})
        for one in signers().signers
    ]
    story.register(SignersFile(signers=tuple(people)))
    story.sign("carol")
    await story.run()

    assert story.outcomes == [Outcome.APPROVAL_REQUIRED]
    counted = {event.actor: event.payload.signed_by for event in story.log.events("approvals.outcomes")}
    assert counted == {"bob": ("bob",), "carol": ("carol",)}


async def test_a_key_revoked_on_the_topic_no_longer_counts_where_it_is_open(story: Approvals) -> None:
    story.sign("bob")
    await story.run()
    story.topic.says(revoked("bob-1"))
    story.sign("carol")
    await story.run()

    assert story.outcomes == [Outcome.APPROVAL_REQUIRED]
    counts = [event.payload for event in story.log.events("approvals.outcomes")]
    told = {count.person: (count.signed_by, count.signers_offset) for count in counts}
    assert told == {"bob": (("bob",), 0), "carol": (("carol",), 1)}


async def test_a_signers_file_that_cannot_be_read_lets_nobody_sign(story: Approvals) -> None:
    story.file.write_text("signers: [")
    story.sign("bob")
    await story.run()

    assert story.refusals == ["signers_in_doubt"]


async def test_doubt_about_who_may_sign_takes_no_vote_away(story: Approvals) -> None:
    story.sign("bob")
    await story.run()
    story.file.write_text("signers: [")
    story.sign("carol")
    await story.run()
    assert story.refusals == ["signers_in_doubt"]

    story.register(signers())
    story.sign("carol")
    await story.run()
    assert story.outcomes[-1] == Outcome.APPROVED
    assert story.told[-1].signed_by == ("bob", "carol")


async def test_a_vote_that_no_signature_bears_is_refused(story: Approvals) -> None:
    """Whoever can write to the topic of votes can write no signature, whatever else they have."""
    story.proof_key = None
    story.begin()
    story.sign("bob")
    story.away = {"approve"}
    await story.run()
    vote = only(story.log.events("approvals.votes"))
    forged = vote.payload.model_copy(update={"person": "carol", "token": vote.payload.token[:-4] + "AAAA"})
    story.put(vote.model_copy(update={"payload": forged, "event_id": ids.derive_id("test", "forged")}))
    await story.back("approve")

    assert sorted(story.kinds()) == ["counted", "refused"]
    assert story.refusals == ["bad_signature"]


async def test_rows_are_forgotten_a_day_after_the_end(story: Approvals) -> None:
    await story.pass_seconds(61 * 60).tick()
    await story.pass_seconds(timedelta(days=1).total_seconds() + 2 * MINUTE / 1000).tick()
    [approve] = [placed for placed in story.all if placed.name == "approve"]

    assert not [key for number in range(4) for key in story.log.rows(approve, number)]
