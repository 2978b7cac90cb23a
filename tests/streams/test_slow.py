"""Slow work: bounded, one at a time per key, dropped on revocation."""

from __future__ import annotations

import asyncio

from streams.slow import SlowWork
from tests.peers.waiting import wait_until_async


class Calls:
    """Work that waits until it is let go, and keeps the score."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.running = self.most = 0
        self.order: list[str] = []

    async def work(self, name: str) -> None:
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            await self.go.wait()
            self.order.append(name)
        finally:
            self.running -= 1


async def finished(slow: SlowWork) -> None:
    await wait_until_async(lambda: len(slow) == 0, every=0)


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_no_more_at_once_than_the_bound() -> None:
    slow, calls = SlowWork(at_once=3), Calls()
    for number in range(10):
        slow.start(("calls", str(number).encode()), calls.work(str(number)))
    await settle()
    assert calls.running == 3
    calls.go.set()
    await finished(slow)
    assert calls.most == 3
    assert len(calls.order) == 10


async def test_one_key_is_worked_on_in_order() -> None:
    slow, calls = SlowWork(at_once=5), Calls()
    for name in ("first", "second", "third"):
        slow.start(("calls", b"incident"), calls.work(name))
    await settle()
    assert calls.running == 1
    calls.go.set()
    await finished(slow)
    assert calls.order == ["first", "second", "third"]


async def test_when_partitions_go_the_work_is_dropped() -> None:
    slow, calls = SlowWork(at_once=2), Calls()
    for number in range(5):
        slow.start(("calls", str(number).encode()), calls.work(str(number)))
    await settle()
    slow.cancel()
    await finished(slow)
    assert calls.order == []
