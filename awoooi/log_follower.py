"""What readers of the log without a group have in common: one each, for all who listen in this process."""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from typing import Any, Self

import aiokafka
import structlog
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from awoooi.events import Learn
from connectors.kafka.config import KafkaConfig
from connectors.kafka.patience import patient
from schemas.codec import Codec
from schemas.envelope import Event
from schemas.errors import BrokerAway, Never, NotNow, UnknownSchema

log = structlog.get_logger(__name__)

AT_A_TIME = 50
"""records, so that a webhook need not wait for the reading of many"""
MOST_BYTES = 8 * 1024 * 1024
"""of one answer: records with whole payloads in them may be large"""
REACH_SECS = 5.0
SILENT_SECS = 10.0
"""the broker answers every second; without an answer for so long it is away"""
FIRST_WAIT_SECS, LONGEST_WAIT_SECS = 0.5, 10.0

Stands = Callable[[bool], None]
"""told about every second: whether the broker is away"""
OpenCodec = Callable[[], AbstractAsyncContextManager[tuple[Codec, Learn]]]


class LogFollower(ABC):
    """Follows in a task of its own, as long as the block lasts; it outlives the broker's absence."""

    def __init__(
        self, kafka: KafkaConfig, open_codec: OpenCodec, name: str, stands: Stands | None = None
    ) -> None:
        self._kafka, self._open_codec, self._name = kafka, open_codec, name
        self._stands = stands or (lambda _: None)
        self._next: dict[TopicPartition, int] = {}
        """what stands before it was read"""
        self._moved = asyncio.Event()
        self._consumer: Any = None
        """set while it reads"""
        self._codec: Codec | None = None
        """None until it is there"""
        self._answered: tuple[int, float] = (0, 0.0)
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._follow(), name=self._name)
        self._task.add_done_callback(self._ended)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    def _ended(self, task: asyncio.Task[None]) -> None:
        """By a fault of ours: whoever listens is told that nothing comes any more."""
        if not task.cancelled() and (fault := task.exception()) is not None:
            log.error("log_reader_died", reader=self._name, exc_info=fault)
            self._stands(True)

    # -- what a reader says

    @abstractmethod
    async def _begins(self, consumer: Any) -> Mapping[TopicPartition, int]:
        """Every place, and where it is read from at first; later from where it was."""

    @abstractmethod
    async def _take(
        self, place: TopicPartition, records: Sequence[Any], codec: Codec, learn: Learn
    ) -> None: ...

    # -- reading

    async def _follow(self) -> None:
        wait = FIRST_WAIT_SECS
        while True:
            try:
                async for _ in self._rounds():
                    wait = FIRST_WAIT_SECS
            except (KafkaError, NotNow, OSError) as error:
                why = f"{type(error).__name__}: {error}"
                log.warning("log_not_followed", reader=self._name, why=why, secs=wait)
            self._stands(True)
            await asyncio.sleep(wait)
            wait = min(wait * 2, LONGEST_WAIT_SECS)

    async def _rounds(self) -> AsyncIterator[None]:
        consumer = aiokafka.AIOKafkaConsumer(
            **self._kafka.client_options(),
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_poll_records=AT_A_TIME,
            fetch_max_bytes=MOST_BYTES,
            fetch_max_wait_ms=1000,  # of an idle broker, each answer is most of the cost
        )
        patient(consumer._client)
        async with self._open_codec() as (codec, learn):
            self._codec = codec
            try:
                await consumer.start()
                await self._assign(consumer)
                self._consumer, self._answered = consumer, (0, time.monotonic())
                while True:
                    self._tell_moved()
                    for place, records in (await consumer.getmany(timeout_ms=1000)).items():
                        await self._take(place, records, codec, learn)
                        self._next[place] = records[-1].offset + 1
                    self._stands(self._is_silent(consumer))
                    yield
            finally:
                self._consumer = None
                await consumer.stop()

    async def _assign(self, consumer: Any) -> None:
        begins = await self._begins(consumer)
        self._next = {place: self._next.get(place, begin) for place, begin in begins.items()}
        consumer.assign(list(self._next))
        for place, offset in self._next.items():
            consumer.seek(place, offset)

    def _is_silent(self, consumer: Any) -> bool:
        """By the place that was answered about longest ago: brokers go one by one."""
        now = time.monotonic()
        latest = min((consumer.last_poll_timestamp(place) or 0 for place in self._next), default=0)
        if latest != self._answered[0]:
            self._answered = (latest, now)
        return now - self._answered[1] > SILENT_SECS

    # -- for those who listen

    def _tell_moved(self) -> None:
        """To all who wait at this moment."""
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()

    async def _reach(self, place: TopicPartition) -> None:
        """Until all that stands there at this moment was read; else BrokerAway."""
        try:
            async with asyncio.timeout(REACH_SECS):
                while self._consumer is None:
                    await self._moved.wait()
                end = (await self._consumer.end_offsets([place]))[place]
                while self._next[place] < end:
                    await self._moved.wait()
        except (TimeoutError, KafkaError) as error:
            raise BrokerAway(f"{place.topic} could not be read to its end: {error!r}") from error


async def event_in(value: bytes | None, codec: Codec, learn: Learn) -> Event | None:
    """None where it cannot be read: it is not ours to judge."""
    try:
        return codec.decode(value)
    except UnknownSchema as unknown:
        if unknown.framing != "registry" or not isinstance(unknown.schema, int):
            return None
        await learn(unknown.schema)
    except Never:
        return None
    try:
        return codec.decode(value)
    except Never:
        return None


def places_of(topic: str, partitions: int) -> list[TopicPartition]:
    return [TopicPartition(topic, number) for number in range(partitions)]
