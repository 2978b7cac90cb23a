"""Alerts into incidents, told as timelines."""

from __future__ import annotations

import pytest

from schemas.catalog import event_classes
from schemas.envelope import Event
from streams.stages.dedup import DedupConfig
from tests.streams.timeline import HOUR, RAW, Timeline, normalized

MINUTES = 60


async def test_first_sight_opens_an_incident_and_asks_for_one_run() -> None:
    story = await Timeline().fire().run()

    opened = story.events()[0]
    assert opened.type == "incident.opened"
    assert opened.incident_id.startswith("INC-2027")
    assert opened.payload.alert.alert_type == "KubePodCrashLooping"
    assert [event.type for event in story.events("runs.requests")] == ["run.requested"]
    assert [event.type for event in story.events("runs")] == ["run.started"]


async def test_ten_times_the_repeats_start_the_same_number_of_runs() -> None:
    story = Timeline()
    for number in range(500):
        story.pass_seconds(1).fire(started=number)
    await story.run()

    assert story.hits() == 500
    assert len(story.events("runs")) == 1


async def test_repeats_of_a_micro_batch_are_one_cumulative_hit() -> None:
    story = Timeline().fire()
    for number in range(1, 51):
        story.pass_seconds(1).fire(started=number)
    await story.run()

    assert story.story() == ["opened", "hit"]
    assert story.events()[-1].payload.hit_count == 51
    assert len(story.events()[1].causes) == 50


@pytest.mark.parametrize(
    ("seconds", "hits"), [pytest.param(1, 1, id="copy"), pytest.param(61, 2, id="repeat_interval")]
)
async def test_the_same_alert_again_is_a_copy_at_once_and_a_repeat_later(seconds: int, hits: int) -> None:
    story = await Timeline().fire(started=0).pass_seconds(seconds).fire(started=0).run()
    assert story.hits() == hits


async def test_copies_do_not_push_the_window_along() -> None:
    """A peer that sends every 50 s is not a copy for ever."""
    story = Timeline().fire()
    for _ in range(4):
        story.pass_seconds(50).fire()
    await story.run()
    assert story.hits() == 3


async def test_without_a_beginning_there_are_no_copies() -> None:
    story = await Timeline().fire(started=None).fire(started=None).run()
    assert story.hits() == 2


async def test_the_other_channel_is_a_copy_at_any_time_but_only_once() -> None:
    recorder = "alerts.raw.eventrecorder"
    story = Timeline().fire().pass_seconds(10 * MINUTES).fire(topic=recorder)
    await story.run()
    assert story.hits() == 1

    await story.pass_seconds(10 * MINUTES).fire(topic=recorder, offset=99).run()
    assert story.hits() == 2


RECORDER, WEBHOOK = "alerts.raw.eventrecorder", "alerts.raw.alertmanager"
ORDERS: dict[str, list[tuple[int, str, int]]] = {
    "the recorders first": [(0, RECORDER, 0), (1, RECORDER, 1), (30, WEBHOOK, 0), (31, WEBHOOK, 1)],
    "the webhook first": [(0, WEBHOOK, 0), (1, WEBHOOK, 1), (2, RECORDER, 0), (3, RECORDER, 1)],
    "recorders that lag": [(0, WEBHOOK, 0), (600, RECORDER, 0), (602, RECORDER, 1)],
    "one recorder that lags": [(0, RECORDER, 0), (30, WEBHOOK, 0), (50, RECORDER, 1)],
    "webhooks that were refused for long": [(0, RECORDER, 0), (900, WEBHOOK, 0), (901, WEBHOOK, 1)],
}


@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS)
async def test_two_channels_of_a_pair_count_once(order: list[tuple[int, str, int]]) -> None:
    story, begin = Timeline(), 0
    for second, topic, partition in order:
        story.pass_seconds(second - begin).fire(topic=topic, partition=partition)
        begin = second
        await story.run()
    assert (story.story(), story.hits()) == (["opened"], 1)


async def test_a_more_severe_repeat_raises_the_severity_once() -> None:
    story = Timeline().fire(severity="warning")
    story.pass_seconds(1).fire(started=1, severity="critical").pass_seconds(1).fire(
        started=2, severity="critical"
    )
    await story.run()

    assert story.story() == ["opened", "severity_raised", "hit"]
    assert story.hits() == 3
    raised = story.events()[1]
    assert raised.payload.highest_severity == "critical"
    assert raised.payload.alert.severity == "critical"


async def test_a_milder_repeat_keeps_the_highest_severity() -> None:
    story = await Timeline().fire(severity="critical").pass_seconds(1).fire(started=1, severity="info").run()
    last = story.events()[-1].payload
    assert (last.severity, last.highest_severity) == ("info", "critical")


async def test_resolved_closes_and_a_new_beginning_soon_after_reopens() -> None:
    story = Timeline().fire(started=0).pass_seconds(60).resolve(started=0)
    story.pass_seconds(5 * MINUTES).fire(started=400)
    await story.run()

    assert story.story() == ["opened", "resolved", "reopened"]
    assert len({event.incident_id for event in story.events()}) == 1
    assert story.events()[-1].payload.generation == 1


async def test_after_the_reopen_window_it_is_a_new_incident_that_knows_the_last_one() -> None:
    story = Timeline().fire(started=0).pass_seconds(60).resolve(started=0)
    story.pass_seconds(16 * MINUTES).fire(started=2000)
    await story.run()

    assert story.story() == ["opened", "resolved", "opened"]
    assert len({event.incident_id for event in story.events()}) == 2
    assert story.events()[-1].payload.last_occurrence_at == story.events()[0].occurred_at


async def test_a_late_firing_copy_of_what_was_resolved_never_reopens() -> None:
    story = Timeline().fire(started=0).pass_seconds(60).resolve(started=0).pass_seconds(1).fire(started=0)
    await story.run()
    assert story.story() == ["opened", "resolved"]


async def test_a_late_resolve_of_an_earlier_beginning_does_not_close_what_fires_now() -> None:
    story = Timeline().fire(started=0).pass_seconds(1).fire(started=100).pass_seconds(1).resolve(started=0)
    await story.run()
    assert story.story() == ["opened", "hit"]

    await story.pass_seconds(1).resolve(started=100).run()
    assert story.story()[-1] == "resolved"


async def test_a_copy_of_an_old_resolve_does_not_close_what_was_reopened() -> None:
    story = Timeline().fire(started=0).pass_seconds(60).resolve(started=0)
    story.pass_seconds(60).fire(started=None).pass_seconds(1).resolve(started=0)
    await story.run()
    assert story.story() == ["opened", "resolved", "reopened"]


async def test_a_resolve_that_overtook_its_alert_opens_nothing() -> None:
    story = await Timeline().resolve(started=0).pass_seconds(1).fire(started=0).run()
    assert story.story() == []


async def test_the_hit_before_a_resolve_is_told_before_it() -> None:
    story = Timeline().fire().pass_seconds(1).fire(started=1).pass_seconds(1).resolve(started=1)
    await story.run()
    assert story.story() == ["opened", "hit", "resolved"]
    assert story.events()[-1].payload.hit_count == 2


async def test_a_copy_of_a_persons_close_does_not_close_what_was_reopened() -> None:
    story = await Timeline().fire(0).run()
    incident_id = story.events()[0].incident_id
    await story.pass_seconds(60).ask_to_close(incident_id).run()
    [asked] = [event for event in story.log.events("alerts.normalized") if event.type == "close.requested"]
    await story.pass_seconds(60).fire(120).run()
    story.write(asked)
    await story.run()
    assert story.story() == ["opened", "resolved", "reopened"]

    await story.pass_seconds(1).ask_to_close(incident_id).run()
    assert story.story()[-1] == "resolved", "a new one does"


async def test_a_person_closes_it() -> None:
    story = await Timeline().fire().run()
    await story.pass_seconds(5).ask_to_close(story.events()[0].incident_id).run()
    closed = story.events()[-1]
    assert (closed.type, closed.actor, closed.payload.reason) == (
        "incident.resolved",
        "alice",
        "closed_by_person",
    )


async def test_a_request_to_close_another_incident_is_passed_over() -> None:
    story = await Timeline().fire().ask_to_close("INC-20270101-0000000000").run()
    assert story.story() == ["opened"]


async def test_silence_expires_it_and_the_next_alert_opens_anew() -> None:
    story = await Timeline(DedupConfig(silence_expiry_secs=3600)).fire().run()
    await story.pass_seconds(3599).tick()
    assert story.story() == ["opened"]

    await story.pass_seconds(1).tick()
    assert story.story() == ["opened", "expired"]

    await story.pass_seconds(60).fire(started=4000).run()
    assert story.story() == ["opened", "expired", "opened"]


async def test_a_repeat_puts_the_expiry_off() -> None:
    story = await Timeline(DedupConfig(silence_expiry_secs=3600)).fire().run()
    await story.pass_seconds(3000).fire(started=3000).run()
    await story.pass_seconds(3000).tick()
    assert "expired" not in story.story()
    await story.pass_seconds(600).tick()
    assert story.story()[-1] == "expired"


async def test_rows_of_what_is_over_are_forgotten() -> None:
    story = await Timeline().fire().pass_seconds(1).resolve().run()
    assert sum(map(len, story.log._rows.values())) > 0
    await story.pass_seconds(3 * 24 * 3600).tick()
    assert sum(len(rows) for (stage, _), rows in story.log._rows.items() if stage != "schedule") == 0


async def test_counts_of_the_last_five_minutes_hour_and_day() -> None:
    story = Timeline()
    for number in range(3):
        story.fire(started=number)
        story.pass_seconds(HOUR / 1000 * 2)
    story.fire(started=90_000).pass_seconds(60).fire(started=90_001)
    await story.run()
    last = story.events()[-1].payload
    assert (last.count_5m, last.count_1h, last.count_24h) == (2, 2, 5)


async def test_two_projects_with_one_fingerprint_are_two_incidents() -> None:
    story = Timeline().fire()
    other = normalized(at=story.now, offset=7, started=story.now)
    story.write(other.model_copy(update={"project_id": "shop"}))
    await story.run()
    assert {event.project_id for event in story.events()} == {"default", "shop"}
    assert len({event.incident_id for event in story.events()}) == 2


async def test_a_poisoned_record_becomes_a_dead_letter_and_the_others_go_on() -> None:
    story = Timeline()
    story.log.append("alerts.normalized", b"\xc3\x01garbage", b"default:" + b"ab" * 8)
    await story.fire().run()
    letter = story.events("stage.failed")[0].payload
    assert (letter.stage, letter.reason, letter.original) == ("dedup", "unreadable", b"\xc3\x01garbage")
    assert story.story() == ["opened"]


@pytest.mark.parametrize("batch", [1, 2, 3, 7, 2000])
async def test_fed_the_same_input_twice_nothing_changes(batch: int) -> None:
    """A restart before the commit; and a re-normalised copy that stands at a new offset."""
    story = Timeline(batch=batch)
    for number in range(10):
        story.pass_seconds(1).fire(started=number, partition=number % 2)
    await story.pass_seconds(1).resolve(started=9).run()
    before = {event.event_id for event in story.events()}

    for stage, topic in (
        ("dedup", "alerts.normalized"),
        ("runs", "incidents"),
        ("schedule", "runs.requests"),
    ):
        story.log.rewind(stage, topic)
    await story.run()
    for number in range(10):
        story.fire(started=number, partition=number % 2, offset=number + 1)
    await story.run()

    assert {event.event_id for event in story.events()} == before
    assert story.hits() == 10


async def test_written_as_json_the_story_is_the_same() -> None:
    """The stages pass plain values on: as JSON or as Avro they are the same events."""

    async def told(as_json: frozenset[str]) -> list[Event]:
        story = Timeline(as_json=as_json).fire().pass_seconds(1).fire(started=1, severity="critical")
        await story.pass_seconds(1).fire(started=2).pass_seconds(1).resolve(started=2).run()
        return [event for topic in ("incidents", "runs.requests", "runs") for event in story.events(topic)]

    assert await told(frozenset()) == await told(frozenset(event_classes()))


def test_the_raw_topic_of_the_story_is_the_webhooks() -> None:
    assert RAW == "alerts.raw.alertmanager"
