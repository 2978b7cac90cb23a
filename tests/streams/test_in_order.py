"""A place's work in its order, places beside each other, and together what has piled up."""

from __future__ import annotations

import asyncio

from streams.in_order import InOrder
from tests.peers.waiting import wait_until_async


class Work:
    """Waits until it is let go; notes what it was given."""

    def __init__(self) -> None:
        self.go, self.given = asyncio.Event(), list[tuple[str, list[str]]]()
        self.done = 0

    async def __call__(self, place: str, items: list[str]) -> None:
        self.given.append((place, items))
        await self.go.wait()
        self.done += len(items)


def in_order(work: Work, most: int = 3) -> InOrder[str, str]:
    """An item's kind is its first letter, its size the second."""
    return InOrder(work, kind=lambda item: item[0], size=lambda item: int(item[1]), most=most)


async def test_what_waits_behind_an_item_is_taken_together_as_far_as_it_fits() -> None:
    work = Work()
    line = in_order(work)
    for item in ("a1", "a1-second", "b1", "a1-third", "a2", "b2", "a1-last"):
        line.put("p", item)
        await asyncio.sleep(0)
    work.go.set()
    await wait_until_async(lambda: work.done == 7, every=0)

    assert [items for _, items in work.given] == [
        ["a1"],
        ["a1-second", "a1-third"],
        ["b1", "b2"],
        ["a2", "a1-last"],
    ]


async def test_one_that_is_larger_than_the_bound_goes_alone() -> None:
    work = Work()
    line = in_order(work)
    for item in ("a9", "a9-again", "a1"):
        line.put("p", item)
    work.go.set()
    await wait_until_async(lambda: work.done == 3, every=0)
    assert [items for _, items in work.given] == [["a9"], ["a9-again"], ["a1"]]


async def test_places_do_not_wait_for_each_other_and_are_forgotten() -> None:
    work = Work()
    line = in_order(work)
    for place in ("p", "q", "r"):
        line.put(place, "a1")
    await wait_until_async(lambda: len(work.given) == 3, every=0)
    work.go.set()
    await wait_until_async(lambda: not line._tasks, every=0)
    assert not line._waiting


async def test_what_is_cancelled_is_left() -> None:
    work = Work()
    line = in_order(work)
    line.put("p", "a1")
    await asyncio.sleep(0)
    line.cancel()
    await wait_until_async(lambda: not line._tasks, every=0)
    assert work.done == 0
