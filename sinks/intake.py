"""Records of the log as rows: what cannot be read is named, and does not stop the others."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Protocol

import structlog

from schemas.catalog import Topic
from schemas.codec import Codec
from schemas.errors import Never, NotNow, UnknownSchema
from sinks.clickhouse.rows import EventRow, SetAside, row_of, set_aside

log = structlog.get_logger(__name__)

Learn = Callable[[int], Awaitable[None]]
"""Teaches the codec the schema that a registry knows under this number. Raises RegistryAway or Never."""
RETRY_SECS = 1.0


class Record(Protocol):
    """What is needed of aiokafka's ConsumerRecord."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


class Intake:
    """`trouble` says why reading waits; it is empty when it does not."""

    def __init__(
        self, codec: Codec, epoch: str, topics: Collection[Topic], learn: Learn | None = None
    ) -> None:
        self._codec = codec
        self._epoch = epoch
        self._learn = learn
        self._compacted = frozenset(topic.name for topic in topics if topic.compacted)
        self.trouble = ""

    async def read(self, records: Sequence[Record]) -> tuple[list[EventRow], list[SetAside]]:
        codec, epoch = self._codec, self._epoch
        rows: list[EventRow] = []
        refused: list[SetAside] = []
        for record in records:
            topic, partition, offset, value = record.topic, record.partition, record.offset, record.value
            try:
                rows.append(row_of(codec, epoch, topic, partition, offset, value, record.headers))
            except Never as error:
                await self._second_look(record, error, rows, refused)
        return rows, refused

    async def _second_look(
        self, record: Record, error: Never, rows: list[EventRow], refused: list[SetAside]
    ) -> None:
        if record.value is None and record.topic in self._compacted:
            return  # a tombstone deletes a key of a compacted topic and tells no event
        topic, partition, offset = record.topic, record.partition, record.offset
        try:
            await self._teach(error)
            rows.append(
                row_of(self._codec, self._epoch, topic, partition, offset, record.value, record.headers)
            )
        except Never as last:
            now = time.time_ns() // 1_000_000
            refused.append(set_aside(self._epoch, topic, partition, offset, last, now, record))

    async def _teach(self, error: Never) -> None:
        """Raises the error again where nothing can be learned; waits while the registry is away."""
        if self._learn is None or not isinstance(error, UnknownSchema) or error.framing != "registry":
            raise error
        while True:
            try:
                await self._learn(int(error.schema))
            except NotNow as away:
                if not self.trouble:
                    log.warning("registry_away", schema=error.schema, detail=str(away))
                self.trouble = str(away)
                await asyncio.sleep(RETRY_SECS)
            else:
                self.trouble = ""
                return
