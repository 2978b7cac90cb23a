"""Reference data: small compacted topics of one partition, read in full and followed, without a group.

A read-only view whose offset is written into decisions. Where it matters (right before an effect) the reader
asks the broker for the end and waits until the view has reached it; if it cannot, the answer is no.
"""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiokafka
import structlog
from aiokafka.errors import KafkaError

from connectors.kafka.config import KafkaConfig
from connectors.kafka.patience import patient
from connectors.kafka.producer import Publisher
from connectors.whole_file import write_whole
from schemas.errors import BrokerAway, Misconfigured

log = structlog.get_logger(__name__)
REFERENCE_TOPICS = ("switches", "silences", "topology", "policies", "projects", "signers", "trust")


OUT_OF_DATE_SECS = 10.0
"""The broker answers every second; without an answer for so long a view may be an old one."""


@dataclass(slots=True)
class View:
    """One topic's latest values, by key."""

    values: dict[bytes, bytes] = field(default_factory=dict)
    next_offset: int = 0
    polled: int | None = None
    """the broker's latest answer about it, by the client's clock"""
    whole_at: float = float("-inf")
    """when an answer last said that there is no more than was read"""

    def take(self, key: bytes, value: bytes | None, offset: int) -> None:
        if value is None:
            self.values.pop(key, None)
        else:
            self.values[key] = value
        self.next_offset = offset + 1


class Reference:
    """Follows the topics in a task of its own. `ready` is set once each was read to its end."""

    def __init__(
        self,
        kafka: KafkaConfig,
        topics: Iterable[str] = REFERENCE_TOPICS,
        copy: Path | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._kafka, self._copy, self._clock = kafka, copy, clock
        self._views = {name: View() for name in topics}
        self._moved = asyncio.Event()
        self._consumer: Any = None
        self._asking: Any = None
        """a connection of its own: on one, the broker answers nothing else while a fetch waits for records"""
        self._task: asyncio.Task[None] | None = None
        self.ready = asyncio.Event()

    @property
    def topics(self) -> Iterable[str]:
        return self._views

    def values(self, topic: str) -> Mapping[bytes, bytes]:
        return self._views[topic].values

    def current(self, topic: str) -> Mapping[bytes, bytes] | None:
        """None while it has not been read to its end, or nobody can tell whether that is the latest."""
        fresh = self.ready.is_set() and self.age_secs(topic) < OUT_OF_DATE_SECS
        return self._views[topic].values if fresh else None

    def age_secs(self, topic: str) -> float:
        """Since the broker last said that there is no more than was read."""
        return self._clock() - self._views[topic].whole_at

    def offset(self, topic: str) -> int:
        """What stands before it has been taken in."""
        return self._views[topic].next_offset

    async def start(self) -> None:
        self._task = asyncio.create_task(self._follow(), name="reference")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def passed(self, topic: str, offset: int, within_secs: float) -> None:
        """Until what lies there has been taken in; no longer than that, whether it has come or not."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within_secs):
                while self.offset(topic) <= offset:
                    self._moved.clear()
                    await self._moved.wait()

    async def reached_end(self, topic: str, timeout_secs: float = 5.0) -> int:
        """Waits until the view holds all that the broker has now; raises BrokerAway when in doubt."""
        deadline, known = time.monotonic() + timeout_secs, self.offset(topic)
        try:
            async with asyncio.timeout(timeout_secs):
                end = (await self._ends([topic]))[topic]
                if end < known:
                    raise BrokerAway(f"{topic}: ends at {end}, and {known} were read: the broker is another")
                while self.offset(topic) < end:
                    self._moved.clear()
                    await asyncio.wait_for(self._moved.wait(), deadline - time.monotonic())
        except (TimeoutError, KafkaError) as error:
            raise BrokerAway(f"{topic}: cannot tell whether it is up to date: {error!r}") from error
        self._views[topic].whole_at = self._clock()
        return self.offset(topic)

    async def _follow(self) -> None:
        wait = 0.5
        while True:
            try:
                await self._read_on()
            except KafkaError as error:
                log.warning("reference_waiting", why=f"{type(error).__name__}: {error}", secs=wait)
                await asyncio.sleep(wait)
                wait = min(wait * 2, 10.0)

    def _client(self) -> Any:
        made = aiokafka.AIOKafkaConsumer(
            **self._kafka.client_options(),
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            fetch_max_wait_ms=1000,
        )
        patient(made._client)
        return made

    async def _read_on(self) -> None:
        self._consumer, self._asking = self._client(), self._client()
        try:
            await self._consumer.start()
            await self._asking.start()
            places = {aiokafka.TopicPartition(name, 0): view for name, view in self._views.items()}
            self._consumer.assign(list(places))
            for place, view in places.items():
                self._consumer.seek(place, view.next_offset)
            ends = await self._ends(list(self._views))
            while True:
                if not self.ready.is_set() and all(self.offset(name) >= end for name, end in ends.items()):
                    self._all_read()
                for place, records in (await self._consumer.getmany(timeout_ms=1000)).items():
                    for record in records:
                        places[place].take(record.key or b"", record.value, record.offset)
                    self._moved.set()
                    self._keep_copy()
                self._look_how_current(places)
        finally:
            await self._consumer.stop()
            await self._asking.stop()

    def _all_read(self) -> None:
        for view in self._views.values():
            view.whole_at = self._clock()
        self.ready.set()

    def _look_how_current(self, places: Mapping[Any, View]) -> None:
        """Each fetch is answered within its wait, with records or without: silence is no sign of calm."""
        for place, view in places.items():
            polled = self._consumer.last_poll_timestamp(place)
            if polled is None or polled == view.polled:
                continue
            view.polled = polled
            if view.next_offset >= (self._consumer.highwater(place) or 0):
                view.whole_at = self._clock()

    def _keep_copy(self) -> None:
        """The embedded broker forgets: once all is read, each change is kept in a file."""
        if self._copy is not None and self.ready.is_set():
            save(self, self._copy, self._views)

    async def _ends(self, topics: list[str]) -> dict[str, int]:
        if self._asking is None:
            raise KafkaError("not connected")
        found = await self._asking.end_offsets([aiokafka.TopicPartition(name, 0) for name in topics])
        return {place.topic: end for place, end in found.items()}


def save(reference: Reference, path: Path, topics: Iterable[str] = REFERENCE_TOPICS) -> None:
    """The copy that `up` keeps, because the embedded broker forgets."""
    kept = {
        topic: [[_text(key), _text(value)] for key, value in reference.values(topic).items()]
        for topic in topics
    }
    write_whole(path, json.dumps(kept).encode())


async def restore(path: Path, publisher: Publisher) -> int:
    """Give the broker back what it forgot; how many values."""
    kept = _read_copy(path)
    for topic, key, value in kept:
        await publisher.send(topic, key, value)
    return len(kept)


def kept_in(path: Path, topic: str, key: bytes) -> bytes | None:
    """The value of a key in the copy."""
    found = {(name, one): value for name, one, value in _read_copy(path)}
    return found.get((topic, key))


def _read_copy(path: Path) -> list[tuple[str, bytes, bytes]]:
    """Misconfigured where it is none: a revoked key, for one, must not be forgotten in silence."""
    if not path.exists():
        return []
    try:
        return [
            (topic, base64.b64decode(key, validate=True), base64.b64decode(value, validate=True))
            for topic, pairs in json.loads(path.read_bytes()).items()
            for key, value in pairs
        ]
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise Misconfigured(
            f"{path}, the copy of switches, signers and the like, cannot be read: {error}; put an older one "
            "there, or remove it: then the kill switch is engaged, and what was revoked must be revoked again"
        ) from error


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
