"""Trust over time: earned one by one, lost at once, faded when unused, its changes told."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from awoooi.trust_commands import taken_away
from schemas import ids
from schemas.envelope import from_millis
from schemas.operations import Operation, Target
from schemas.outcome import Outcome
from schemas.trust import Earned, TrustObserved, TrustOutcome
from streams.policy.policy import read_policy
from streams.policy.trust_scores import TrustScores
from streams.stage import Record
from tests.streams.debates import only
from tests.streams.policy.test_switches import LIFTED
from tests.streams.stages.test_gate import Gates
from tests.streams.timeline import HOUR, SECOND

KEY = "default/RESTART_DEPLOYMENT/eu-1/shop/checkout-*"
DAY_SECS = 24 * HOUR / SECOND
POLICY = read_policy().trust


class Earning(Gates):
    number = 0

    def observe(self, outcome: Earned = Earned.VERIFIED, times: int = 1) -> Earning:
        for _ in range(times):
            self.number += 1
            self.again(outcome)
        return self

    def again(self, outcome: Earned = Earned.VERIFIED) -> Earning:
        moment = from_millis(self.now)
        self.put(
            TrustObserved(
                event_id=ids.derive_id("trust.observed", str(self.number)),
                project_id="default",
                occurred_at=moment,
                recorded_at=moment,
                stage="verify",
                payload=TrustOutcome(trust_key=KEY, outcome=outcome),
            )
        )
        return self

    @property
    def scores(self) -> list[int]:
        return [event.payload.score for event in self.log.events("trust")]

    @property
    def kinds(self) -> list[str]:
        return [event.type for event in self.log.events("trust")]


async def test_each_verified_success_counts_one_and_a_rejection_takes_all() -> None:
    story = await Earning().observe(times=3).observe(Earned.REJECTED).observe().run()

    assert story.scores == [1, 2, 3, 0, 1]
    assert story.kinds == ["trust.raised"] * 3 + ["trust.reset", "trust.raised"]


async def test_an_observation_that_is_written_twice_counts_once() -> None:
    story = await Earning().observe().again().run()

    assert story.scores == [1]


async def test_what_is_not_used_fades_one_by_one() -> None:
    story = await Earning().observe(times=2).run()
    await story.pass_seconds(29 * DAY_SECS).tick()
    assert story.scores == [1, 2]

    await story.pass_seconds(2 * DAY_SECS).tick()
    await story.pass_seconds(30 * DAY_SECS).tick()
    assert story.scores == [1, 2, 1, 0]
    assert story.kinds[2:] == ["trust.decayed"] * 2

    await story.pass_seconds(91 * DAY_SECS).tick()
    trust = next(placed for placed in story.all if placed.name == "trust")
    assert not any(len(story.log.rows(trust, partition)) for partition in range(4)), "then it is forgotten"


async def test_a_sudden_change_is_told_once() -> None:
    story = await Earning().observe(times=8).observe(Earned.FAILED, times=3).run()

    assert only(story.log.events("governance")).payload.subject == KEY


async def test_a_person_can_take_it_away() -> None:
    story = await Earning().observe(times=6).run()
    story.put(taken_away(KEY, "rewritten", "alice", datetime(2027, 1, 1, tzinfo=UTC)))
    await story.run()

    assert story.scores[-1] == 0


async def test_the_gate_counts_what_was_earned_and_what_has_faded_since() -> None:
    story = Earning()
    story.set.update([LIFTED])
    await story.observe(times=5).run()
    story.trusted[KEY.encode()] = _records(story)[-1].value or b""
    restart: dict[str, Any] = {"operation": Operation.RESTART_DEPLOYMENT, "target": _deployment()}

    await story.decide(1, step=restart).run()
    assert only(story.told).assessment.effective == "LOW"
    assert (only(story.told).assessment.risk, only(story.told).assessment.trust) == ("MEDIUM", 5)

    await story.pass_seconds(31 * DAY_SECS).decide(2, step=restart).run()
    assert (story.told[-1].assessment.effective, story.told[-1].assessment.trust) == ("MEDIUM", 4)
    assert story.told[-1].outcome == Outcome.APPROVAL_REQUIRED


def test_what_cannot_be_read_is_no_trust() -> None:
    codec = Gates().codec
    scores = TrustScores(codec, lambda: {KEY.encode(): b"rubbish"})

    assert scores.score(KEY, 0, POLICY) == 0
    assert TrustScores(codec, lambda: None).score(KEY, 0, POLICY) == 0


def _records(story: Earning) -> list[Record]:
    return [record for (topic, _), log in story.log.topics.items() if topic == "trust" for record in log]


def _deployment() -> Target:
    return Target(cluster="eu-1", namespace="shop", kind="deployment", name="checkout", id="ab" * 16)
