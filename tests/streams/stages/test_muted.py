"""Which incidents are told that somebody keeps them quiet: once for each, until it ends."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count
from typing import Any

import pytest

from schemas.envelope import from_millis
from schemas.incident import Quieted
from schemas.silence import LabelMatcher
from streams.placed import Placed
from streams.policy.silenced import Quiet
from streams.runner import Runner
from streams.stage import unpack
from streams.stages.dedup import Dedup
from streams.stages.muted import LEASE_MS, MOST_MARKS, Muting
from tests.streams.silences import kept, muted, silence
from tests.streams.timeline import HOUR, MINUTE, SECOND, START, Timeline

RECORDER = "alerts.raw.eventrecorder"


@dataclass
class Quietly(Timeline):
    """Dedup alone, with a view of silences."""

    values: dict[bytes, bytes] | None = field(default_factory=dict)
    version: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        self._heard = 0
        quiet = Quiet(self.codec, lambda: self.values)
        stage = Dedup(self.config, muting=Muting(quiet, lambda: self.version))
        placed = Placed(
            Runner(stage, self.codec, clock=lambda: self.now), stage.reads, keyed=True, glances=True
        )
        self.log.stages = [placed]

    def set(self, *events: Any) -> Quietly:
        assert self.values is not None
        self.values.update(kept(*events))
        self.version += len(events)
        return self

    def hear(self, **more: Any) -> Quietly:
        self._heard += 1
        self.write(muted(**{"at": self.now, "offset": self._heard, **more}))
        return self

    @property
    def told(self) -> list[Quieted]:
        return [event.payload for event in self.events() if event.type == "incident.silenced"]

    def said(self) -> list[tuple[str, bool]]:
        return [(one.silence_id, one.active) for one in self.told]


def until(minutes: int) -> int:
    return START + minutes * MINUTE


async def test_an_incident_that_opens_under_a_silence_says_so() -> None:
    story = Quietly().set(silence(at=START, ends_at=until(60)))
    await story.fire().run()

    assert story.story() == ["opened", "silenced"]
    [told] = story.told
    assert (told.silence_id, told.kind, told.active) == ("S1", "silence", True)
    assert (told.by, told.comment, told.until) == ("dana", "moving it", from_millis(until(60)))


OTHERS: dict[str, Any] = {
    "of another namespace": {"matchers": (LabelMatcher(name="namespace", value="bank"),)},
    "over": {"ends_at": START - 1},
    "yet to come": {"starts_at": START + HOUR},
    "of another project": {"project": "bank"},
    "a freeze, which is about actions": {"kind": "freeze"},
    "without matchers": {"matchers": ()},
}


@pytest.mark.parametrize("changes", OTHERS.values(), ids=OTHERS)
async def test_another_silence_is_none_of_its(changes: dict[str, Any]) -> None:
    story = Quietly().set(silence(**{"at": START, **changes}))
    await story.fire().run()
    assert story.story() == ["opened"]


async def test_repeats_say_it_once() -> None:
    story = Quietly().set(silence(at=START))
    for second in range(5):
        await story.pass_seconds(70).fire(started=second).run()
    assert story.said() == [("S1", True)]
    assert story.events()[-1].payload.hit_count == 5


async def test_one_that_is_set_later_is_told_with_the_next_repeat() -> None:
    story = await Quietly().fire().run()
    story.set(silence(at=START))
    await story.pass_seconds(70).fire(started=1).run()
    assert story.said() == [("S1", True)]


async def test_it_ends_by_itself_when_its_time_is_over() -> None:
    story = Quietly().set(silence(at=START, ends_at=until(10)))
    await story.fire().run()
    await story.pass_seconds(11 * 60).tick()
    assert story.said() == [("S1", True), ("S1", False)]


async def test_ended_early_it_is_told_with_the_next_repeat() -> None:
    story = Quietly().set(silence(at=START, ends_at=until(60)))
    await story.fire().run()
    story.pass_seconds(70).set(silence(at=story.now, starts_at=START, ends_at=story.now))
    await story.pass_seconds(1).fire(started=1).run()
    assert story.said() == [("S1", True), ("S1", False)]


async def test_a_longer_one_is_told_again() -> None:
    story = Quietly().set(silence(at=START, ends_at=until(60)))
    await story.fire().run()
    story.pass_seconds(70).set(silence(at=story.now, starts_at=START, ends_at=until(120)))
    await story.fire(started=1).run()
    assert [one.until for one in story.told] == [from_millis(until(60)), from_millis(until(120))]


async def test_while_the_silences_are_not_read_nothing_changes() -> None:
    story = Quietly().set(silence(at=START, ends_at=until(60)))
    await story.fire().run()
    story.values, story.version = None, 9
    await story.pass_seconds(70).fire(started=1).run()
    assert story.said() == [("S1", True)]


async def test_what_could_not_be_read_is_looked_at_once_it_can() -> None:
    story = await Quietly(values=None, version=1).fire().run()
    story.values = kept(silence(at=START))
    await story.pass_seconds(70).fire(started=1).run()
    assert story.said() == [("S1", True)]


async def test_an_inhibition_is_told_once_however_often_it_is_heard() -> None:
    story = Quietly().fire()
    for _ in range(4):
        story.pass_seconds(5 * 60).hear()
    await story.run()
    assert story.said() == [("alertmanager:inhibition", True)]
    assert story.told[0].by == "a rule"


async def test_it_ends_when_people_are_told_again() -> None:
    story = Quietly().fire().hear().pass_seconds(60).hear(muted=False, id="")
    await story.run()
    assert story.said() == [("alertmanager:inhibition", True), ("alertmanager:inhibition", False)]
    await story.pass_seconds(60).hear().run()
    assert len(story.told) == 3
    assert len({event.event_id for event in story.events()}) == len(story.events())


async def test_another_alert_of_the_sender_lifts_nothing() -> None:
    story = Quietly().fire().hear().hear(muted=False, id="", sender_fingerprint="another")
    await story.run()
    assert story.said() == [("alertmanager:inhibition", True)]


async def test_a_word_that_comes_late_lifts_nothing() -> None:
    story = Quietly().fire().pass_seconds(60).hear().hear(muted=False, id="", at=START)
    await story.run()
    assert story.said() == [("alertmanager:inhibition", True)]


async def test_it_ends_when_nothing_is_heard_of_it_for_long() -> None:
    story = await Quietly().fire().hear().run()
    await story.pass_seconds(LEASE_MS / SECOND - 60).hear().run()
    await story.pass_seconds(120).tick()
    assert story.said() == [("alertmanager:inhibition", True)]
    await story.pass_seconds(LEASE_MS / SECOND).tick()
    assert story.said()[-1] == ("alertmanager:inhibition", False)


async def test_what_was_muted_before_it_opened_is_marked_when_it_opens() -> None:
    story = await Quietly().hear().hear(kind="silence", id="alertmanager:S9", until=until(30)).run()
    assert story.story() == []
    await story.pass_seconds(30).tick()
    await story.fire().run()
    assert story.story() == ["opened", "silenced", "silenced"]
    assert story.said() == [("alertmanager:inhibition", True), ("alertmanager:S9", True)]


async def test_what_was_muted_and_never_fired_is_forgotten() -> None:
    story = await Quietly().hear(kind="silence", id="alertmanager:S9", until=until(30)).run()
    await story.pass_seconds(60 * 60).tick()
    assert not any(story.log.rows(story.log.stages[0], partition) for partition in range(4))


async def test_a_heartbeat_that_is_muted_is_missed_in_its_own_time() -> None:
    story = Quietly().fire(alert_type="Watchdog")
    await story.hear(kind="silence", id="alertmanager:S9", until=until(600)).run()
    await story.pass_seconds(story.config.watchdog_absence_secs + 1).tick()
    assert story.story()[:1] == ["opened"]


async def test_a_senders_silence_that_a_person_ended_here_marks_nothing() -> None:
    story = Quietly().set(silence("alertmanager:S9", at=START, ends_at=START))
    await story.pass_seconds(60).fire().hear(kind="silence", id="alertmanager:S9", until=until(30)).run()
    assert story.said() == []


async def test_the_next_incident_is_told_anew() -> None:
    story = Quietly().set(silence(at=START))
    story.fire(started=0).pass_seconds(60).resolve(started=0).pass_seconds(3600).fire(started=3000)
    await story.run()
    assert story.said() == [("S1", True), ("S1", True)]
    assert len({event.incident_id for event in story.events()}) == 2


async def test_the_same_records_again_change_nothing() -> None:
    story = Quietly().set(silence(at=START))
    await story.fire().hear().hear(muted=False, id="").run()
    before = [event.event_id for event in story.events()]
    story.log.rewind("dedup", "alerts.normalized")
    await story.run()
    assert [event.event_id for event in story.events()] == before


async def test_marks_are_bounded() -> None:
    story = Quietly().fire()
    for number in range(3 * MOST_MARKS):
        story.hear(sender_fingerprint=f"{number:016x}")
    await story.run()
    [row] = [row for part in range(4) for row in story.log.rows(story.log.stages[0], part).values()]
    assert len(unpack(row)[-1]["quiet"][0]) == MOST_MARKS


# -- killed anywhere


class Killed(Exception):
    """The worker is gone: nothing after this point happens."""


async def told_though_killed(at: int | None) -> list[tuple[str, str, bytes]]:
    """A silence and an inhibition come and go; the worker is killed at one point and begun anew."""
    story, points = Quietly(batch=2), count()

    def passed(_: str) -> None:
        if next(points) == at:
            raise Killed

    story.log.passed = passed
    story.set(silence(at=START, ends_at=until(20)))
    story.hear().fire().hear(muted=False, id="").pass_seconds(60).hear().fire(started=1)
    for seconds in (0, 25 * 60, LEASE_MS / SECOND):
        story.pass_seconds(seconds).log.tick()
        try:
            await story.log.run()
        except Killed:
            story.log.stages[0].runner.stage._kept.clear()
            await story.log.run()
    told = [event for event in story.events() if event.type != "incident.hit"]
    return sorted((event.type, event.event_id, event.payload.model_dump_json().encode()) for event in told)


async def test_killed_at_any_point_it_tells_the_same() -> None:
    wanted = await told_though_killed(None)
    assert [kind for kind, *_ in wanted].count("incident.silenced") >= 4
    for at in range(30):
        assert await told_though_killed(at) == wanted, f"killed at point {at}"
