"""Slow stages that keep rows: keys of one partition beside each other, nothing lost, repeats known."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from functools import partial

import pytest

from connectors.kafka.config import KafkaConfig
from streams.runner import REPEATED
from streams.stage import Events, Now, Record, pack
from tests.peers.waiting import wait_until_async
from tests.streams.engines import Counting, Tally, committed, counts, engine_of, make_topics, placed, put

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(120)]


@dataclass
class Pondering(Counting):
    """Counts, after as long as it likes; time wakes every key at every tick."""

    name: str = "pondering"
    open: asyncio.Event = field(default_factory=asyncio.Event)
    running: Counter[bytes] = field(default_factory=Counter)
    most_of_a_key: int = 0
    woken: Counter[bytes] = field(default_factory=Counter)

    def load(self, key: bytes, row: bytes | None) -> Tally:
        state = super().load(key, row)
        state.seen["key"] = int(key)
        return state

    def begin(self, record: Record, state: Tally) -> bool:
        again = state.seen.get("begun") == record.offset
        state.seen["begun"], state.changed = record.offset, True
        return again

    async def handle(self, record: Record, state: Tally, now: Now) -> Events:
        key = record.key or b""
        self.running[key] += 1
        self.most_of_a_key = max(self.most_of_a_key, self.running[key])
        try:
            await self.open.wait()
            await asyncio.sleep(0.01)
        finally:
            self.running[key] -= 1
        return await super().handle(record, state, now)

    def due(self, row: bytes) -> int | None:
        return 1

    async def wake(self, state: Tally, now: Now) -> Events:
        self.woken[b"%d" % state.seen["key"]] += 1
        state.changed = True  # writes what it loaded: a busy key would lose what was counted meanwhile
        await asyncio.sleep(0.02)
        return ()

    def dump(self, state: Tally) -> bytes | None:
        return pack([state.seen, state.count])


async def test_keys_of_a_partition_beside_each_other_lose_no_count(broker: KafkaConfig) -> None:
    await make_topics(broker, "ponder.in")
    stage, keys = Pondering(("ponder.in",)), [b"%d" % number for number in range(20)]
    async with engine_of(broker, "ponder", placed(stage, slow=True)) as engine:
        await put(broker, "ponder.in", [(key, b"") for _ in range(6) for key in keys], partition=1)
        await wait_until_async(lambda: stage.running.total() == len(keys), 20, what="all keys at once")
        stage.open.set()
        await wait_until_async(lambda: counts(engine, "pondering") == dict.fromkeys(keys, 6), 40)
        assert stage.most_of_a_key == 1
        await wait_until_async(lambda: set(stage.woken) >= set(keys), 20, what="time wakes them when done")
    async with engine_of(broker, "ponder", placed(Pondering(("ponder.in",)), slow=True)) as heir:
        found = counts(heir, "pondering")
    assert found == dict.fromkeys(keys, 6), "and their rows come back whole"


async def test_what_was_begun_and_left_is_repeated_and_counted_as_such(broker: KafkaConfig) -> None:
    await make_topics(broker, "left.in")
    keys = [b"%d" % number for number in range(5)]
    first, second = Pondering(("left.in",)), Pondering(("left.in",))
    second.open.set()
    async with engine_of(broker, "left", placed(first, slow=True)):
        await put(broker, "left.in", [(key, b"") for key in keys], partition=2)
        await wait_until_async(lambda: first.running.total() == len(keys), 20)
    before = _repeated()
    async with engine_of(broker, "left", placed(second, slow=True)) as heir:
        await wait_until_async(lambda: counts(heir, "pondering") == dict.fromkeys(keys, 1), 20)
        await wait_until_async(partial(_all_committed, broker), 20)
    assert _repeated() - before == len(keys)


def _repeated() -> float:
    return REPEATED.labels("pondering")._value.get()


async def _all_committed(broker: KafkaConfig) -> bool:
    return (await committed(broker, "left", "left.in")) == {("left.in", 2): 5}
