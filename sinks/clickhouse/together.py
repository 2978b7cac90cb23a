"""Questions that come while one is under way are asked together next: a storm of them costs as few as one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Q = TypeVar("Q")
A = TypeVar("A")
MOST_AT_ONCE = 50
PAUSE_SECS = 0.1
"""after each batch: under load more come together, and who comes alone waits for nothing"""


class Together(Generic[Q, A]):
    """`ask` answers several questions at once, in their order; what it raises, all of them get.

    Whoever gives up waiting takes nothing away from the others; a batch that hangs is given up in its time.
    """

    def __init__(
        self,
        ask: Callable[[Sequence[Q]], Awaitable[Sequence[A]]],
        timeout_secs: float,
        pause_secs: float = PAUSE_SECS,
    ) -> None:
        self._ask, self._timeout_secs, self._pause_secs = ask, timeout_secs, pause_secs
        self._waiting: list[tuple[Q, asyncio.Future[A]]] = []
        self._asking: asyncio.Task[None] | None = None

    async def __call__(self, question: Q) -> A:
        answer: asyncio.Future[A] = asyncio.get_running_loop().create_future()
        self._waiting.append((question, answer))
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._go_on())
        return await answer

    async def _go_on(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:MOST_AT_ONCE], self._waiting[MOST_AT_ONCE:]
            wanted = [(question, answer) for question, answer in batch if not answer.done()]
            if wanted:
                await self._one(wanted)
                await asyncio.sleep(self._pause_secs)

    async def _one(self, batch: Sequence[tuple[Q, asyncio.Future[A]]]) -> None:
        try:
            async with asyncio.timeout(self._timeout_secs):
                answers = await self._ask([question for question, _ in batch])
        except Exception as error:  # noqa: BLE001  whoever asked gets it, whatever it is
            for _, waiting in batch:
                if not waiting.done():
                    waiting.set_exception(error)
            return
        for (_, waiting), answer in zip(batch, answers, strict=True):
            if not waiting.done():
                waiting.set_result(answer)

    async def close(self) -> None:
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.wait((self._asking,))
