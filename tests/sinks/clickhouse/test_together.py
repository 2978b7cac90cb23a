"""Questions that come while one is under way are asked together next."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from sinks.clickhouse.errors import Away
from sinks.clickhouse.together import MOST_AT_ONCE, Together


class Asked:
    """Answers a number with its double, in batches that are noted; while `hold` is set it waits."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.go = asyncio.Event()
        self.go.set()
        self.fails: Exception | None = None

    async def __call__(self, numbers: Sequence[int]) -> Sequence[int]:
        self.batches.append(list(numbers))
        await self.go.wait()
        if self.fails is not None:
            raise self.fails
        return [2 * number for number in numbers]


async def under_way(asked: Asked, together: Together[int, int], count: int) -> list[asyncio.Task[int]]:
    """The first is being asked, the others wait."""
    asked.go.clear()
    first = asyncio.create_task(together(0))
    while not asked.batches:  # noqa: ASYNC110  one turn of the loop is enough
        await asyncio.sleep(0)
    others = [asyncio.create_task(together(number)) for number in range(1, count)]
    await asyncio.sleep(0)
    return [first, *others]


async def test_one_alone_is_asked_at_once() -> None:
    asked = Asked()
    assert await Together(asked, 5, 0)(21) == 42
    assert asked.batches == [[21]]


async def test_those_that_come_meanwhile_are_asked_together_and_each_gets_its_own_answer() -> None:
    asked = Asked()
    tasks = await under_way(asked, Together(asked, 5, 0), 20)
    asked.go.set()
    assert [await task for task in tasks] == [2 * number for number in range(20)]
    assert asked.batches == [[0], list(range(1, 20))]


async def test_a_batch_is_bounded() -> None:
    asked = Asked()
    tasks = await under_way(asked, Together(asked, 5, 0), 2 * MOST_AT_ONCE + 1)
    asked.go.set()
    await asyncio.gather(*tasks)
    assert [len(batch) for batch in asked.batches] == [1, MOST_AT_ONCE, MOST_AT_ONCE]


async def test_who_gives_up_is_not_asked_for_and_takes_nothing_from_the_others() -> None:
    asked = Asked()
    tasks = await under_way(asked, Together(asked, 5, 0), 4)
    tasks[0].cancel()
    tasks[2].cancel()
    asked.go.set()
    assert [await tasks[1], await tasks[3]] == [2, 6]
    assert asked.batches == [[0], [1, 3]]


async def test_what_goes_wrong_is_told_to_all_and_the_next_are_asked_anew() -> None:
    asked = Asked()
    together = Together(asked, 5, 0)
    asked.fails = Away("nobody answers")
    tasks = await under_way(asked, together, 3)
    asked.go.set()
    assert all(isinstance(one, Away) for one in await asyncio.gather(*tasks, return_exceptions=True))
    asked.fails = None
    assert await together(4) == 8


async def test_a_batch_that_hangs_is_given_up_in_its_time() -> None:
    asked = Asked()
    together = Together(asked, 0.05, 0)
    asked.go.clear()
    with pytest.raises(TimeoutError):
        await together(1)
    asked.go.set()
    assert await together(2) == 4


async def test_after_a_batch_the_next_ones_gather_for_a_moment() -> None:
    asked = Asked()
    together = Together(asked, 5, 0.05)
    assert await together(1) == 2
    assert await asyncio.gather(*(together(number) for number in range(2, 5))) == [4, 6, 8]
    assert asked.batches == [[1], [2, 3, 4]]


async def test_closing_ends_what_is_under_way() -> None:
    asked = Asked()
    together = Together(asked, 5, 0)
    tasks = await under_way(asked, together, 1)
    await together.close()
    assert not tasks[0].done()
    tasks[0].cancel()
