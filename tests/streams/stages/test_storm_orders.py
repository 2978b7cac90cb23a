"""Whatever comes in whatever order, with crashes everywhere: no incident is forgotten, none has two runs."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from streams.stages.storm import BURST
from tests.streams.stages.storm_story import NEEDS, StormStory, storms, topology

THRESHOLD, RELEASED, CRITICAL = 4, 12, 6
SEVERITIES = ("info", "warning", "warning", "critical")


class Killed(Exception):
    pass


async def lived(seed: int) -> StormStory:
    """A hundred incidents, of which some resolve, get worse, come back; the worker is killed now and then."""
    chance = Random(seed)
    story = StormStory(schedule=storms(THRESHOLD, RELEASED, CRITICAL), connected=topology())
    alive: list[str] = []

    def dies(_: str) -> None:
        if chance.random() < 0.01:
            raise Killed

    story.log.passed = dies
    for number in range(60):
        for _ in range(chance.randint(0, 4)):
            name = f"n{len(alive)}"
            alive.append(name)
            target = chance.choice([*NEEDS, f"unknown-{name}"])
            story.opens(name, severity=chance.choice(SEVERITIES), target=target)
        if alive and chance.random() < 0.4:
            story.resolve(fingerprint=_mark(chance.choice(alive)))
        if alive and chance.random() < 0.2:
            story.fire(fingerprint=_mark(chance.choice(alive)), severity="critical", started=number)
        story.pass_seconds(chance.choice((0, 1, 3, 10)))
        story.log.tick()
        await _until_it_lives(story)
    return story


async def _until_it_lives(story: StormStory) -> None:
    while True:
        try:
            await story.run()
            return
        except Killed:
            pass


def _mark(name: str) -> str:
    return name.ljust(8).encode().hex()


def fates(story: StormStory) -> dict[str, set[str]]:
    """What became of each run that was asked for."""
    found: dict[str, set[str]] = {one.run_id: set() for one in story.requests}
    for one in [*story.told("run.started"), *story.told("run.shared"), *story.ends]:
        fate = one.type.removeprefix("run.")
        if fate == "shared" and one.payload.child.incident_id != one.incident_id:
            continue
        found[one.run_id].add("ended" if fate in ("finished", "cancelled") else fate)
    return found


@pytest.mark.parametrize("seed", range(8))
async def test_each_run_has_one_fate_and_no_more_begin_than_may(seed: int) -> None:
    story = await lived(seed)
    for run, fate in fates(story).items():
        assert not {"started", "shared"} <= fate, run
    _each_begins_in_time(story)

    story.log.passed = lambda _: None
    await story.wait(1800, step=10)
    rows = _rows(story)
    for run, fate in fates(story).items():
        assert fate, f"{run} is forgotten"
    for row in rows:
        assert not row.waits, "its turn never comes"
        assert row.phase or row.closed_at or row.runs, row.incident_id


def _each_begins_in_time(story: StormStory) -> None:
    """Of the runs that nobody asked for by hand, in each minute."""
    at = sorted(int(one.recorded_at.timestamp() * 1000) for one in story.told("run.started"))
    most = THRESHOLD + (RELEASED + CRITICAL) * (60_000 + BURST) // 60_000 + 2
    for first in at:
        assert sum(first <= one < first + 60_000 for one in at) <= most + THRESHOLD


def _rows(story: StormStory) -> list[Any]:
    from streams.stages.incident_row import Incident

    [placed] = [one for one in story.log.stages if one.name == "runs"]
    return [
        Incident.of_row(key, row)
        for number in range(story.log.partitions)
        for key, row in story.log.rows(placed, number).items()
    ]
