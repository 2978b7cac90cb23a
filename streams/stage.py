"""The contract of a stage: records in, events out; no engine, no clock, no Kafka of its own.

A stage is one file and one class. `Transform` keeps nothing; `Keyed` keeps one row a key.
The runner (runner.py) decodes, calls, encodes and decides what becomes of errors:

- returned            done: outputs are sent, then rows are written, then the input is acknowledged
- raised `NotNow`     the same batch again, with back-off; the offset stays
- raised `Never`      dead letter with reason and original bytes; the partition goes on
- raised anything else   the worker stops, loudly; nothing was acknowledged

A keyed stage must not change its state before it raises.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

import orjson

from schemas.codec import Codec
from schemas.draft import Draft
from schemas.envelope import Event, from_millis
from schemas.errors import Never

RawHeaders = Sequence[tuple[str, bytes]]
Events = Sequence[Event | Draft]


@dataclass(slots=True)
class Record:
    """One record of the log. What it holds is decoded when asked for: a repeat need not be."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: RawHeaders
    timestamp: int
    codec: Codec
    _event: Event | None = field(default=None, repr=False)
    _plain: tuple[type[Event], dict[str, Any]] | None = field(default=None, repr=False)

    @property
    def event(self) -> Event:
        if self._event is None:
            self._event = self.codec.decode(self.value)
        return self._event

    @property
    def plain(self) -> tuple[type[Event], dict[str, Any]]:
        """Its class and its plain values, for stages that only pass them on: a model costs as much again."""
        if self._plain is None:
            self._plain = self.codec.read(self.value)
        return self._plain

    def header(self, name: str) -> bytes | None:
        for header, value in self.headers:
            if header == name:
                return value
        return None


@dataclass(frozen=True, slots=True)
class Now:
    """The time of a batch, given by the runner: one reading for all it writes."""

    millis: int

    @property
    def moment(self) -> Any:
        return from_millis(self.millis)


class OfRun(Protocol):
    """An event, or what a stage keeps of a run."""

    @property
    def project_id(self) -> str: ...
    @property
    def incident_id(self) -> str: ...
    @property
    def run_id(self) -> str: ...


def about_run(about: OfRun, stage: str, now: Now) -> dict[str, Any]:
    """The envelope of what a stage says of a run now."""
    return {
        "project_id": about.project_id,
        "incident_id": about.incident_id,
        "run_id": about.run_id,
        "occurred_at": now.moment,
        "recorded_at": now.moment,
        "stage": stage,
    }


class Stage(Protocol):
    """What every stage says of itself."""

    name: str
    reads: tuple[str, ...]

    def dead_letter(self, record: Record, error: Never, now: Now) -> Event:
        """What a record that can never be processed becomes."""
        ...


class Transform(Stage, Protocol):
    """A stage that keeps nothing."""

    async def handle(self, record: Record, now: Now) -> Events: ...


@dataclass(slots=True)
class State:
    """What a keyed stage keeps of one key. `changed` says whether its row must be written.

    `seen` is the last offset taken in, by topic (a key lives in one partition of each): what stands at
    or before it was processed, and its outputs are durable.
    """

    seen: dict[str, int] = field(default_factory=dict)
    changed: bool = field(default=False)


S = TypeVar("S", bound=State)


class Keyed(Stage, Protocol, Generic[S]):
    """A stage that keeps one row a key; fed the same record twice, it passes over the second."""

    def load(self, key: bytes, row: bytes | None) -> S: ...

    def dump(self, state: S) -> bytes | None:
        """The row to write; None forgets the key."""
        ...

    def passed(self, record: Record, state: S) -> bool:
        """Whether this record's effect is in the state already."""
        ...

    def begin(self, record: Record, state: S) -> bool:
        """Of a slow stage: note that a long work begins, for the row that is written before it.

        Whether it had begun before: then an earlier owner was stopped in the middle, and it is repeated.
        """
        ...

    def take(self, record: Record, state: S) -> bool:
        """The short way of what is nearly all of a stage's traffic, asked before anything else: True when
        the record is in the state now and nothing is to be said at once. It never raises; in doubt, False.
        """
        ...

    async def handle(self, record: Record, state: S, now: Now) -> Events: ...

    def in_parts(self, record: Record, state: S, now: Now) -> AsyncGenerator[Events] | None:
        """Of a slow stage: the same as `handle`, in parts. What a part gives is durable before the next one
        begins, as that a call begins must be before the call. None: all at once.
        """
        ...

    def settle(self, state: S, now: Now) -> Events:
        """What the batch's records of this key add up to, beyond what `handle` gave."""
        ...

    def due(self, row: bytes) -> int | None:
        """When time alone must wake this key, in epoch milliseconds."""
        ...

    async def wake(self, state: S, now: Now) -> Events:
        """What the passing of time alone causes."""
        ...

    def world(self) -> str:
        """What rows hang on beside their input, as it is now: reference data. Empty: on nothing."""
        ...

    def outdated(self, row: bytes) -> bool:
        """Whether the world has changed since this row was looked at: then a tick wakes its key."""
        ...


class KeyedBase(Generic[S]):
    """What most keyed stages share: rows as JSON lists, offsets as `seen`, no timers."""

    def passed(self, record: Record, state: S) -> bool:
        return record.offset <= state.seen.get(record.topic, -1)

    def note(self, record: Record, state: S) -> None:
        """Take the record into `seen`; the row will be written."""
        state.seen[record.topic] = record.offset
        state.changed = True

    def begin(self, record: Record, state: S) -> bool:
        return False

    def take(self, record: Record, state: S) -> bool:
        return False

    def in_parts(self, record: Record, state: S, now: Now) -> AsyncGenerator[Events] | None:
        return None

    def settle(self, state: S, now: Now) -> Events:
        return ()

    def due(self, row: bytes) -> int | None:
        return None

    async def wake(self, state: S, now: Now) -> Events:
        return ()

    def world(self) -> str:
        return ""

    def outdated(self, row: bytes) -> bool:
        return False


def pack(values: list[Any]) -> bytes:
    """A row: a JSON list, small, quick, and readable in the changelog.

    Copied, because orjson's result keeps the kilobyte that it was written in: a row is kept for days.
    """
    return bytes(memoryview(orjson.dumps(values)))


def unpack(row: bytes) -> list[Any]:
    values: list[Any] = orjson.loads(row)
    return values
