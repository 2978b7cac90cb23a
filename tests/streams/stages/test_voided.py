"""What is asked and no longer holds: its run was cancelled, or another policy would decide otherwise."""

from __future__ import annotations

import asyncio
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from schemas import ids
from schemas.approval import ApprovalRequested
from schemas.outcome import Outcome
from schemas.run import RunCancelled, RunFinished
from streams.policy.again import otherwise
from streams.policy.policy import SHIPPED, parse_policy, read_policy
from streams.rows import PartitionRows
from tests.schemas.golden_events import golden
from tests.streams.debates import only
from tests.streams.policy.test_in_force import KEY, value
from tests.streams.stages.test_approve import Approvals
from tests.streams.stages.test_gate import INCIDENT

RUN = ids.run_id(INCIDENT, 1)
SHIPPED_TEXT = SHIPPED.read_text()
OF_TWO, OF_THREE = "HIGH: {signatures: 2", "HIGH: {signatures: 3"
STRICTER = SHIPPED_TEXT.replace(OF_TWO, OF_THREE).replace("version: 1", "version: 2", 1)
SAME = SHIPPED_TEXT.replace("version: 1", "version: 2", 1)


class Voids(Approvals):
    def cancel(self, run: int = 1, kind: type[RunCancelled | RunFinished] = RunCancelled) -> Voids:
        example = golden(kind.type_name())
        end = example.payload.model_copy(update={"detail": "not during the sale"})
        about = {"incident_id": INCIDENT, "run_id": ids.run_id(INCIDENT, run), "actor": "dave"}
        self.put(example.model_copy(update={**about, "payload": end}))
        return self

    def apply(self, text: str) -> Voids:
        self.policies = {KEY: value(text)}
        return self

    async def ticks(self, number: int = 2) -> None:
        for _ in range(number):
            self.pass_seconds(1)
            self.log.tick()
            await self.log.run()

    async def restart(self) -> None:
        """Rows come back from the changelog; what stood in memory does not."""
        self.begin()
        self.log.stages = self.all
        for placed, rows in ((placed, self.saved(placed.name)) for placed in self.all if placed.keyed):
            for partition, kept in rows.items():
                fresh = self.log._rows[placed.name, partition] = PartitionRows(placed.runner.stage.due)
                fresh.apply(kept)
        await self.run()

    def saved(self, stage: str = "approve") -> dict[int, dict[bytes, bytes | None]]:
        return {number: dict(rows) for (name, number), rows in self.log._rows.items() if name == stage}


@pytest.fixture
async def story(tmp_path: Path) -> Voids:
    story = Voids(tmp_path)
    await story.ask()
    return story


# -- its run was cancelled


async def test_what_waits_is_voided_when_its_run_is_cancelled(story: Voids) -> None:
    story.sign("bob")
    await story.cancel().run()
    story.sign("carol")
    await story.run()

    assert sorted(story.kinds()) == ["counted", "late", "voided"]
    assert story.outcomes == [Outcome.APPROVAL_REQUIRED, Outcome.VOIDED]
    told = story.told[-1]
    assert (told.rule, told.reason) == ("cancelled", "its run was cancelled by dave: not during the sale")
    assert not story.log.events("authorizations")


async def test_what_is_asked_for_a_run_that_was_cancelled_is_voided_on_arrival(story: Voids) -> None:
    fresh = Voids(story.file.parent)
    fresh.away = {"gate"}
    await fresh.cancel().run()
    await fresh.given(story, "approvals.requests")

    assert fresh.kinds() == ["voided"]
    assert fresh.told[-1].rule == "cancelled"


async def test_another_run_and_another_end_of_it_void_nothing(story: Voids) -> None:
    await story.cancel(2).cancel(1, RunFinished).run()

    assert not story.kinds()


async def test_what_is_closed_stays_so_when_its_run_is_cancelled(story: Voids) -> None:
    story.sign("carol", decision="reject")
    await story.run()
    await story.cancel().run()

    assert story.outcomes == [Outcome.APPROVAL_REQUIRED, Outcome.REJECTED]


# -- another policy


async def test_what_another_policy_would_decide_otherwise_is_voided(story: Voids) -> None:
    await story.apply(STRICTER).ticks()

    ended = only(story.log.events("approvals.outcomes"))
    assert (ended.type, ended.payload.rule) == ("approval.voided", "other_policy")
    asked, in_force = read_policy(), parse_policy(STRICTER)
    assert (ended.payload.policy.hash, ended.payload.policy_in_force.hash) == (asked.hash, in_force.hash)
    assert ended.payload.reason == (
        f"policy 2 ({in_force.hash[:12]}) decides otherwise than policy 1 ({asked.hash[:12]}): "
        "kill_switch, risk HIGH by operation, 3 signatures (any admin or devops or sre); "
        "it was kill_switch, risk HIGH by operation, 2 signatures (any admin or devops or sre)"
    )
    assert story.outcomes[-1] == Outcome.VOIDED


async def test_another_policy_that_decides_the_same_voids_nothing(story: Voids) -> None:
    await story.apply(SAME).ticks()
    story.sign("bob")
    story.sign("carol")
    await story.run()

    assert story.outcomes[-1] == Outcome.APPROVED
    approved = next(event for event in story.log.events("approvals.outcomes") if "approved" in event.type)
    assert approved.payload.policy != approved.payload.policy_in_force


async def test_a_signature_between_the_policy_and_the_tick_is_late(story: Voids) -> None:
    story.sign("bob")
    await story.run()
    story.apply(STRICTER).sign("carol")
    await story.run()
    await story.ticks()

    assert sorted(story.kinds()) == ["counted", "late", "voided"]
    assert not story.log.events("authorizations")


async def test_a_restart_between_the_policy_and_the_tick_still_voids(story: Voids) -> None:
    await story.ticks(1)
    await story.apply(STRICTER).restart()
    await story.ticks()

    assert story.kinds() == ["voided"]


async def test_what_the_record_has_closed_yet_another_policy_does_not_open(story: Voids) -> None:
    """Killed after the end was sent and before the row was written; meanwhile the old policy came back."""
    story.sign("bob")
    await story.apply(STRICTER).run()
    before: dict[int, dict[bytes, bytes | None]] = {}
    while "voided" not in story.kinds():
        before = story.saved()
        await story.ticks(1)

    for partition, rows in before.items():
        story.log._rows["approve", partition].apply(rows)
    await story.apply(SHIPPED_TEXT).restart()
    story.sign("carol")
    await story.run()
    await story.ticks()

    assert story.outcomes == [Outcome.APPROVAL_REQUIRED, Outcome.VOIDED]
    assert not story.log.events("authorizations")


async def test_what_is_told_is_the_policy_that_voided_it(story: Voids) -> None:
    """Yet another one between what is noted and what is told changes neither rule nor hash."""
    await story.apply(STRICTER).ticks(1)
    assert not story.kinds()
    await story.apply(SHIPPED_TEXT.replace("version: 1", "version: 3", 1)).ticks(1)

    ended = only(story.log.events("approvals.outcomes")).payload
    assert (ended.rule, ended.policy_in_force.version) == ("other_policy", 2)


async def test_what_was_asked_by_a_policy_that_is_gone_is_voided(story: Voids) -> None:
    fresh = Voids(story.file.parent).apply(STRICTER)
    fresh.away = {"gate"}
    await fresh.given(story, "approvals.requests")
    await fresh.ticks(1)

    assert fresh.kinds() == ["voided"]


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param({KEY: b"rubbish"}, id="unreadable"),
        pytest.param(None, id="not read yet"),
    ],
)
async def test_in_doubt_about_the_policy_nothing_is_voided(
    story: Voids, bad: dict[bytes, bytes] | None
) -> None:
    await story.apply(SAME).ticks()
    story.policies = bad
    await story.restart()
    await story.ticks()
    assert not story.kinds()

    await story.apply(STRICTER).ticks()
    assert story.kinds() == ["voided"]


async def test_what_doubt_looked_at_is_looked_at_again(tmp_path: Path) -> None:
    """In doubt the shipped one stands in; when it is in force indeed, it counts."""
    story = Voids(tmp_path).apply(STRICTER)
    await story.ask()
    story.policies = None
    await story.restart()
    await story.ticks()
    assert not story.kinds()

    story.policies = {}
    await story.ticks()
    assert story.kinds() == ["voided"]


async def test_what_is_asked_while_the_policy_is_in_doubt_is_looked_at_later(story: Voids) -> None:
    fresh = Voids(story.file.parent)
    fresh.away = {"gate"}
    await fresh.restart()
    fresh.policies = None
    await fresh.given(story, "approvals.requests")
    await fresh.ticks()
    assert not fresh.kinds()

    await fresh.apply(STRICTER).ticks()
    assert fresh.kinds() == ["voided"]


async def test_what_doubt_asks_again_is_not_voided(tmp_path: Path) -> None:
    """The shipped one stands in for what cannot be read, and would have decided otherwise."""
    story = Voids(tmp_path).apply(STRICTER)
    await story.ask()
    fresh = Voids(tmp_path)
    fresh.away, fresh.policies = {"gate"}, None
    await fresh.given(story, "approvals.requests")
    await fresh.ticks()

    assert not fresh.kinds()


async def test_what_is_closed_stays_so_under_another_policy(story: Voids) -> None:
    story.sign("carol", decision="reject")
    await story.run()
    await story.apply(STRICTER).ticks()

    assert story.outcomes == [Outcome.APPROVAL_REQUIRED, Outcome.REJECTED]


async def test_each_row_is_looked_at_once_for_each_policy(story: Voids) -> None:
    await story.apply(SAME).ticks()
    before = story.saved()
    [approve] = [placed for placed in story.all if placed.name == "approve"]
    stage = approve.runner.stage

    assert not any(stage.outdated(row) for rows in before.values() for row in rows.values() if row)
    await story.ticks(3)
    assert story.saved() == before


# -- what "otherwise" is


@cache
def asked() -> ApprovalRequested:
    """A rollback, HIGH, of two people."""
    with TemporaryDirectory() as folder:
        event: ApprovalRequested = only(
            asyncio.run(Voids(Path(folder)).ask()).log.events("approvals.requests")
        )
        return event


RULE = "[{name: checkout, where: {names: checkout}, risk_at_least: CRITICAL, reason: it sells}]"
CAREFUL = "[{name: checkout, where: {names: checkout}, never_automatic: true, reason: it sells}]"
FREEZE = "[{name: sale, starts_at: 2000-01-01T00:00:00Z, ends_at: 2100-01-01T00:00:00Z, reason: a sale}]"
OTHERWISE = [
    pytest.param(OF_TWO, OF_THREE, True, id="more signatures"),
    pytest.param("ROLLBACK_DEPLOYMENT: {risk: HIGH", "ROLLBACK_DEPLOYMENT: {risk: CRITICAL", True, id="risk"),
    pytest.param("rules:", f"rules: {RULE}\nx:", True, id="a rule that raises it"),
    pytest.param("rules:", f"rules: {CAREFUL}\nx:", False, id="a rule that wants the person who is asked"),
    pytest.param("freezes: []", f"freezes: {FREEZE}", False, id="a freeze, and a person is asked"),
    pytest.param("expire_minutes: 60", "expire_minutes: 30", False, id="how long it is asked"),
    pytest.param("automatic_from: 0.85", "automatic_from: 0.9", False, id="how sure, and a person is asked"),
    pytest.param("decay_days: 30", "decay_days: 10", False, id="how trust fades"),
]


@pytest.mark.parametrize(("old", "new", "expected"), OTHERWISE)
def test_what_is_otherwise(old: str, new: str, expected: bool) -> None:
    assert old in SHIPPED_TEXT
    text = _without_rules(SHIPPED_TEXT) if old == "rules:" else SHIPPED_TEXT
    policy = parse_policy(text.replace(old, new, 1).replace("\nx:", "", 1))
    event = asked()

    told = otherwise(event.payload, event.project_id, event.occurred_at, policy)

    assert policy.hash != event.payload.policy.hash
    assert bool(told) is expected, told


def _without_rules(text: str) -> str:
    before, _, after = text.partition("rules:")
    return f"{before}rules:\n{after[after.index('freezes:') :]}"
