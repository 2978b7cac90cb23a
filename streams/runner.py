"""Records through a stage: decode, handle, outcome, encode. No engine in here.

Both the Faust adapter and the in-memory log drive it, so what tests step is what production runs.
"""

from __future__ import annotations

import hashlib
import time
from abc import abstractmethod
from collections.abc import AsyncGenerator, Awaitable, Callable, Container, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from prometheus_client import Counter, Histogram

from schemas import ids
from schemas.catalog import TICKS_PREFIX, key_of, topic_of
from schemas.codec import Codec
from schemas.draft import Draft
from schemas.envelope import Event, from_millis
from schemas.errors import Never, NoAlert, UnknownSchema
from schemas.failure import Failure, StageFailed
from schemas.headers import Headers, event_headers, iso_of_millis, plain_headers, trace_of
from streams.stage import Events, Keyed, Now, Record, State, Transform

RECORDS = Counter("awoooi_stage_records_total", "Records taken in by a stage", ["stage"])
REJECTED = Counter(
    "awoooi_rejected_total", "Records that ended as dead letters", ["stage", "topic", "reason"]
)
REPEATED = Counter(
    "awoooi_stage_repeated_total", "Slow work that was begun again after a crash or a rebalance", ["stage"]
)
EVENTS = Counter("awoooi_stage_events_total", "Events written by a stage", ["stage", "topic"])
SECONDS = Histogram(
    "awoooi_stage_batch_seconds",
    "From a micro-batch's arrival to its acknowledgement",
    ["stage"],
    buckets=(0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60),
)
WAKE_AT_ONCE = 1000  # keys woken by one tick, so that a tick never holds a partition for long
VERSION = b"0.1.0"


@dataclass(frozen=True, slots=True)
class Outgoing:
    """An encoded event on its way to a topic."""

    topic: str
    key: bytes
    value: bytes
    headers: Headers


Tell = Callable[[list[Outgoing]], Awaitable[None]]
"""Sends outputs before their turn is over, and returns when they are durable."""


@dataclass(slots=True)
class Turn:
    """What a micro-batch comes to: send the outputs, then write the rows, then acknowledge."""

    outputs: list[Outgoing] = field(default_factory=list)
    rows: dict[bytes, bytes | None] = field(default_factory=dict)
    taken: int = 0
    rejected: int = 0
    first_reject: int = -1
    """its offset"""
    reasons: set[str] = field(default_factory=set)
    trailing_rejects: int = 0
    """rejects in a row at the end of the batch: a broken deployment shows here"""


class Rows(Mapping[bytes, bytes]):
    """The rows of one partition, as the engine keeps them."""

    world: str = ""
    """what all of them were last looked at beside"""

    @abstractmethod
    def due(self, millis: int, most: int) -> list[bytes]:
        """Keys that time alone must wake by then."""


def sha256_of(value: bytes | None) -> str:
    return hashlib.sha256(value or b"").hexdigest()


@dataclass(slots=True)
class Runner:
    stage: Transform | Keyed[Any]
    codec: Codec
    clock: Callable[[], int] = field(default=lambda: time.time_ns() // 1_000_000)
    epoch: str = ""

    async def turn(
        self,
        records: Sequence[Record],
        rows: Rows | None = None,
        busy: Container[bytes | None] = (),
        tell: Tell | None = None,
    ) -> Turn:
        """`busy`: keys that slow work has in hand; time wakes them when it is done. Without `tell` nothing is
        sent before the turn is over.
        """
        now, turn = Now(self.clock()), Turn()
        if rows is None:
            await self._transform(records, now, turn)
        else:
            await self._keyed(records, rows, now, turn, busy, tell)
        turn.taken = len(records)
        return turn

    def begin(self, record: Record, rows: Rows) -> dict[bytes, bytes | None]:
        """The row to write before slow work on this record; none where there is nothing to note."""
        stage: Any = self.stage
        key = record.key or b""
        state = stage.load(key, rows.get(key))
        if stage.passed(record, state):
            return {}
        try:
            if stage.begin(record, state):
                REPEATED.labels(stage.name).inc()
        except UnknownSchema:
            raise
        except Never:
            return {}  # the turn refuses it
        return {key: stage.dump(state)} if state.changed else {}

    async def _transform(self, records: Sequence[Record], now: Now, turn: Turn) -> None:
        handle: Any = self.stage.handle
        for record in records:
            try:
                events = await handle(record, now)
            except Never as error:
                self._refuse(record, error, now, turn)
                continue
            turn.trailing_rejects = 0
            self._emit(events, record, turn)

    async def _keyed(
        self,
        records: Sequence[Record],
        rows: Rows,
        now: Now,
        turn: Turn,
        busy: Container[bytes | None],
        tell: Tell | None,
    ) -> None:
        stage: Any = self.stage
        load, take = stage.load, stage.take
        touched: dict[bytes, tuple[State, Record]] = {}
        for record in records:
            if record.topic.startswith(TICKS_PREFIX):
                await self._wake(record, rows, touched, turn, busy)
                continue
            key = record.key or b""
            known = touched.get(key)
            state = known[0] if known else load(key, rows.get(key))
            if take(record, state):
                turn.trailing_rejects = 0
                touched[key] = (state, record)
                continue
            try:
                if stage.passed(record, state):
                    continue
                if tell is not None and (parts := stage.in_parts(record, state, now)) is not None:
                    events = await self._told(parts, record, tell)
                else:
                    events = await stage.handle(record, state, now)
            except Never as error:
                self._refuse(record, error, now, turn)
                continue
            turn.trailing_rejects = 0
            touched[key] = (state, record)
            if events:
                self._emit(events, record, turn)
        for key, (state, record) in touched.items():
            self._emit(stage.settle(state, now), record, turn)
            if state.changed:
                turn.rows[key] = stage.dump(state)

    async def _told(self, parts: AsyncGenerator[Events], cause: Record, tell: Tell) -> Events:
        """Each part is durable before the next begins; nothing is left for the end of the turn."""
        async with aclosing(parts):
            async for part in parts:
                told = Turn()
                self._emit(part, cause, told)
                if told.outputs:
                    await tell(told.outputs)
        return ()

    async def _wake(
        self,
        tick: Record,
        rows: Rows,
        touched: dict[bytes, tuple[State, Record]],
        turn: Turn,
        busy: Container[bytes | None],
    ) -> None:
        """Time passes in order with the events: the tick's own timestamp, not the clock."""
        stage: Any = self.stage
        now = Now(tick.timestamp)
        for key in dict.fromkeys([*rows.due(tick.timestamp, WAKE_AT_ONCE), *self._outdated(rows)]):
            if key in busy:
                continue
            known = touched.get(key)
            state = known[0] if known else stage.load(key, rows.get(key))
            touched[key] = (state, tick)
            self._emit(await stage.wake(state, now), tick, turn)

    def _outdated(self, rows: Rows) -> list[bytes]:
        """Reference data that changed reaches rows by ticks, as time does: each row once."""
        stage: Any = self.stage
        world = stage.world()
        if rows.world == world:
            return []
        found = list(islice((key for key, row in rows.items() if stage.outdated(row)), WAKE_AT_ONCE))
        if not found:
            rows.world = world
        return found

    def _emit(self, written: Iterable[Event | Draft], cause: Record, turn: Turn) -> None:
        for event in written:
            encoded = (
                self._encode_draft(event, cause) if isinstance(event, Draft) else self.encode(event, cause)
            )
            turn.outputs.append(encoded)

    def encode(self, event: Event, cause: Record) -> Outgoing:
        content = self.codec.content_type(event.type)
        headers = event_headers(event, content, trace_of(cause.headers, event.event_id), VERSION)
        return Outgoing(topic_of(type(event)).name, key_of(event), self.codec.encode(event), headers)

    def _encode_draft(self, draft: Draft, cause: Record) -> Outgoing:
        plain = draft.plain
        event_id, kind = plain["event_id"], plain["type"]
        headers = plain_headers(
            event_id,
            kind,
            plain["stage"],
            iso_of_millis(plain["occurred_at"]),
            self.codec.content_type(kind),
            trace_of(cause.headers, event_id),
            VERSION,
        )
        if draft.glance is not None:
            headers.insert(0, draft.glance)
        return Outgoing(topic_of(draft.kind).name, draft.key, self.codec.encode_draft(draft), headers)

    def _refuse(self, record: Record, error: Never, now: Now, turn: Turn) -> None:
        if isinstance(error, UnknownSchema) and error.framing == "registry":
            raise error  # the engine asks the registry, then comes back
        letter = self.stage.dead_letter(record, error, now)
        turn.outputs.append(self.encode(letter, record))
        REJECTED.labels(self.stage.name, record.topic, error.reason).inc()
        if isinstance(error, NoAlert):
            turn.trailing_rejects = 0  # its sender is well: nothing to slow it for
            return
        if not turn.rejected:
            turn.first_reject = record.offset
        turn.rejected += 1
        turn.reasons.add(error.reason)
        turn.trailing_rejects += 1


def stage_failed(stage: str, record: Record, error: Never, now: Now, epoch: str) -> StageFailed:
    """The dead letter of every stage but normalize."""
    place = f"{epoch}/{record.topic}/{record.partition}/{record.offset}"
    return StageFailed(
        event_id=ids.derive_id("stage.failed", stage, place),
        project_id="default",
        occurred_at=from_millis(record.timestamp),
        recorded_at=now.moment,
        stage=stage,
        payload=Failure(
            stage=stage,
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            epoch=epoch,
            reason=error.reason,
            detail=str(error)[:500],
            size=len(record.value or b""),
            sha256=sha256_of(record.value),
            original=record.value,
            original_key=record.key,
        ),
    )
