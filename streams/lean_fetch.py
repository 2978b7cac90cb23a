"""What the consumer makes of each record: ours at once, as aiokafka's own costs as much as a repeat.

That one is a frozen dataclass of eleven fields, each set by a call. It is kept out of the way for the whole
process: every reader of ours asks for topic, partition, offset, key, value, headers and time alone.
"""

from __future__ import annotations

from typing import Any

from aiokafka.consumer import fetcher

from streams.stage import Record

NO_CODEC: Any = None
"""until the engine knows which codec it is for"""


class LeanRecords(fetcher.PartitionRecords):  # type: ignore[misc] # aiokafka is untyped
    def _consumer_record(self, tp: Any, record: Any) -> Record:
        return Record(
            tp.topic,
            tp.partition,
            record.offset,
            record.key,
            record.value,
            record.headers,
            record.timestamp,
            NO_CODEC,
        )


def install() -> None:
    fetcher.PartitionRecords = LeanRecords
