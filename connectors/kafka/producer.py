"""Records into Kafka, each awaited: what `send` has returned is durable."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    IllegalStateError,
    InvalidTopicError,
    KafkaError,
    MessageSizeTooLargeError,
    ProducerClosed,
    RecordListTooLargeError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
)

from connectors.kafka.config import KafkaConfig
from connectors.kafka.unreached import away, told_by_us
from schemas.catalog import MIB, partition_of
from schemas.errors import BrokerAway, Never, NotAllowed, TooLarge, UnknownTopic

log = structlog.get_logger(__name__)

MAX_REQUEST_BYTES = 5 * MIB
MAX_BATCH_BYTES = MIB // 4
LINGER_MS = 2  # concurrent sends share a batch; one alone hardly waits
CALM_SECS, UNREST_SECS = 5.0, 0.5  # between two looks at the broker


class Receipt(NamedTuple):
    """Where a record stands in the log."""

    topic: str
    partition: int
    offset: int


class Publisher:
    """A producer that outlives its broker: it connects when it can and says what is wrong meanwhile.

    Not idempotent on purpose (the embedded broker refuses it); ids make a repeat harmless.
    """

    def __init__(self, config: KafkaConfig) -> None:
        self._config = config
        self._options = config.client_options()
        self._producer: AIOKafkaProducer | None = None
        self._watcher: asyncio.Task[None] | None = None
        self._trouble = "not connected yet"
        self._is_away = False
        # aiokafka writes whole requests at debug level, and what stands in them is personal
        logging.getLogger("aiokafka").setLevel(logging.INFO)

    async def start(self) -> None:
        """Returns after the first attempt to connect; a broker that is away is tried again and again."""
        await self._look()
        self._watcher = asyncio.create_task(self._watch(), name="kafka-watch")

    async def stop(self) -> None:
        """What was sent is flushed first, for as long as one request may take."""
        if self._watcher is not None:
            self._watcher.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watcher
        producer, self._producer, self._trouble = self._producer, None, "stopped"
        if producer is not None:
            await _close(producer, self._config.request_timeout_secs)

    @property
    def trouble(self) -> str:
        """Why nothing can be sent now; empty when all is well."""
        if self._watcher is not None and self._watcher.done() and not self._watcher.cancelled():
            return f"nobody looks after the connection any more: {self._watcher.exception()!r}"
        return self._trouble

    async def send(
        self, topic: str, key: bytes | None, value: bytes, headers: Sequence[tuple[str, bytes]] = ()
    ) -> Receipt:
        """The record is on all in-sync replicas when this returns. Raises BrokerAway or Never."""
        producer = self._producer
        if producer is None or self.trouble:
            raise BrokerAway(self.trouble)
        try:
            # aiokafka bounds its own waits by the same time; the second more is for its bookkeeping
            async with asyncio.timeout(self._config.request_timeout_secs + 1):
                sent = await producer.send(topic, value, key, headers=list(headers))
                stored = await sent
        except TimeoutError as error:
            raise BrokerAway(
                f"Kafka did not confirm within {self._config.request_timeout_secs:g} s"
            ) from error
        except UnknownTopicOrPartitionError as error:
            raise await self._unknown_topic(topic) from error
        except (KafkaError, IllegalStateError) as error:
            raise translated(error, topic) from error
        return Receipt(stored.topic, stored.partition, stored.offset)

    async def _unknown_topic(self, topic: str) -> BrokerAway | Never:
        """aiokafka also says so of a topic it never heard of while no broker answers."""
        await self._look()
        if self._trouble:
            return BrokerAway(self._trouble)
        return UnknownTopic(f"topic {topic} does not exist: `awoooi topics apply` creates it")

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(UNREST_SECS if self._trouble else CALM_SECS)
            await self._look()

    async def _look(self) -> None:
        """Notes whether the broker answers; said once when it goes away, and once when it is back."""
        self._trouble = await self._tried()
        was_away, self._is_away = self._is_away, bool(self._trouble)
        if self._is_away and not was_away:
            log.warning("kafka_away", detail=self._trouble)
        elif was_away and not self._is_away:
            log.info("kafka_back", servers=self._config.bootstrap_servers)

    async def _tried(self) -> str:
        """Connect, or ask the connected broker something; what went wrong, or nothing."""
        if self._producer is not None and _has_died(self._producer):
            producer, self._producer = self._producer, None
            await _close(producer, 1.0)
        with told_by_us() as unreached:
            try:
                async with asyncio.timeout(self._config.request_timeout_secs):
                    if self._producer is None:
                        self._producer = await self._connect()
                    else:
                        await self._producer.client.fetch_all_metadata()
            except (KafkaError, OSError) as error:
                return away(self._config.bootstrap_servers, error, unreached)
        return ""

    async def _connect(self) -> AIOKafkaProducer:
        producer = AIOKafkaProducer(
            **self._options,
            acks="all",
            linger_ms=LINGER_MS,
            max_batch_size=MAX_BATCH_BYTES,
            max_request_size=MAX_REQUEST_BYTES,
            partitioner=_partition,
        )
        try:
            await producer.start()
        except BaseException:
            await _close(producer, 1.0)
            raise
        return producer


@asynccontextmanager
async def publishing(config: KafkaConfig) -> AsyncIterator[Publisher]:
    """Stopped in any case, once what was sent is flushed."""
    publisher = Publisher(config)
    await publisher.start()
    try:
        yield publisher
    finally:
        await publisher.stop()


def _partition(key: bytes | None, everywhere: Sequence[int], available: Sequence[int]) -> int:
    """Where our own stages put this key, and look for it; aiokafka's default is another place."""
    if key is None:
        return random.choice(available or everywhere)
    return partition_of(key, len(everywhere))


def _has_died(producer: AIOKafkaProducer) -> bool:
    """A fault of aiokafka's own ends its sending task; from then on that producer refuses everything."""
    return bool(producer._sender.sender_task.done())


def translated(error: Exception, topic: str) -> BrokerAway | Never:
    """An error of aiokafka in our words."""
    match error:
        case MessageSizeTooLargeError() | RecordListTooLargeError():
            return TooLarge(f"the record is larger than {topic} takes")
        case InvalidTopicError():
            return UnknownTopic(f"{topic} is no topic name that Kafka takes")
        case TopicAuthorizationFailedError():
            return NotAllowed(f"the broker's ACLs do not let us write to {topic}")
        case ProducerClosed():
            return BrokerAway("the producer is stopping")
    return BrokerAway(f"Kafka does not take records now: {error}")


async def _close(producer: AIOKafkaProducer, timeout_secs: float) -> None:
    """Records that cannot be flushed in time were never confirmed to anyone."""
    try:
        async with asyncio.timeout(timeout_secs):
            await producer.stop()
    except (TimeoutError, KafkaError) as error:
        log.warning("kafka_close", detail=str(error) or type(error).__name__)
