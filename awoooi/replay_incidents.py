"""Alerts through dedup again, beside what is recorded of their incidents.

What stands before the interval is taken in as well, of the same fingerprints: it makes the rows that the
interval's alerts are met with. Repeats are not compared one by one, for how many an event tells of hangs on
the batch; every other event holds their count. What is silenced hangs on the silences of then: left out.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from awoooi.events import Learn
from awoooi.log_reading import Span, read_log
from awoooi.replay_found import SKEW_MS, Choice, Found, now_ms, plain_of, record_of
from awoooi.settings import Settings
from schemas.catalog import ticks_topic
from schemas.codec import Codec
from schemas.envelope import to_millis
from schemas.flapping import IncidentFlapping
from schemas.incident import (
    IncidentExpired,
    IncidentOpened,
    IncidentReopened,
    IncidentResolved,
    IncidentSeverityRaised,
)
from streams.memory import WORKER
from streams.retold import Difference, Told
from streams.rows import PartitionRows
from streams.runner import Outgoing, Runner
from streams.stage import Record
from streams.stages.dedup import Dedup, DedupConfig
from streams.stages.dedup_tells import STAGE

NORMALIZED, INCIDENTS = "alerts.normalized", "incidents"
COMPARED = {
    kind.type_name().encode()
    for kind in (
        IncidentOpened,
        IncidentReopened,
        IncidentSeverityRaised,
        IncidentResolved,
        IncidentExpired,
        IncidentFlapping,
    )
}


@dataclass(slots=True)
class Interval:
    """What was looked at of alerts.normalized."""

    keys: set[bytes] = field(default_factory=set)
    alerts: set[str] = field(default_factory=set)
    """their events"""
    last: dict[int, int] = field(default_factory=dict)
    """offset, by partition"""
    since: int = 0
    until: int = 0
    """milliseconds"""

    def take(self, read: Any) -> None:
        self.keys.add(read.key or b"")
        self.alerts.add(dict(read.headers).get("ce_id", b"").decode())
        self.last[read.partition] = read.offset
        self.since = min(self.since or read.timestamp, read.timestamp)
        self.until = max(self.until, read.timestamp)

    def caused(self, event: dict[str, Any]) -> bool:
        """By its alerts, or by time alone while it lasted."""
        if event["causes"]:
            return not self.alerts.isdisjoint(event["causes"])
        return self.since <= to_millis(event["recorded_at"]) <= self.until

    def needs(self, read: Any) -> bool:
        return (read.key or b"") in self.keys and read.offset <= self.last.get(read.partition, -1)


async def incidents_again(settings: Settings, choice: Choice, codec: Codec, learn: Learn) -> Found:
    told = Told(Codec())
    found, interval = Found(told.tally), Interval()
    async for read in read_log(settings, NORMALIZED, choice.span):
        if cut := choice.cut(told.tally.records, 0):
            found.cut = cut
            break
        told.tally.records += 1
        interval.take(read)
    if not interval.keys:
        return found
    if choice.span.partition is None and not found.cut:
        interval.since, interval.until = choice.span.since, choice.span.until or interval.until
    await _again(settings, choice, interval, told, codec, learn)
    found.differences += [one async for one in _beside(settings, interval, told, codec, learn)]
    found.differences += told.rest()
    return found


async def _again(
    settings: Settings, choice: Choice, interval: Interval, told: Told, codec: Codec, learn: Learn
) -> None:
    dedup = Replayed(DedupConfig(**settings.dedup.model_dump()))
    begun: set[int] = set()
    async for read in read_log(settings, NORMALIZED, Span(0, interval.until)):
        if not interval.needs(read):
            continue
        await plain_of(codec, learn, read.value)  # learns its schema
        if not choice.span.holds(read):
            told.before(_id(out) for out in await dedup.take(record_of(read, codec)))
            continue
        if read.partition not in begun:
            begun.add(read.partition)
            told.before(_id(out) for out in await dedup.tick(read.partition, interval.since))
        for out in await dedup.take(record_of(read, codec)):
            told.now(_id(out), out.value)
    for partition in interval.last:
        for out in await dedup.tick(partition, interval.until):
            told.now(_id(out), out.value)


async def _beside(
    settings: Settings, interval: Interval, told: Told, codec: Codec, learn: Learn
) -> AsyncIterator[Difference]:
    after = Span(max(0, interval.since - SKEW_MS), now_ms())
    async for read in read_log(settings, INCIDENTS, after):
        if dict(read.headers).get("ce_type") not in COMPARED:
            continue
        known = await plain_of(codec, learn, read.value)
        if known is None:
            continue
        plain = known[1]
        key = f"{plain['project_id']}:{plain['payload']['fingerprint']}".encode()
        if plain["stage"] == STAGE and key in interval.keys:
            for one in told.recorded(plain, within=interval.caused(plain)):
                yield one


class Replayed:
    """Dedup over the partitions of alerts.normalized; time is told before each record."""

    def __init__(self, config: DedupConfig) -> None:
        self._at = 0
        self._runner = Runner(Dedup(config), Codec(), clock=lambda: self._at)
        self._rows: dict[int, PartitionRows] = {}

    async def take(self, record: Record) -> Sequence[Outgoing]:
        return [*await self.tick(record.partition, record.timestamp), *await self._turn(record)]

    async def tick(self, partition: int, at: int) -> Sequence[Outgoing]:
        topic = ticks_topic(WORKER).name
        return await self._turn(Record(topic, partition, 0, None, b"{}", (), at, self._runner.codec))

    async def _turn(self, record: Record) -> Sequence[Outgoing]:
        self._at = record.timestamp
        stage: Any = self._runner.stage
        rows = self._rows.setdefault(record.partition, PartitionRows(stage.due))
        turn = await self._runner.turn([record], rows)
        rows.apply(turn.rows)
        return [out for out in turn.outputs if dict(out.headers).get("ce_type") in COMPARED]


def _id(out: Outgoing) -> str:
    return dict(out.headers)["ce_id"].decode()
