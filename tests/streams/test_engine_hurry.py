"""What a stage only notes, to be told by the next tick, is told at once."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from connectors.kafka.config import KafkaConfig
from streams.stage import Events, Now, unpack
from tests.peers.waiting import wait_until_async
from tests.streams.engines import Counting, Tally, counts, engine_of, make_topics, placed, put

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(120)]
NEVER_SECS = 600.0
NOTED, TOLD = 1, 2


@dataclass
class Noting(Counting):
    """A record is noted, a tick tells."""

    name: str = "noting"

    def due(self, row: bytes) -> int | None:
        return 1 if unpack(row)[1] == NOTED else None

    async def wake(self, state: Tally, now: Now) -> Events:
        state.count, state.changed = TOLD, True
        return ()


async def test_no_tick_of_the_clock_is_waited_for(broker: KafkaConfig) -> None:
    await make_topics(broker, "hurry.in")
    stage = Noting(("hurry.in",))
    async with engine_of(broker, "hurry", placed(stage), tick_secs=NEVER_SECS) as engine:
        await put(broker, "hurry.in", [(b"a", b"1"), (b"b", b"1")])

        wanted = {b"a": TOLD, b"b": TOLD}
        await wait_until_async(lambda: counts(engine, "noting") == wanted, 20, what="what was noted told")
