"""The log of a broker as a test uses it: it writes events, and follows what workers write."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine
from typing import Any, ClassVar, Self

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from schemas.catalog import MIB, key_of, partition_of
from schemas.codec import Codec
from schemas.envelope import Event
from schemas.headers import event_headers
from tests.faults.load import PARTITIONS, from_beginning
from tests.peers.waiting import wait_until_async


class Following(ABC):
    """What is made of each event is the subclass's own."""

    bootstrap: str
    TOPICS: ClassVar[tuple[str, ...]]

    async def __aenter__(self) -> Self:
        self._codec = Codec()
        self._producer = AIOKafkaProducer(
            bootstrap_servers=self.bootstrap, linger_ms=2, max_request_size=4 * MIB
        )
        self._consumer = AIOKafkaConsumer(bootstrap_servers=self.bootstrap, enable_auto_commit=False)
        await self._producer.start()
        await self._consumer.start()
        await from_beginning(self._consumer, self.TOPICS)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._producer.stop()
        await self._consumer.stop()

    async def put(self, topic: str, *events: Event, partitions: int = PARTITIONS) -> None:
        await self.send(
            *(
                self._producer.send(
                    topic,
                    self._codec.encode(event),
                    key=key_of(event),
                    partition=partition_of(key_of(event), partitions),
                    headers=event_headers(event, "application/avro", b"1" * 32, b"test"),
                )
                for event in events
            )
        )

    async def send(self, *records: Coroutine[Any, Any, asyncio.Future[Any]]) -> None:
        """Back once the broker has all of them."""
        await asyncio.gather(*[await record for record in records])

    async def read(self, patience_ms: int = 100) -> None:
        for records in (await self._consumer.getmany(timeout_ms=patience_ms)).values():
            for record in records:
                self.take(self._codec.decode(record.value))

    @abstractmethod
    def take(self, event: Any) -> None: ...

    async def until(self, done: Callable[[], object], what: str, timeout: float = 30) -> None:  # noqa: ASYNC109
        async def told() -> bool:
            await self.read()
            return bool(done())

        await wait_until_async(told, timeout, what=what, every=0)
