"""The same stages stepped in memory: a log of lists, for tests and for dry-run replays. No network, no clock
but the one it is given.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from schemas.catalog import partition_of, ticks_topic
from schemas.codec import Codec
from schemas.envelope import Event
from streams.placed import Placed
from streams.reached import Place, Reached
from streams.rows import PartitionRows
from streams.stage import RawHeaders, Record

WORKER = "ingest"


@dataclass(slots=True)
class MemoryLog:
    """Topics as lists of records, and each stage's place in them."""

    stages: Sequence[Placed]
    codec: Codec
    clock: Callable[[], int]
    partitions: int = 4
    batch: int = 2000
    passed: Callable[[str], None] = lambda _: None
    """called at the points where a worker may be killed; what it raises ends the step there"""
    topics: dict[tuple[str, int], list[Record]] = field(default_factory=lambda: defaultdict(list))
    _read: dict[tuple[str, str, int], int] = field(default_factory=lambda: defaultdict(int))
    _rows: dict[tuple[str, int], PartitionRows] = field(default_factory=dict)
    _reached: Reached = field(init=False)

    def __post_init__(self) -> None:
        self._reached = Reached(self._is_behind)

    def append(
        self, topic: str, value: bytes | None, key: bytes | None = None, headers: RawHeaders = ()
    ) -> Record:
        partition = partition_of(key or b"", self.partitions)
        return self._append(topic, partition, key, value, headers)

    def _append(
        self, topic: str, partition: int, key: bytes | None, value: bytes | None, headers: RawHeaders
    ) -> Record:
        log = self.topics[topic, partition]
        record = Record(topic, partition, len(log), key, value, headers, self.clock(), self.codec)
        log.append(record)
        return record

    def tick(self) -> None:
        for partition in range(self.partitions):
            self._append(ticks_topic(WORKER).name, partition, None, b"{}", ())

    async def run(self) -> None:
        """Step every stage until nothing is left to read."""
        while any([await self._step(placed) for placed in self.stages]):
            pass

    async def _step(self, placed: Placed) -> bool:
        topics = (*placed.topics, ticks_topic(WORKER).name) if placed.keyed else placed.topics
        worked = False
        for topic in topics:
            for partition in range(self.partitions):
                worked |= await self._take(placed, topic, partition)
        return worked

    async def _take(self, placed: Placed, topic: str, partition: int) -> bool:
        place = (placed.name, topic, partition)
        start = self._read[place]
        size = 1 if placed.slow else self.batch
        records = self.topics[topic, partition][start : start + size]
        if not records:
            return False
        rows = self.rows(placed, partition) if placed.keyed else None
        if topic == ticks_topic(WORKER).name:
            records = [self._held_back(placed, tick) for tick in records]
        elif rows is not None and placed.slow:
            rows.apply(placed.runner.begin(records[0], rows))
        turn = await placed.runner.turn(records, rows)
        for out in turn.outputs:
            self.append(out.topic, out.value, out.key, out.headers)
            self.passed(f"{placed.name}:produced")
        if rows is not None:
            rows.apply(turn.rows)
        if turn.outputs or turn.rows:
            self.passed(f"{placed.name}:state_written")
        self._read[place] = start + len(records)
        self._reached.note((topic, partition), records[-1].timestamp)
        return True

    def _held_back(self, placed: Placed, tick: Record) -> Record:
        """As the engine does it: time waits for what feeds the stage."""
        sources = {topic for stage in self.stages if not stage.keyed for topic in stage.topics}
        inputs = [(topic, tick.partition) for topic in placed.topics]
        inputs += [(topic, number) for topic in sources for number in range(self.partitions)]
        return replace(tick, timestamp=self._reached.until(tick.timestamp, inputs))

    def _is_behind(self, place: Place) -> bool:
        readers = (placed.name for placed in self.stages if place[0] in placed.topics)
        return any(self._read[reader, *place] < len(self.topics[place]) for reader in readers)

    def rows(self, placed: Placed, partition: int) -> PartitionRows:
        stage: Any = placed.runner.stage
        return self._rows.setdefault((placed.name, partition), PartitionRows(stage.due))

    def rewind(self, stage: str, topic: str, offset: int = 0) -> None:
        """Give a stage its input again, as a restart before the commit does."""
        for partition in range(self.partitions):
            self._read[stage, topic, partition] = offset

    def events(self, topic: str) -> list[Event]:
        """What stands on a topic, first event of an id only, as readers take it."""
        found: dict[str, Event] = {}
        for (name, _), records in sorted(self.topics.items()):
            if name == topic:
                for record in records:
                    found.setdefault(record.event.event_id, record.event)
        return list(found.values())
