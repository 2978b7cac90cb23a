"""Runs of an alert and of a project in a day are counted: a loop of action, failure and alert ends."""

from __future__ import annotations

from streams import windows
from streams.stages.schedule import Budget, ScheduleConfig
from tests.streams.stages.storm_story import StormStory, fingerprint_of

DAY_SECS = windows.DAY // 1000


async def looped(story: StormStory, times: int) -> StormStory:
    """It resolves by what is done, and comes back."""
    for _ in range(times):
        await story.opens("loop", started=None).run()
        await story.pass_seconds(1200).resolve(fingerprint=LOOP, started=None).run()
        story.pass_seconds(1200)
    return story


LOOP = fingerprint_of("loop")


async def test_an_alert_has_so_many_runs_a_day_and_then_a_person_looks() -> None:
    story = await looped(StormStory(schedule=ScheduleConfig(runs_per_alert=3)), times=4)
    assert len(story.told("run.started")) == 3
    [throttled] = story.told("run.throttled")
    assert throttled.payload.reason == "fingerprint_budget"
    assert throttled.payload.release_at.timestamp() % DAY_SECS == 0, "the next day (UTC)"
    last = story.ends[-1]
    assert last.incident_id == throttled.incident_id
    assert (last.type, last.payload.reason, last.payload.error_code) == (
        "run.finished",
        "fingerprint_budget",
        "E-RUN-BUDGET",
    )
    assert ("ESCALATED", "fingerprint_budget") in story.moves


async def test_other_alerts_have_runs_of_their_own() -> None:
    story = await looped(StormStory(schedule=ScheduleConfig(runs_per_alert=1)), times=1)
    await story.opens("other").run()
    assert story.names("run.started") == ["loop", "other"]


async def test_a_project_has_so_many_runs_a_day() -> None:
    story = StormStory(schedule=ScheduleConfig(budget=Budget(runs_per_day=2)))
    for name in "abc":
        await story.opens(name).run()
    assert story.names("run.started") == ["a", "b"]
    assert story.ended("c") == [("cancelled", "day_budget")]
    assert story.status("c") == "ESCALATED"


async def test_what_a_person_asks_for_is_over_no_budget() -> None:
    story = await looped(StormStory(schedule=ScheduleConfig(runs_per_alert=1)), times=1)
    await story.opens("loop", started=None).run()
    story.meant = story.told("run.throttled")[-1].incident_id
    await story.rerun("look again").run()
    assert story.told("run.started")[-1].payload.reason == "rerun"


async def test_a_repeat_asks_for_no_run_before_the_next_day_and_for_one_then() -> None:
    story = await looped(StormStory(schedule=ScheduleConfig(runs_per_alert=1)), times=1)
    await story.opens("loop", started=None).run()
    for _ in range(20):
        await story.pass_seconds(600).opens("loop", started=None).run()
    assert len(story.told("run.throttled")) == 1
    assert len(story.told("run.started")) == 1

    await story.pass_seconds(DAY_SECS - 3600).opens("loop", started=None).run()
    assert len(story.told("run.started")) == 2
