"""A log that the real stages have written, read as Kafka is."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

from awoooi.log_reading import WHOLE, Span
from awoooi.settings import Settings
from connectors.alerts.registry import sources
from connectors.alerts.source import Source
from schemas.codec import Codec
from streams.memory import MemoryLog
from streams.placed import Placed
from streams.runner import Runner
from streams.stages.dedup import Dedup, DedupConfig
from streams.stages.normalize import Normalize, NormalizeConfig

RAW = "alerts.raw.awoooi"
START = 1_800_000_000_000
MINUTE = 60_000


@dataclass
class Recorded:
    """A log that the real stages have written, read as Kafka is."""

    dedup: DedupConfig = field(default_factory=DedupConfig)
    now: int = START
    sources: Mapping[str, Source] = field(default_factory=sources)
    raw: str = RAW

    def __post_init__(self) -> None:
        codec = Codec()
        normalize, dedup = Normalize(NormalizeConfig(), self.sources), Dedup(self.dedup)
        self.log = MemoryLog(
            [
                Placed(Runner(normalize, codec, clock=lambda: self.now), (self.raw,), keyed=False),
                Placed(Runner(dedup, codec, clock=lambda: self.now), dedup.reads, keyed=True),
            ],
            codec,
            lambda: self.now,
        )

    async def send(self, *values: bytes, minutes: float = 1) -> Recorded:
        for value in values:
            self.now += int(minutes * MINUTE)
            self.log.tick()
            await self.log.run()
            self.log.append(self.raw, value)
            await self.log.run()
        return self

    def go_on_with(self, known: Mapping[str, Source]) -> None:
        """As a worker that was begun anew with other sources."""
        self.log.stages[0].runner.stage = Normalize(NormalizeConfig(), known)

    async def read(self, _: Settings, topic: str, span: Span = WHOLE) -> AsyncIterator[Any]:
        for (name, partition), records in list(self.log.topics.items()):
            if name == topic:
                for one in records:
                    place = {"topic": topic, "partition": partition, "offset": one.offset}
                    told = {"key": one.key, "value": one.value, "headers": one.headers}
                    read = SimpleNamespace(**place, **told, timestamp=one.timestamp)
                    if span.holds(read) and span.partition in (None, partition):
                        yield read

    def change(self, topic: str, new: Mapping[str, Any], which: int = 0) -> None:
        """Make the record say something else than the stages do."""
        places = [place for place in self.log.topics if place[0] == topic and self.log.topics[place]]
        records = self.log.topics[places[0]]
        plain = json.loads(records[which].event.model_dump_json())
        plain["payload"] |= new
        value = Codec(as_json=frozenset((plain["type"],))).encode(
            records[which].event.__class__.model_validate(plain)
        )
        records[which] = replace(records[which], value=value, _event=None, _plain=None)
