"""A run from its incident to its decision: in time, at its deadline, with somebody away or late."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from agents.models.model import NoModel, Question
from schemas.decision import Branch, SessionStatus
from schemas.run import RunReason
from schemas.turn import Usage
from streams.stages.schedule import Budget, ScheduleConfig
from tests.streams.debates import DEADLINE_SECS, Debates, only

STAGES = ("evidence", "diagnose", "solve", "review", "critique")
AGENT_OF = {"diagnose": "diagnostician", "solve": "solver", "review": "reviewer", "critique": "critic"}


class Costly:
    """Models that cost and say nothing useful."""

    def __init__(self, tokens: int = 600, usd: float = 0.5) -> None:
        self.tokens, self.usd, self.asked = tokens, usd, 0

    async def ask(self, question: Question[Any]) -> Any:
        self.asked += 1
        raise NoModel("nobody answered", Usage(tokens_in=self.tokens, cost_usd=self.usd, calls=1))


class Broken:
    """A bug, where a panel may raise NoModel and nothing else."""

    async def ask(self, question: Question[Any]) -> Any:
        raise ZeroDivisionError("a bug of the panel")


class Hanging:
    async def ask(self, question: Question[Any]) -> Any:
        await asyncio.sleep(3600)


async def test_an_incident_has_one_decision_and_its_turns_in_order() -> None:
    story = await Debates().fire().run()
    decided = only(story.decisions)

    assert decided.payload.session_status is SessionStatus.COMPLETED
    assert decided.payload.requires_human_approval, "without models a person decides"
    assert [str(said.agent) for said in decided.payload.said][:4] == list(AGENT_OF.values())
    assert only(story.log.events("learning")).payload.session_id == decided.run_id
    assert story.moves() == [
        ("INVESTIGATING", "run_started"),
        ("WAITING_APPROVAL", "approval_required"),
    ]
    assert decided.payload.brief is not None
    assert (
        decided.payload.brief.evidence_id
        == only(
            event for event in story.log.events("rca.evidence") if event.type == "evidence.collected"
        ).event_id
    )


@pytest.mark.parametrize("away", STAGES)
async def test_a_stage_that_never_speaks_ends_the_run_at_its_deadline(away: str) -> None:
    story = await Debates(away={away}).fire().run()
    assert not story.decisions
    await story.pass_seconds(DEADLINE_SECS - 5).tick()
    assert not story.decisions, "not before"
    await story.pass_seconds(10).tick()
    package = only(story.decisions).payload

    assert package.session_status is SessionStatus.TIMEOUT
    assert package.branch is Branch.TIMED_OUT
    assert package.requires_human_approval
    assert package.recommended_action is None
    assert AGENT_OF.get(away, "diagnostician") in package.missing
    assert story.moves()[-1] == ("ESCALATED", "debate_timed_out")
    assert only(story.ends()).payload.error_code == "E-RCA-TIMEOUT"


@pytest.mark.parametrize("away", STAGES[1:])
async def test_what_is_said_after_the_end_is_late_and_changes_nothing(away: str) -> None:
    story = await Debates(away={away}).fire().run()
    await story.pass_seconds(DEADLINE_SECS + 5).tick()
    ended = only(story.decisions)
    await story.pass_seconds(7).back(away)

    assert only(story.decisions) == ended
    late = story.late()
    assert AGENT_OF[away] in {turn.agent for turn in late}
    assert all(turn.late_by_ms >= 7000 for turn in late)
    assert len(story.moves()) == 2


async def test_a_turn_after_the_deadline_is_late_even_before_the_tick() -> None:
    story = await Debates(away={"critique"}).fire().run()
    await story.pass_seconds(DEADLINE_SECS + 1).back("critique")

    assert only(story.decisions).payload.session_status is SessionStatus.TIMEOUT
    assert only(story.late()).agent == "critic"


async def test_a_coordinator_that_comes_back_late_takes_what_was_said_in_time() -> None:
    story = await Debates(away={"coordinate"}).fire().run()
    await story.pass_seconds(3600).tick()
    await story.back("coordinate")
    await story.tick()

    assert only(story.decisions).payload.session_status is SessionStatus.COMPLETED
    assert not story.late()


@pytest.mark.parametrize("panel", [Broken(), Hanging()], ids=["broken", "hanging"])
async def test_an_agent_that_breaks_or_hangs_writes_a_failed_turn_and_the_run_ends(panel: Any) -> None:
    secs = 3 if isinstance(panel, Hanging) else DEADLINE_SECS
    story = await Debates(panel=panel, schedule=ScheduleConfig(run_deadline_secs=secs)).fire().run()
    package = only(story.decisions).payload

    assert package.requires_human_approval
    assert package.branch is Branch.STAGE_FAILED
    assert package.recommended_action is None
    assert package.confidence == 0
    assert not story.late(), "whoever would have spoken next is not asked"


async def test_stages_that_are_fed_again_say_nothing_new() -> None:
    story = await Debates().fire().run()
    before = {kind: story.times_written(kind) for kind in ("rca.diagnosed", "rca.decided", "run.spent")}
    for placed in story.all:
        for topic in placed.topics:
            story.log.rewind(placed.name, topic)
    await story.run()

    assert {kind: story.times_written(kind) for kind in before} == before
    assert before == {"rca.diagnosed": 1, "rca.decided": 1, "run.spent": 1}


async def test_turns_that_stand_twice_in_the_log_are_taken_once() -> None:
    """Their writer died between its output and its row: the same event at a new offset."""
    story = Debates(away={"critique"})
    await story.fire().run()
    for topic in ("runs", "rca.evidence", "rca.diagnoses", "rca.plans", "rca.reviews"):
        story.put(story.log.events(topic)[0])
    await story.run()
    await story.back("critique")

    assert story.times_written("rca.decided") == 1
    assert story.times_written("rca.diagnosed") == 2, "the copy, and no turn made of a copy"
    assert story.times_written("rca.critiqued") == 1


async def test_what_raises_severity_while_a_run_is_pending_is_asked_for_when_it_ends() -> None:
    story = Debates(away={"coordinate"})
    await story.fire(severity="warning").run()
    await story.pass_seconds(5).fire(started=5, severity="critical").run()
    await story.back("coordinate")
    assert len(story.starts()) == 1, "its approval is pending"
    await story.pass_seconds(3601).tick()
    await story.tick()  # time waits for what stands before it

    first, second = story.starts()
    assert (second.payload.number, second.payload.reason) == (2, RunReason.SEVERITY_RAISED)
    assert second.payload.sighting.alert.severity == "critical"
    assert {decided.run_id for decided in story.decisions} == {first.run_id, second.run_id}


async def test_an_incident_that_resolves_meanwhile_asks_for_no_more_runs() -> None:
    story = Debates(away={"coordinate"})
    await story.fire(severity="warning").run()
    await story.pass_seconds(5).fire(started=5, severity="critical").run()
    await story.pass_seconds(5).resolve(started=5).run()
    await story.back("coordinate")

    assert len(story.decisions) == 1
    assert story.moves()[-1] == ("INVESTIGATING", "run_started"), "RESOLVED stays"


@pytest.mark.parametrize(
    "budget",
    [
        pytest.param(Budget(tokens_per_day=1000), id="tokens"),
        pytest.param(Budget(usd_per_day=0.6), id="money"),
    ],
)
async def test_past_its_budget_a_project_goes_on_by_rules_until_the_next_day(budget: Budget) -> None:
    panel = Costly(tokens=1200, usd=0.7)
    story = Debates(panel=panel, schedule=ScheduleConfig(budget=budget))
    for number in range(3):
        await story.pass_seconds(60).fire(started=number, fingerprint=f"{number:016x}").run()
    asked = panel.asked
    await story.pass_seconds(24 * 3600).fire(started=100, fingerprint="ff" * 8).run()

    assert story.asked_models() == [True, False, False, True]
    assert panel.asked > asked, "a new day has its own"
    assert all(decided.payload.requires_human_approval for decided in story.decisions)


async def test_the_cost_of_a_run_counts_once_however_often_it_is_told() -> None:
    story = Debates(panel=Costly(tokens=100), schedule=ScheduleConfig(budget=Budget(tokens_per_day=900)))
    await story.fire().run()
    spent = only(event for event in story.log.events("runs.requests") if event.type == "run.spent")
    assert 100 <= spent.payload.tokens_in < 900
    for _ in range(20):
        story.put(spent)
    await story.pass_seconds(1).fire(started=1, fingerprint="cd" * 8).run()

    assert story.asked_models() == [True, True]


async def test_rows_of_ended_runs_are_forgotten() -> None:
    story = await Debates().fire().resolve().run()
    for _ in range(4):
        await story.pass_seconds(24 * 3600).tick()

    kept = {
        placed.name: sum(len(story.log.rows(placed, number)) for number in range(story.log.partitions))
        for placed in story.all
        if placed.keyed
    }
    assert kept.pop("schedule") == 1, "a project is kept"
    assert set(kept.values()) == {0}
