"""What was asked and what became of signatures, for a gateway's clients: one reader without a group for all.

Who asks for a verdict is told by the signature while its record is written, and by the place where that
record stands from then on: a copy of a token, over any transport, has a verdict of its own.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Self

import aiokafka
import structlog
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from awoooi.approval_log import REQUESTS, VERDICTS
from awoooi.events import Learn, codec_of
from awoooi.settings import Settings
from connectors.kafka.config import KafkaConfig
from connectors.kafka.patience import patient
from schemas import ids
from schemas.approval import ApprovalRequested
from schemas.catalog import partition_of
from schemas.codec import Codec
from schemas.envelope import Event
from schemas.errors import BrokerAway, Never, NotNow, UnknownSchema
from schemas.headers import Headers, event_headers, trace_of
from schemas.vote import VoteVerified
from streams.runner import VERSION

log = structlog.get_logger(__name__)

MOST_ASKED = 100_000
"""approvals known by their id, the latest"""
MOST_HEARD = 64
"""verdicts of one signature that are kept while its record is being written"""
AT_A_TIME = 50
"""records, so that a webhook need not wait for the reading of many"""
REACH_SECS = 5.0
FIRST_WAIT_SECS, LONGEST_WAIT_SECS = 0.5, 10.0

OpenCodec = Callable[[], AbstractAsyncContextManager[tuple[Codec, Learn]]]


@dataclass(eq=False, slots=True)
class Ear:
    """Of one client that waits."""

    epoch: str
    heard: deque[Event] = field(default_factory=lambda: deque(maxlen=MOST_HEARD))
    more: asyncio.Event = field(default_factory=asyncio.Event)

    def hear(self, event: Event) -> None:
        self.heard.append(event)
        self.more.set()

    async def verdict(self, written: tuple[str, int, int]) -> Event:
        vote = ids.vote_id(self.epoch, *written)
        while True:
            for event in self.heard:
                if vote in (event.event_id, *event.causes):
                    return event
            self.more.clear()
            await self.more.wait()


class Follower:
    """Follows in a task of its own, as long as the block lasts; it outlives the broker's absence."""

    def __init__(self, kafka: KafkaConfig, open_codec: OpenCodec, partitions: int, epoch: str = "") -> None:
        self._kafka, self._open_codec, self._epoch = kafka, open_codec, epoch
        self._partitions = partitions
        self._asked: dict[str, None] = {}
        self._ears: dict[str, list[Ear]] = defaultdict(list)
        self._next: dict[TopicPartition, int] = {}
        """what stands before it was read"""
        self._moved = asyncio.Event()
        self._consumer: Any = None
        """set while it reads"""
        self._codec: Codec | None = None
        """None until it is there"""
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._follow(), name="approvals")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    # -- for the gateway

    async def is_asked(self, approval_id: str) -> bool:
        """No is said only of what does not stand on the log at this moment; else BrokerAway."""
        if approval_id not in self._asked:
            incident_id = approval_id.rpartition("-A")[0]
            partition = partition_of(incident_id.encode(), self._partitions)
            await self._reach(TopicPartition(REQUESTS, partition))
        return approval_id in self._asked

    @contextmanager
    def listen(self, signature: str) -> Iterator[Ear]:
        ear = Ear(self._epoch)
        self._ears[signature].append(ear)
        try:
            yield ear
        finally:
            self._ears[signature].remove(ear)
            if not self._ears[signature]:
                del self._ears[signature]

    def encode(self, event: Event) -> tuple[bytes, Headers]:
        if self._codec is None:
            raise BrokerAway("nothing was read yet: it is not known how events are written")
        trace, kind = trace_of([], event.event_id), self._codec.content_type(event.type)
        return self._codec.encode(event), event_headers(event, kind, trace, VERSION)

    async def _reach(self, place: TopicPartition) -> None:
        try:
            async with asyncio.timeout(REACH_SECS):
                while self._consumer is None:
                    await self._moved.wait()
                end = (await self._consumer.end_offsets([place]))[place]
                while self._next[place] < end:
                    await self._moved.wait()
        except (TimeoutError, KafkaError) as error:
            raise BrokerAway(f"{place.topic} could not be read to its end: {error!r}") from error

    # -- reading

    async def _follow(self) -> None:
        wait = FIRST_WAIT_SECS
        while True:
            try:
                async for _ in self._rounds():
                    wait = FIRST_WAIT_SECS
            except (KafkaError, NotNow, OSError) as error:
                log.warning("approvals_not_followed", why=f"{type(error).__name__}: {error}", secs=wait)
            await asyncio.sleep(wait)
            wait = min(wait * 2, LONGEST_WAIT_SECS)

    async def _rounds(self) -> AsyncIterator[None]:
        consumer = aiokafka.AIOKafkaConsumer(
            **self._kafka.client_options(),
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_poll_records=AT_A_TIME,
        )
        patient(consumer._client)
        async with self._open_codec() as (codec, learn):
            self._codec = codec
            try:
                await consumer.start()
                await self._begin(consumer)
                self._consumer = consumer
                while True:
                    self._tell_moved()
                    for place, records in (await consumer.getmany(timeout_ms=1000)).items():
                        await self._take(place, records, codec, learn)
                    yield
            finally:
                self._consumer = None
                await consumer.stop()

    async def _begin(self, consumer: Any) -> None:
        """Requests from the first that is left, verdicts from now on; later from where it was."""
        requests, verdicts = self._places(REQUESTS), self._places(*VERDICTS)
        begins = await consumer.beginning_offsets(requests) | await consumer.end_offsets(verdicts)
        self._next = {place: self._next.get(place, begin) for place, begin in begins.items()}
        consumer.assign([*requests, *verdicts])
        for place, offset in self._next.items():
            consumer.seek(place, offset)

    def _places(self, *topics: str) -> list[TopicPartition]:
        return [TopicPartition(topic, number) for topic in topics for number in range(self._partitions)]

    async def _take(self, place: TopicPartition, records: list[Any], codec: Codec, learn: Learn) -> None:
        for record in records:
            if place.topic == REQUESTS or self._ears:
                self._note(await _event(record.value, codec, learn))
            self._next[place] = record.offset + 1

    def _tell_moved(self) -> None:
        """To all who wait at this moment."""
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()

    def _note(self, event: Event | None) -> None:
        if isinstance(event, ApprovalRequested):
            self._asked[event.payload.approval_id] = None
            if len(self._asked) > MOST_ASKED:
                del self._asked[next(iter(self._asked))]
        elif event is not None and not isinstance(event, VoteVerified):
            for ear in self._ears.get(getattr(event.payload, "signature", ""), ()):
                ear.hear(event)


async def _event(value: bytes | None, codec: Codec, learn: Learn) -> Event | None:
    """None where it cannot be read: it is not ours to judge."""
    try:
        return codec.decode(value)
    except UnknownSchema as unknown:
        if unknown.framing != "registry" or not isinstance(unknown.schema, int):
            return None
        await learn(unknown.schema)
        return await _event(value, codec, learn)
    except Never:
        return None


def follower_of(settings: Settings) -> Follower:
    return Follower(settings.kafka, partial(codec_of, settings), settings.partitions, settings.log_epoch)
