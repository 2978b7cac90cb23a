"""An alert that goes on and off: told once, no runs until it settles, every change still recorded."""

from __future__ import annotations

from itertools import count

import pytest

from schemas import ids
from schemas.codec import Codec
from schemas.envelope import Event, from_millis
from schemas.flapping import FlappingState
from schemas.incident import CancelRequest, IncidentCancelRequested, IncidentRerunRequested, RerunRequest
from streams.stage import Record
from streams.stages.dedup import DedupConfig
from streams.stages.flapping import FlappingRule, Flaps, flapping
from streams.stages.incident_row import Incident
from streams.stages.run_intake import HIT, matters
from tests.streams.timeline import MINUTE, SECOND, START, Timeline

QUIET = 15 * 60
"""seconds without a change until it has settled"""


def on_and_off(story: Timeline, changes: int, apart: float = 30) -> Timeline:
    """An alert that fires, then changes so often."""
    story.fire(0)
    for number in range(1, changes + 1):
        story.pass_seconds(apart)
        began = (number // 2) * 2 * apart
        if number % 2:
            story.resolve(began)
        else:
            story.fire(began)
    return story


def told(story: Timeline) -> list[tuple[str, int]]:
    flaps = [event.payload for event in story.events() if event.type == "incident.flapping"]
    return [(flap.state, flap.changes) for flap in flaps]


async def test_one_change_more_than_the_set_number_makes_it_flap() -> None:
    assert told(await on_and_off(Timeline(), changes=6).run()) == []
    assert told(await on_and_off(Timeline(), changes=7).run()) == [("began", 7)]


async def test_changes_far_apart_are_no_flapping() -> None:
    assert told(await on_and_off(Timeline(), changes=30, apart=601).run()) == []


async def test_copies_of_a_change_are_none() -> None:
    story = Timeline().fire(0)
    for _ in range(10):
        story.pass_seconds(1).resolve(0).pass_seconds(1).fire(0)
    await story.run()
    assert (told(story), story.story()) == ([], ["opened", "resolved"])


async def test_everything_is_recorded_while_it_flaps_and_the_word_stands_before_the_reopening() -> None:
    story = await on_and_off(Timeline(), changes=12).run()
    assert story.story() == [
        "opened",
        *["resolved", "reopened"] * 3,
        *["resolved", "flapping", "reopened"],
        *["resolved", "reopened"] * 2,
    ]
    assert story.hits() == 7
    assert len({event.incident_id for event in story.events()}) == 1


async def test_that_a_reopening_shows_it_is_told_before_the_reopening() -> None:
    story = await on_and_off(Timeline(DedupConfig(flapping_changes=5)), changes=6).run()
    assert story.story()[-2:] == ["flapping", "reopened"]


async def test_it_settles_when_nothing_has_changed_for_long_enough_and_may_flap_anew() -> None:
    story = await on_and_off(Timeline(), changes=8).run()
    await story.pass_seconds(QUIET - 1).tick()
    assert told(story) == [("began", 7)]

    await story.pass_seconds(1).tick()
    assert told(story) == [("began", 7), ("settled", 8)]

    await story.pass_seconds(60).resolve(8 * 30).run()
    assert told(story) == [("began", 7), ("settled", 8)], "the changes from before count no more"


async def test_an_incident_that_opens_while_it_flaps_is_told_of_first() -> None:
    config = DedupConfig(reopen_window_secs=100, flapping_settle_secs=600)
    story = await on_and_off(Timeline(config), changes=7).run()
    await story.pass_seconds(200).fire(900).run()
    await story.pass_seconds(600).tick()
    last = next(
        event.incident_id
        for event in story.events()
        if event.type == "incident.opened" and event.occurred_at > from_millis(START)
    )
    of_last = [event for event in story.events() if event.incident_id == last]
    assert [event.type for event in of_last] == ["incident.flapping", "incident.opened", "incident.flapping"]
    of_first = [event for event in story.events() if event.incident_id != last]
    assert (of_first[-1].payload.state, of_first[-1].payload.changes) == ("settled", 7), "the other goes on"
    assert [(told.payload.state, told.payload.changes) for told in of_last[::2]] == [
        ("continues", 8),
        ("settled", 8),
    ]


async def test_switched_off_nothing_flaps() -> None:
    assert told(await on_and_off(Timeline(DedupConfig(flapping_changes=0)), changes=40).run()) == []


@pytest.mark.parametrize("batch", [pytest.param(1, id="one-by-one"), pytest.param(7, id="by-sevens")])
async def test_fed_twice_it_is_told_once_and_the_same(batch: int) -> None:
    story = on_and_off(Timeline(batch=batch), changes=9)
    await story.run()
    once = story.log.events("incidents")
    story.log.rewind("dedup", "alerts.normalized")
    await story.run()
    assert story.log.events("incidents") == once
    assert told(story) == [("began", 7)]

    await story.pass_seconds(QUIET).tick()
    await story.tick()
    assert told(story) == [("began", 7), ("settled", 9)]


# -- the rule

RULE = FlappingRule(changes=3, window=10 * MINUTE, settle=5 * MINUTE)


@pytest.mark.parametrize(
    ("seconds", "begins_at"),
    [
        pytest.param([0, 1, 2], None, id="as-often-as-allowed"),
        pytest.param([0, 1, 2, 3], 3, id="once-more"),
        pytest.param([0, 1, 2, 601], None, id="not-within-the-window"),
        pytest.param([0, 200, 400, 600], 600, id="to-the-windows-edge"),
        pytest.param([0, 400, 800, 1200, 1201, 1202], 1202, id="the-latest-count"),
        pytest.param([100, 101, 102, 50], 102, id="one-that-comes-late-is-as-late-as-the-one-before"),
    ],
)
def test_when_it_begins(seconds: list[int], begins_at: int | None) -> None:
    flaps: Flaps = []
    times = [START + second * SECOND for second in seconds]
    assert [RULE.changed(flaps, at) for at in times][-1] is (begins_at is not None)
    assert flapping(flaps) is (begins_at is not None)
    if begins_at is not None:
        assert flaps[0] == START + begins_at * SECOND
        assert RULE.settles_at(flaps) == flaps[0] + 5 * MINUTE


def test_what_is_kept_stays_small() -> None:
    flaps: Flaps = []
    for second in range(10_000):
        RULE.changed(flaps, START + second)
    assert len(flaps) == 2 + 4
    assert flaps[1] == 10_000


def test_its_states_are_words_of_the_record() -> None:
    assert list(FlappingState) == ["began", "continues", "settled"]


# -- what the runs stage makes of it


def asked(story: Timeline) -> list[tuple[int, str]]:
    requests = [event for event in story.events("runs.requests") if event.type == "run.requested"]
    return [(request.payload.number, request.payload.reason) for request in requests]


async def runs_end(story: Timeline) -> None:
    """A person calls off what is pending."""
    incident_id = story.events()[0].incident_id
    story.write(
        IncidentCancelRequested(
            event_id=ids.derive_id("incident.cancel_requested", incident_id, str(story.now)),
            project_id="default",
            incident_id=incident_id,
            occurred_at=from_millis(story.now),
            recorded_at=from_millis(story.now),
            stage="gateway",
            actor="alice",
            payload=CancelRequest(),
        ),
        "incidents",
    )
    await story.run()


async def each(story: Timeline, changes: int, apart: float = 30) -> None:
    """Every change told, and the run that it asks for over, before the next one."""
    await story.fire(0).run()
    await runs_end(story)
    for number in range(1, changes + 1):
        began = (number // 2) * 2 * apart
        story.pass_seconds(apart)
        await (story.resolve(began) if number % 2 else story.fire(began)).run()
        await runs_end(story)


async def test_it_stops_asking_for_runs_and_asks_once_it_has_settled() -> None:
    story = Timeline()
    await each(story, changes=14)
    assert asked(story) == [(1, "opened"), (2, "reopened"), (3, "reopened"), (4, "reopened")]

    await story.pass_seconds(5 * 60).fire(14 * 30 + 300).run()
    assert len(asked(story)) == 4, "nor does a repeat"
    await story.pass_seconds(10 * 60).tick()
    assert asked(story)[4:] == [(5, "reopened")]
    await story.tick()
    assert len(asked(story)) == 5


async def test_settled_while_it_is_over_it_asks_for_nothing() -> None:
    story = Timeline()
    await each(story, changes=9)
    await story.pass_seconds(15 * 60).tick()
    assert told(story)[-1] == ("settled", 9)
    assert len(asked(story)) == 4
    await story.pass_seconds(60).fire(5000).run()
    assert len(asked(story)) == 5, "from then on as ever"


async def test_an_incident_that_opens_while_its_alert_flaps_asks_for_no_run() -> None:
    story = Timeline(DedupConfig(reopen_window_secs=100, flapping_settle_secs=600))
    await each(story, changes=7)
    before = len(asked(story))
    await story.pass_seconds(200).fire(900).run()
    assert len(asked(story)) == before
    await story.pass_seconds(600).tick()
    assert asked(story)[before:] == [(1, "opened")]


async def test_people_ask_for_runs_whatever_its_alert_does() -> None:
    story = Timeline()
    await each(story, changes=8)
    incident_id = story.events()[0].incident_id
    story.write(
        IncidentRerunRequested(
            event_id=ids.derive_id("incident.rerun_requested", incident_id),
            project_id="default",
            incident_id=incident_id,
            occurred_at=from_millis(story.now),
            recorded_at=from_millis(story.now),
            stage="gateway",
            actor="alice",
            payload=RerunRequest(note="look at the disk"),
        ),
        "incidents",
    )
    await story.run()
    assert asked(story)[-1] == (5, "rerun")


async def test_told_again_after_a_crash_it_asks_for_the_same_runs() -> None:
    story = Timeline()
    await each(story, changes=8)
    story.log.rewind("dedup", "alerts.normalized")
    story.log.rewind("runs", "incidents")
    await story.run()
    await story.pass_seconds(15 * 60).tick()
    story.log.rewind("runs", "incidents")
    await story.tick()
    assert asked(story)[4:] == [(5, "reopened")]


@pytest.mark.parametrize("flaps", [pytest.param(False, id="steady"), pytest.param(True, id="flapping")])
def test_a_repeat_that_might_ask_does_not_while_it_flaps(flaps: bool) -> None:
    incident = Incident(incident_id="INC-20270115-ABCDEFGHIJ", sighting=b"1", repeat_at=START, flapping=flaps)
    hit = Record("incidents", 0, 0, b"", b"", (("ce_type", HIT),), START + 1, Codec())
    assert matters(hit, incident) is not flaps


# -- killed anywhere


class Killed(Exception):
    """The worker is gone: nothing after this point happens."""


async def told_though_killed(at: int | None) -> list[Event]:
    """A flapping alert, ticks and a settling; the worker is killed at one point and begun anew."""
    story, points = Timeline(batch=3), count()

    def passed(_: str) -> None:
        if next(points) == at:
            raise Killed

    story.log.passed = passed
    on_and_off(story, changes=9)
    for seconds in (0, QUIET, 60):
        story.pass_seconds(seconds).log.tick()
        try:
            await story.log.run()
        except Killed:
            stage = story.log.stages[0].runner.stage
            stage._kept.clear()
            await story.log.run()
    return story.events()


async def test_killed_at_any_point_it_tells_the_same() -> None:
    wanted = facts(await told_though_killed(None))
    assert [kind for kind, _ in wanted].count("incident.flapping") == 2
    for at in range(30):
        assert facts(await told_though_killed(at)) == wanted, f"killed at point {at}"


def facts(events: list[Event]) -> list[tuple[str, str]]:
    """What was told, but for how many repeats an event tells of."""
    return sorted((event.type, event.event_id) for event in events if event.type != "incident.hit")
