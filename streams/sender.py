"""Encoded events to Kafka: one batch a partition, awaited. The one place that knows how a send can fail."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

import structlog
from aiokafka.errors import KafkaError

from schemas.catalog import partition_of
from schemas.errors import BrokerAway
from schemas.headers import Headers
from streams.changelog import OWNER_HEADER
from streams.reference import REFERENCE_TOPICS
from streams.runner import Outgoing

log = structlog.get_logger(__name__)


class ProducerDied(Exception):
    """It refuses everything from now on: the worker must end and be started again."""


Item = tuple[bytes | None, bytes | None, Headers]
Pending = tuple["asyncio.Future[Any]", int]
"""what is on its way, and how many records it holds"""


class Sender:
    """Over an aiokafka producer, which is given late: the engine makes it when it starts."""

    def __init__(self, producer: Callable[[], Any]) -> None:
        self._producer = producer
        self._counts: dict[str, int] = {}
        # aiokafka counts the waits for a partition's queue again and again: two hundred who wait at once
        # run into their 30 s within one second
        self._turns: dict[tuple[str, int], asyncio.Lock] = defaultdict(asyncio.Lock)

    async def send(self, outputs: Iterable[Outgoing]) -> None:
        """Every output is with the broker when this returns; raises BrokerAway when one is not."""
        groups: dict[tuple[str, int], list[Item]] = defaultdict(list)
        for out in outputs:
            count = self._counts.get(out.topic) or await self._partitions(out.topic)
            groups[out.topic, partition_of(out.key, count)].append((out.key, out.value, out.headers))
        if groups:
            await asyncio.gather(*(self._grouped(*place, items) for place, items in groups.items()))

    async def _grouped(self, topic: str, partition: int, items: list[Item]) -> None:
        """Reference data one by one: of a batch the embedded broker tells a wrong end, and who asks whether
        a view is up to date would be in doubt.
        """
        if topic in REFERENCE_TOPICS:
            for item in items:
                await self.append(topic, partition, [item])
        else:
            await self.append(topic, partition, items)

    async def append_rows(
        self, topic: str, partition: int, rows: Iterable[tuple[bytes, bytes | None]], owner: bytes
    ) -> int:
        headers = [(OWNER_HEADER, owner)]
        return await self.append(topic, partition, ((key, row, headers) for key, row in rows))

    async def append(self, topic: str, partition: int, items: Iterable[Item]) -> int:
        """Append in order to one partition; the last record's offset."""
        try:
            return await self._append(topic, partition, items)
        except KafkaError as error:
            if _has_died(self._producer()):
                raise ProducerDied("aiokafka's producer has ended by a fault of its own") from error
            raise BrokerAway(f"{topic}/{partition}: {type(error).__name__}: {error}") from error

    async def _append(self, topic: str, partition: int, items: Iterable[Item]) -> int:
        last, pending = -1, await self._hand_over(topic, partition, list(items))
        for future, count in pending:
            last = (await future).offset + count - 1
        return last

    async def _hand_over(self, topic: str, partition: int, items: list[Item]) -> list[Pending]:
        if len(items) == 1:  # many of them at once (slow stages) share a batch
            return [(await self._alone(topic, partition, *items[0]), 1)]
        async with self._turns[topic, partition]:
            return await self._hand_over_batches(topic, partition, items)

    async def _hand_over_batches(self, topic: str, partition: int, items: list[Item]) -> list[Pending]:
        producer, pending = self._producer(), list[Pending]()
        batch = producer.create_batch()
        for key, value, headers in items:
            if batch.append(key=key, value=value, timestamp=None, headers=headers) is None:
                pending.append(await _send_batch(producer, batch, topic, partition))
                batch = producer.create_batch()
                if batch.append(key=key, value=value, timestamp=None, headers=headers) is None:
                    pending.append((await self._alone(topic, partition, key, value, headers), 1))
        if batch.record_count():
            pending.append(await _send_batch(producer, batch, topic, partition))
        return pending

    async def _alone(
        self, topic: str, partition: int, key: bytes | None, value: bytes | None, headers: Headers
    ) -> asyncio.Future[Any]:
        """A single record, or one that is larger than a batch."""
        future: asyncio.Future[Any] = await self._producer().send(
            topic, value=value, key=key, partition=partition, headers=headers
        )
        return future

    async def _partitions(self, topic: str) -> int:
        try:
            found = await self._producer().partitions_for(topic)
        except KafkaError as error:
            raise BrokerAway(f"{topic}: {type(error).__name__}: {error}") from error
        if not found:
            raise BrokerAway(f"{topic}: the broker does not know this topic; `awoooi topics apply` makes it")
        self._counts[topic] = len(found)
        return len(found)


async def _send_batch(producer: Any, batch: Any, topic: str, partition: int) -> Pending:
    batch.close()
    return await producer.send_batch(batch, topic, partition=partition), batch.record_count()


def _has_died(producer: Any) -> bool:
    task = producer._sender.sender_task
    return bool(task is not None and task.done() and not task.cancelled() and task.exception())
