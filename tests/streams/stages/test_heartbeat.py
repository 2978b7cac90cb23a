"""Alerts that always fire: none opens an incident, and one that stays away does."""

from __future__ import annotations

from schemas.envelope import from_millis
from schemas.incident import IncidentOpened
from streams.stages.dedup import DedupConfig
from tests.streams.timeline import SECOND, START, Timeline

MINUTES = 60


def beat(story: Timeline, started: float | None = 0, **more: object) -> Timeline:
    return story.fire(started, alert_type="Watchdog", severity="info", **more)


async def test_a_heartbeat_opens_nothing_and_asks_for_no_run() -> None:
    story = Timeline()
    for _ in range(30):
        beat(story).pass_seconds(5 * MINUTES)
        await story.tick()
    assert (story.story(), story.events("runs.requests")) == ([], [])


async def test_its_absence_opens_an_incident_that_its_return_resolves() -> None:
    story = await beat(Timeline()).run()
    await story.pass_seconds(10 * MINUTES - 1).tick()
    assert story.story() == []

    await story.pass_seconds(1).tick()
    [opened] = story.events()
    assert isinstance(opened, IncidentOpened)
    told = opened.payload
    assert (told.alert_type, told.severity, told.hit_count) == ("HeartbeatAbsent", "critical", 1)
    assert told.message == "No heartbeat Watchdog for 600 s: the last came at 2027-01-15 08:00:00 UTC"
    assert told.alert.origin.offset == 1, "where the last beat stands"
    assert told.opened_at == from_millis(START + 600 * SECOND)
    assert [run.payload.reason for run in story.events("runs.requests")] == ["opened"]

    await beat(story.pass_seconds(30)).run()
    assert story.story() == ["opened", "resolved"]
    assert story.events()[-1].payload.reason == "heartbeat_returned"


async def test_told_twice_that_time_has_passed_it_is_one_incident() -> None:
    story = await beat(Timeline()).run()
    await story.pass_seconds(10 * MINUTES).tick()
    for _ in range(3):
        await story.pass_seconds(1).tick()
    story.log.rewind("dedup", "alerts.normalized")
    await story.tick()
    assert story.story() == ["opened"]


async def test_a_new_owner_of_its_row_misses_it_too() -> None:
    story = await beat(Timeline()).run()
    stage = story.log.stages[0].runner.stage
    stage._kept.clear()
    await story.pass_seconds(10 * MINUTES).tick()
    assert story.story() == ["opened"]
    stage._kept.clear()
    await beat(story.pass_seconds(30)).run()
    assert story.story() == ["opened", "resolved"]


async def test_soon_again_away_it_reopens_and_later_it_is_a_new_incident() -> None:
    story = await beat(Timeline()).run()
    await story.pass_seconds(10 * MINUTES).tick()
    await beat(story.pass_seconds(1)).run()
    await story.pass_seconds(10 * MINUTES).tick()
    assert story.story() == ["opened", "resolved", "reopened"]

    await beat(story.pass_seconds(1)).run()
    for _ in range(3):
        await beat(story.pass_seconds(5 * MINUTES)).run()
    await story.pass_seconds(10 * MINUTES).tick()
    assert story.story() == ["opened", "resolved", "reopened", "resolved", "opened"]
    assert len({event.incident_id for event in story.events()}) == 2


async def test_a_resolved_one_is_no_beat_and_time_decides() -> None:
    story = await beat(Timeline()).run()
    await story.pass_seconds(5 * MINUTES).resolve(0, alert_type="Watchdog").run()
    assert story.story() == []
    await story.pass_seconds(5 * MINUTES).tick()
    assert story.story() == ["opened"]
    await story.pass_seconds(60).resolve(0, alert_type="Watchdog").run()
    assert story.story() == ["opened"], "it has not come back"


async def test_it_beats_on_with_the_beginning_that_was_resolved() -> None:
    story = await beat(Timeline()).run()
    await story.pass_seconds(10 * MINUTES).resolve(0, alert_type="Watchdog").tick()
    await beat(story.pass_seconds(60)).run()
    assert story.story() == ["opened", "resolved"]


async def test_copies_by_peers_keep_it_alive_too() -> None:
    story = await beat(Timeline()).run()
    await beat(story.pass_seconds(9 * MINUTES), topic="alerts.raw.eventrecorder").run()
    await story.pass_seconds(9 * MINUTES).tick()
    assert story.story() == []


async def test_one_that_comes_late_counts_from_when_it_was_received() -> None:
    story = await beat(Timeline()).run()
    await beat(story.pass_seconds(9 * MINUTES)).run()
    await beat(story, at=story.now - 8 * 60 * SECOND, partition=1).run()
    await story.pass_seconds(5 * MINUTES).tick()
    assert story.story() == []


async def test_missed_for_days_it_does_not_expire_and_a_person_may_close_it() -> None:
    story = await beat(Timeline()).run()
    await story.pass_seconds(10 * MINUTES).tick()
    await story.pass_seconds(72 * 3600).tick()
    assert story.story() == ["opened"]

    await story.ask_to_close(story.events()[0].incident_id).run()
    await story.pass_seconds(30 * 3600).tick()
    assert story.story() == ["opened", "resolved"], "who was let go is not missed again"


async def test_every_alert_named_so_has_its_own_absence_and_other_names_are_alerts() -> None:
    story = Timeline(DedupConfig(watchdog_alerts=("DeadMansSwitch",), watchdog_absence_secs=60))
    story.fire(0, alert_type="DeadMansSwitch", fingerprint="cd" * 8)
    story.fire(0, alert_type="DeadMansSwitch", fingerprint="ef" * 8)
    beat(story)
    await story.run()
    assert story.story() == ["opened"]
    assert story.events()[0].payload.alert_type == "Watchdog"

    story.pass_seconds(40).fire(1, alert_type="DeadMansSwitch", fingerprint="cd" * 8)
    await story.pass_seconds(30).tick()
    missed = [event for event in story.events() if event.payload.alert_type == "HeartbeatAbsent"]
    assert [event.payload.fingerprint for event in missed] == ["ef" * 8]


async def test_a_name_that_is_taken_off_the_list_is_missed_no_more() -> None:
    story = await beat(Timeline()).run()
    stage = story.log.stages[0].runner.stage
    stage._watchdogs = frozenset()
    await story.pass_seconds(3600).tick()
    assert story.story() == []
    await beat(story, started=3600).run()
    assert story.story() == ["opened"]


async def test_a_name_that_is_taken_off_the_list_is_an_alert_from_then_on() -> None:
    story = await beat(Timeline()).run()
    stage = story.log.stages[0].runner.stage
    stage._watchdogs = frozenset()
    await beat(story.pass_seconds(30), started=30).run()
    assert story.story() == ["opened"]
    await story.pass_seconds(30).resolve(30, alert_type="Watchdog").run()
    assert story.story() == ["opened", "resolved"]


async def test_a_heartbeat_that_comes_and_goes_flaps() -> None:
    story = await beat(Timeline(DedupConfig(watchdog_absence_secs=60))).run()
    for _ in range(5):
        await story.pass_seconds(60).tick()
        await beat(story.pass_seconds(1)).run()
    assert "flapping" in story.story()
