"""What the consumer makes of each record: ours at once, as aiokafka's own costs as much as a repeat.

That one is a frozen dataclass of eleven fields, each set by a call. It is kept out of the way for the whole
process: every reader of ours asks for topic, partition, offset, key, value, headers and time alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from aiokafka.consumer import fetcher
from aiokafka.consumer.fetcher import READ_COMMITTED
from aiokafka.errors import CorruptRecordException

from streams.stage import Record

NO_CODEC: Any = None
"""until the engine knows which codec it is for"""


class LeanRecords(fetcher.PartitionRecords):  # type: ignore[misc] # aiokafka is untyped
    next_fetch_offset: int

    def __iter__(self) -> Iterator[Record]:
        """aiokafka goes through a method of its own for each record."""
        return self._records_iterator or iter(())

    def _unpack_records(self) -> Iterator[Record]:
        """Theirs, record by record without a call; what concerns transactions is left to them."""
        if self._isolation_level == READ_COMMITTED:
            yield from super()._unpack_records()
            return
        topic, partition = self._tp
        while self._records.has_next():
            batch = self._records.next_batch()
            if self._check_crcs and not batch.validate_crc():
                raise CorruptRecordException(f"Invalid CRC - {self._tp}")
            for raw in () if batch.is_control_batch else batch:
                offset = raw.offset
                if offset >= self.next_fetch_offset:  # a batch may begin before what was asked for
                    self.next_fetch_offset = offset + 1
                    yield Record(
                        topic, partition, offset, raw.key, raw.value, raw.headers, raw.timestamp, NO_CODEC
                    )
            self.next_fetch_offset = batch.next_offset  # its end may have been compacted away

    def _consumer_record(self, tp: Any, raw: Any) -> Record:
        return Record(
            tp.topic, tp.partition, raw.offset, raw.key, raw.value, raw.headers, raw.timestamp, NO_CODEC
        )


def install() -> None:
    fetcher.PartitionRecords = LeanRecords
