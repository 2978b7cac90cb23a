"""One incident's approvals on the log, read without a group: what was asked, what became of a signature."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiokafka
from aiokafka.errors import KafkaError

from awoooi.events import codec_of
from awoooi.settings import Settings
from connectors.kafka.config import KafkaConfig
from connectors.kafka.patience import patient
from schemas.approval import ApprovalRequested
from schemas.catalog import partition_of
from schemas.codec import Codec
from schemas.envelope import Event
from schemas.errors import BrokerAway, Never
from schemas.vote import VoteTurnedAway, VoteVerified

REQUESTS = "approvals.requests"
VERDICTS = ("approvals.votes", "approvals.outcomes")
READ_SECS = 15.0


@dataclass(slots=True)
class ApprovalLog:
    codec: Codec
    consumer: Any
    partition: int

    async def request(self, approval_id: str) -> ApprovalRequested | None:
        """What was asked under this id; the first, where it was written twice."""
        place = aiokafka.TopicPartition(REQUESTS, self.partition)
        self.consumer.assign([place])
        await self.consumer.seek_to_beginning(place)
        end = (await self.consumer.end_offsets([place]))[place]
        async with asyncio.timeout(READ_SECS):
            while await self.consumer.position(place) < end:
                for event in await self._next():
                    if isinstance(event, ApprovalRequested) and event.payload.approval_id == approval_id:
                        return event
        return None

    async def from_now_on(self) -> None:
        """Verdicts that are written after this are seen."""
        places = [aiokafka.TopicPartition(topic, self.partition) for topic in VERDICTS]
        self.consumer.assign(places)
        ends = await self.consumer.end_offsets(places)
        for place, end in ends.items():
            self.consumer.seek(place, end)

    async def verdict(self, signature: str, timeout_secs: float) -> Event | None:
        """The event that says whether this signature counts; None where none came in time."""
        try:
            async with asyncio.timeout(timeout_secs):
                while True:
                    for event in await self._next():
                        ours = getattr(event.payload, "signature", "") == signature
                        if ours and not isinstance(event, VoteVerified | VoteTurnedAway):
                            return event
        except TimeoutError:
            return None

    async def _next(self) -> list[Event]:
        batches = await self.consumer.getmany(timeout_ms=200)
        return [event for batch in batches.values() for record in batch for event in self._read(record.value)]

    def _read(self, value: bytes | None) -> list[Event]:
        try:
            return [self.codec.decode(value)]
        except Never:
            return []  # another's: what we wait for can be read


@asynccontextmanager
async def approval_log(
    kafka: KafkaConfig, codec: Codec, incident_id: str, partitions: int
) -> AsyncIterator[ApprovalLog]:
    consumer = aiokafka.AIOKafkaConsumer(
        **kafka.client_options(), enable_auto_commit=False, auto_offset_reset="earliest"
    )
    patient(consumer._client)
    try:
        async with asyncio.timeout(READ_SECS):
            await consumer.start()
        yield ApprovalLog(codec, consumer, partition_of(incident_id.encode(), partitions))
    except (TimeoutError, KafkaError) as error:
        raise BrokerAway(f"the approvals could not be read: {error!r}") from error
    finally:
        await consumer.stop()


@asynccontextmanager
async def approvals_of(settings: Settings, incident_id: str) -> AsyncIterator[ApprovalLog]:
    """With a codec of its own."""
    async with (
        codec_of(settings) as (codec, _),
        approval_log(settings.kafka, codec, incident_id, settings.partitions) as log,
    ):
        yield log
