"""Who begins at once in a storm, who waits for how long, and what becomes of those who wait."""

from __future__ import annotations

import pytest

from schemas.alert import Severity
from streams.stage import pack
from streams.stages.schedule_row import Project, due
from tests.streams.stages.storm_story import StormStory, storms, topology

SIX = ("a", "b", "c", "d", "e", "f")


async def storm(threshold: int = 3, **more: int) -> StormStory:
    story = StormStory(schedule=storms(threshold, **more))
    await story.opens(*SIX).run()
    return story


async def test_below_the_threshold_everybody_begins_at_once() -> None:
    story = await storm(threshold=6)
    assert sorted(story.names("run.started")) == sorted(SIX)
    assert not story.told("run.throttled")


async def test_past_the_threshold_one_waits_and_begins_in_turn() -> None:
    story = await storm(threshold=3, released=6)
    throttled = story.told("run.throttled")
    assert sorted(one.payload.waiting for one in throttled) == [1, 2, 3]
    assert all(one.payload.reason == "storm" for one in throttled)
    waited = story.names("run.throttled")
    assert len({*waited, *story.names("run.started")}) == len(SIX)
    assert {story.status(name) for name in waited} == {"PENDING"}

    await story.wait(35)
    assert sorted(story.names("run.started")) == sorted(SIX)
    first, second, third = sorted(story.started_at[name] for name in waited)
    assert min(second - first, third - second) >= 9, "six a minute"
    assert {story.status(name) for name in waited} == {"INVESTIGATING"}


async def test_a_project_knows_no_storm_without_a_threshold() -> None:
    story = await storm(threshold=0)
    assert sorted(story.names("run.started")) == sorted(SIX)


async def test_the_more_severe_go_first_and_critical_ones_at_once() -> None:
    story = await storm(threshold=2, released=6)
    await story.opens("worst", severity="critical").run()
    assert "worst" in story.names("run.started")

    await story.opens("least", severity="info").run()
    await story.wait(20)
    await story.opens("later", severity="warning").run()
    await story.wait(120)
    began = story.started_at
    assert max(began, key=lambda name: began[name]) == "least"


async def test_who_resolves_while_it_waits_needs_no_run() -> None:
    story = await storm(threshold=3, released=6)
    story.pass_seconds(1)
    await story.resolves("e").run()
    assert story.ended("e") == [("cancelled", "resolved_while_waiting")]
    [settled] = story.settled
    assert settled.payload.ticket
    assert settled.payload.closed

    await story.wait(120)
    assert "e" not in story.names("run.started")
    assert {"d", "f"} <= set(story.names("run.started"))


async def test_who_resolves_before_it_is_told_to_wait_needs_none_either() -> None:
    story = StormStory(schedule=storms(3, released=6))
    story.opens(*SIX).pass_seconds(1)
    await story.resolves("f").run()
    assert story.ended("f") == [("cancelled", "resolved_while_waiting")]


async def test_who_gets_worse_while_it_waits_moves_up() -> None:
    story = await storm(threshold=3, released=6)
    story.pass_seconds(2)
    await story.opens("f", severity="critical", started=1).run()
    assert story.names("run.started")[-1] == "f"
    [started] = [one for one in story.told("run.started") if one.incident_id == story.of("f")]
    assert (started.payload.reason, started.payload.severity) == ("severity_raised", "critical")

    await story.wait(60)
    assert len(story.told("run.started")) == len(SIX), "its place is given to nobody twice"


async def test_whom_a_person_asks_for_begins_at_once() -> None:
    story = await storm(threshold=3, released=6)
    story.meant = story.of("f")
    await story.rerun("look at this one").run()
    assert story.names("run.started")[-1] == "f"
    assert story.told("run.started")[-1].payload.reason == "rerun"
    assert story.told("run.started")[-1].payload.note.text == "look at this one"


async def test_a_storm_ends_when_nobody_waits_and_few_come() -> None:
    story = await storm(threshold=3, released=60)
    await story.wait(200, step=5)
    await story.opens("g", "h").run()
    assert {"g", "h"} <= set(story.names("run.started"))
    assert {"g", "h"}.isdisjoint(story.names("run.throttled"))


@pytest.mark.parametrize("again", ["runs", "schedule"])
async def test_a_replay_comes_to_the_same(again: str) -> None:
    story = await storm(threshold=3, released=6)
    await story.wait(15)
    ends, started = story.ends, story.names("run.started")
    for topic in ("incidents", "runs", "runs.requests"):
        for event in story.log.events(topic):
            if event.stage == again:
                story.put(event)
    await story.run()
    assert (story.ends, story.names("run.started")) == (ends, started)

    await story.wait(60)
    assert sorted(story.names("run.started")) == sorted(SIX)


async def test_a_copy_of_a_request_draws_no_second_ticket() -> None:
    story = StormStory(schedule=storms(1, released=6))
    await story.opens("a", "b").run()
    for request in story.requests * 3:
        story.put(request)
    await story.run()
    assert story.project.storm.waiting == 1
    assert len(story.told("run.started")) == 1


async def test_the_row_of_a_project_stays_small() -> None:
    story = StormStory(schedule=storms(30, released=30), connected=topology())
    for number in range(20):
        for other in range(100):
            story.opens(f"{number}-{other}", target=f"orders-{other}" if other % 2 else "mail")
        await story.pass_seconds(3).run()
    row = story.project.row()
    assert len(row) < 60_000
    assert Project.of_row(b"default", row).row() == row


async def test_a_project_whose_row_is_of_before_storms_goes_on() -> None:
    """And time wakes it not, until a storm has begun."""
    old = pack([{"runs.requests": 7}, 3, 20_000, 900, 0.5, ["a mark"]])
    project = Project.of_row(b"shop", old)
    assert (project.project_id, project.started, project.tokens) == ("shop", 3, 900)
    assert due(old) is None
    assert due(project.row()) is None


async def test_a_queue_of_which_nobody_comes_back_holds_up_nobody() -> None:
    story = await storm(threshold=3, released=6)
    story.project_row(lambda project: setattr(project.storm.queues[Severity.WARNING], "given", 50))
    await story.opens("least", severity="info").run()
    await story.wait(1800, step=10)
    assert "least" in story.names("run.started")


async def test_while_the_worker_is_away_nobody_loses_their_place() -> None:
    """Else all that wait would begin at once when it is back."""
    story = StormStory(schedule=storms(3, released=6))
    await story.opens(*(f"n{number}" for number in range(100))).run()
    story.pass_seconds(3 * 3600)
    await story.wait(60)
    assert len(story.told("run.started")) <= 3 + 6 + 2

    await story.wait(1800, step=5)
    assert len(story.told("run.started")) == 100
