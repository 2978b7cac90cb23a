"""Topics read in any order, by stages in any order, killed anywhere: in the end nobody waits for anything."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from random import Random

import pytest

from streams.placed import Placed
from streams.stages.incident_row import Incident, Phase
from tests.streams.stages.storm_story import NEEDS, StormStory, fingerprint_of, storms, topology
from tests.streams.stages.test_storm_orders import SEVERITIES, Killed


@dataclass
class AnyOrder(StormStory):
    chance: Random = field(default_factory=Random)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.ordered = list(self.log.stages)
        self.alive: list[str] = []
        self.debates: set[str] = set()
        self.log.passed = self.dies

    def dies(self, _: str) -> None:
        if self.chance.random() < 0.03:
            raise Killed

    def happens(self, number: int) -> None:
        for _ in range(self.chance.randint(0, 3)):
            name = f"n{len(self.alive)}"
            self.alive.append(name)
            target = self.chance.choice([*NEEDS, f"unknown-{name}"])
            self.opens(name, severity=self.chance.choice(SEVERITIES), target=target)
        if self.alive and self.chance.random() < 0.4:
            self.resolve(fingerprint=fingerprint_of(self.chance.choice(self.alive)))
        if self.alive and self.chance.random() < 0.3:
            name, severity = self.chance.choice(self.alive), self.chance.choice(SEVERITIES)
            self.fire(fingerprint=fingerprint_of(name), severity=severity, started=number)
        self.debate(0.1)
        self.pass_seconds(self.chance.choice((0, 1, 3, 10)))
        self.log.tick()

    def debate(self, share: float) -> None:
        for one in self.told("run.started"):
            if one.run_id not in self.debates and self.chance.random() < share:
                self.debates.add(one.run_id)
                self.meant, number = one.incident_id, one.payload.number
                self.debated(number=number).gate(self.chance.choice(["SKIPPED", "BLOCKED"]), number)
        self.meant = ""

    async def lives(self) -> None:
        while True:
            self.log.stages = [self.shuffled(placed) for placed in self.ordered]
            self.chance.shuffle(self.log.stages)
            try:
                await self.run()
            except Killed:
                continue
            return

    def shuffled(self, placed: Placed) -> Placed:
        topics = list(placed.topics)
        self.chance.shuffle(topics)
        return replace(placed, topics=tuple(topics))

    @property
    def left(self) -> list[Incident]:
        """What waits for something still."""
        [runs] = [placed for placed in self.ordered if placed.name == "runs"]
        kept = [self.log.rows(runs, number).items() for number in range(self.log.partitions)]
        found = [Incident.of_row(key, row) for rows in kept for key, row in rows]
        return [
            one
            for one in found
            if one.phase is not Phase.NONE
            or one.ahead
            or one.children
            or (one.status == "PENDING" and not one.closed_at)
        ]


@pytest.mark.parametrize("seed", [0, 1, 28, 38, 39])
async def test_each_run_comes_to_an_end(seed: int) -> None:
    story = AnyOrder(schedule=storms(4, 12, 6), connected=topology(), chance=Random(seed))
    for number in range(50):
        story.happens(number)
        await story.lives()
    story.log.passed = lambda _: None
    for _ in range(40):
        story.debate(1)
        await story.wait(60, step=20)
    assert story.left == []
    assert story.project.storm.waiting == 0
