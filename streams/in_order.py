"""Work of a place in its order, places beside each other; what has piled up meanwhile is taken together."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

P = TypeVar("P", bound=Hashable)
T = TypeVar("T")


@dataclass(slots=True)
class InOrder(Generic[P, T]):
    """`work` gets a place's next item, with those of its kind that wait behind it while they fit together."""

    work: Callable[[P, list[T]], Awaitable[None]]
    kind: Callable[[T], Hashable]
    size: Callable[[T], int]
    most: int
    """of the sizes of what is taken together"""
    _waiting: dict[P, list[T]] = field(default_factory=lambda: defaultdict(list))
    _tasks: dict[P, asyncio.Task[None]] = field(default_factory=dict)

    def put(self, place: P, item: T) -> None:
        self._waiting[place].append(item)
        if place not in self._tasks:
            self._tasks[place] = asyncio.create_task(self._run(place))

    def cancel(self) -> None:
        for task in self._tasks.values():
            task.cancel()

    async def _run(self, place: P) -> None:
        try:
            while self._waiting[place]:
                await self.work(place, self._next(place))
        finally:
            del self._tasks[place], self._waiting[place]

    def _next(self, place: P) -> list[T]:
        first, *others = self._waiting[place]
        taken, left, room = [first], list[T](), self.most - self.size(first)
        for item in others:
            same = self.kind(item) == self.kind(first)
            if same:
                room -= self.size(item)  # once it is used up, all others of its kind wait: in their order
            (taken if same and room >= 0 else left).append(item)
        self._waiting[place] = left
        return taken
