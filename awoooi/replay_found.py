"""What a replay was asked for, what it found, and how a record of Kafka's becomes one of a stage's."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from awoooi.events import Learn, read_event
from awoooi.log_reading import Span
from schemas.codec import Codec
from schemas.envelope import Event
from schemas.errors import Never
from streams.retold import Difference, Tally
from streams.stage import Record

MOST_BYTES = 128 * 1024 * 1024
"""of what the stages tell of the interval: it is kept until it has been compared"""
SKEW_MS = 10 * 60_000
"""between the clocks of brokers and workers"""


@dataclass(frozen=True, slots=True)
class Choice:
    topic: str
    span: Span
    limit: int

    def cut(self, records: int, kept: int) -> str:
        """Why no more is looked at; empty: there is room."""
        if records < self.limit and kept < MOST_BYTES:
            return ""
        return (
            f"the interval holds more than the {records} records that were looked at: give a shorter one"
            + (", or a higher --limit" if records >= self.limit else "")
        )


@dataclass(slots=True)
class Found:
    tally: Tally
    differences: list[Difference] = field(default_factory=list)
    cut: str = ""
    """why the rest of the interval was not looked at"""


def record_of(read: Any, codec: Codec) -> Record:
    place = read.topic, read.partition, read.offset
    return Record(*place, read.key, read.value, tuple(read.headers), read.timestamp, codec)


async def plain_of(
    codec: Codec, learn: Learn, value: bytes | None
) -> tuple[type[Event], dict[str, Any]] | None:
    """None for what no stage could read either."""
    try:
        return await read_event(codec, learn, value)
    except Never:
        return None


def now_ms() -> int:
    return time.time_ns() // 1_000_000
