"""The worker dies after it has asked for runs, and reads the answers before what it asked for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from schemas.decision import SessionStatus
from streams.placed import Placed
from streams.stage import pack
from streams.stages.incident_row import Incident, Phase
from tests.streams.stages.storm_story import StormStory, storms, topology


def placed(story: StormStory) -> tuple[Placed, Placed, Placed]:
    dedup, runs, schedule = story.log.stages
    return dedup, runs, schedule


def rows(story: StormStory, stage: Placed) -> dict[str, Incident]:
    found = (story.log.rows(stage, number) for number in range(story.log.partitions))
    return {
        story.name_of(key.decode()): Incident.of_row(key, row)
        for partition in found
        for key, row in partition.items()
    }


async def died(story: StormStory, *more: str) -> StormStory:
    """Outputs are written, rows are not; others go on; of its topics it reads `runs` first."""
    dedup, runs, schedule = placed(story)
    story.log.stages = [dedup, runs]
    await story.run()
    for number in range(story.log.partitions):
        kept = story.log.rows(runs, number)
        kept.apply(dict.fromkeys(list(kept)))
    story.log.rewind("runs", "incidents")
    story.log.stages = [schedule]
    await story.run()
    story.log.stages = [dedup, replace(runs, topics=("runs", *more, "incidents")), schedule]
    return story


@pytest.mark.parametrize("threshold", [0, 1], ids=["calm", "storm"])
async def test_what_was_answered_already_is_not_forgotten(threshold: int) -> None:
    story = StormStory(schedule=storms(threshold, released=6), connected=topology())
    for name, target in {"a": "postgres", "b": "shop", "c": "mail", "d": "elsewhere"}.items():
        story.opens(name, target=target)
    await (await died(story)).run()
    await story.wait(60, step=5)

    kept = rows(story, story.log.stages[1])
    assert {name: row.phase for name, row in kept.items() if row.phase is Phase.ASKED} == {}
    assert not any(row.ahead for row in kept.values())
    assert {story.status(name) for name in "abcd"} == {"INVESTIGATING"}
    assert story.times_written("run.started") == len(story.told("run.started"))


async def test_a_debate_that_ended_meanwhile_ends_the_run() -> None:
    story = StormStory()
    await died(story.opens("a"), "rca.decisions", "decisions")
    story.debated(SessionStatus.COMPLETED).gate("SKIPPED")
    await story.run()
    assert story.ended("a") == [("succeeded", "no_action")]
    assert [event.type for event in story.log.events("runs.requests")].count("run.spent") == 1


async def test_a_place_that_is_drawn_for_a_run_called_off_is_given_back() -> None:
    story = StormStory(schedule=storms(1, released=6))
    await story.opens("a", "b").run()
    dedup, runs, schedule = placed(story)
    story.log.stages = [dedup, runs]
    await story.opens("c").run()
    story.meant = story.of("c")
    await story.cancel().run()
    story.log.stages = [dedup, runs, schedule]
    await story.run()
    assert story.ended("c") == [("cancelled", "cancelled")]
    assert story.project.storm.waiting == 1

    await story.wait(15)
    assert story.project.storm.waiting == 0


async def test_of_two_places_drawn_for_one_run_one_is_given_back() -> None:
    story = StormStory(schedule=storms(1, released=6))
    await story.opens("a", "b").run()
    story.project_row(lambda project: project.answered.clear())
    for request in story.requests:
        if request.incident_id in {one.incident_id for one in story.told("run.throttled")}:
            story.put(request)
    await story.run()
    assert story.project.storm.waiting == 1


async def test_a_row_that_kept_no_sighting_ends_instead_of_asking_again() -> None:
    story = StormStory(schedule=storms(1, released=6))
    dedup, runs, schedule = placed(story)
    story.log.stages = [dedup, runs]
    await story.opens("a", "b").run()
    for number in range(story.log.partitions):
        kept = story.log.rows(runs, number)
        for key, row in list(kept.items()):
            known = Incident.of_row(key, row)
            kept.apply({key: pack([0, known.seen, known.status, known.runs, known.pending_run, None])})
    story.log.stages = [dedup, runs, schedule]
    await story.run()
    [waited] = story.names("run.throttled")
    assert (story.ended(waited), story.status(waited)) == ([("cancelled", "cancelled")], "ESCALATED")
    await story.wait(15)
    assert story.project.storm.waiting == 0


async def test_a_later_place_that_was_answered_already_is_not_forgotten() -> None:
    story = StormStory(schedule=storms(1, released=6))
    await story.opens("a", "b").run()
    dedup, runs, schedule = placed(story)
    before = [dict(story.log.rows(runs, number).items()) for number in range(story.log.partitions)]
    story.project_row(lambda project: setattr(project.storm.gate, "free_at", story.now + 30_000))
    story.log.stages = [dedup, runs]
    await story.wait(12)
    for number, kept in enumerate(before):
        story.log.rows(runs, number).apply(kept)
    story.log.stages = [dedup, schedule]
    await story.run()
    assert [one.payload.attempt for one in story.told("run.throttled")] == [0, 1]

    story.log.stages = [dedup, replace(runs, topics=("runs", "incidents")), schedule]
    await story.wait(60)
    assert len(story.told("run.started")) == 2
