"""What was asked and what became of signatures, for a gateway's clients: one reader without a group for all.

Who asks for a verdict is told by the signature while its record is written, and by the place where that
record stands from then on: a copy of a token, over any transport, has a verdict of its own.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from aiokafka import TopicPartition

from awoooi.approval_log import REQUESTS, VERDICTS
from awoooi.events import Learn, codec_of, encoded
from awoooi.log_follower import LogFollower, OpenCodec, event_in, places_of
from awoooi.settings import Settings
from connectors.kafka.config import KafkaConfig
from schemas import ids
from schemas.approval import ApprovalRequested
from schemas.catalog import partition_of
from schemas.codec import Codec
from schemas.envelope import Event
from schemas.errors import BrokerAway
from schemas.headers import Headers
from schemas.vote import VoteVerified

MOST_ASKED = 100_000
"""approvals known by their id, the latest"""
MOST_HEARD = 64
"""verdicts of one signature that are kept while its record is being written"""


@dataclass(eq=False, slots=True)
class Ear:
    """Of one client that waits."""

    epoch: str
    heard: deque[Event] = field(default_factory=lambda: deque(maxlen=MOST_HEARD))
    more: asyncio.Event = field(default_factory=asyncio.Event)

    def hear(self, event: Event) -> None:
        self.heard.append(event)
        self.more.set()

    async def verdict(self, written: tuple[str, int, int]) -> Event:
        vote = ids.vote_id(self.epoch, *written)
        while True:
            for event in self.heard:
                if vote in (event.event_id, *event.causes):
                    return event
            self.more.clear()
            await self.more.wait()


class Follower(LogFollower):
    def __init__(self, kafka: KafkaConfig, open_codec: OpenCodec, partitions: int, epoch: str = "") -> None:
        super().__init__(kafka, open_codec, "approvals")
        self._partitions, self._epoch = partitions, epoch
        self._asked: dict[str, None] = {}
        self._ears: dict[str, list[Ear]] = defaultdict(list)

    # -- for the gateway

    async def is_asked(self, approval_id: str) -> bool:
        """No is said only of what does not stand on the log at this moment; else BrokerAway."""
        if approval_id not in self._asked:
            incident_id = approval_id.rpartition("-A")[0]
            partition = partition_of(incident_id.encode(), self._partitions)
            await self._reach(TopicPartition(REQUESTS, partition))
        return approval_id in self._asked

    @contextmanager
    def listen(self, signature: str) -> Iterator[Ear]:
        ear = Ear(self._epoch)
        self._ears[signature].append(ear)
        try:
            yield ear
        finally:
            self._ears[signature].remove(ear)
            if not self._ears[signature]:
                del self._ears[signature]

    def encode(self, event: Event) -> tuple[bytes, Headers]:
        if self._codec is None:
            raise BrokerAway("nothing was read yet: it is not known how events are written")
        return encoded(self._codec, event)

    # -- reading

    async def _begins(self, consumer: Any) -> Mapping[TopicPartition, int]:
        """Requests from the first that is left, verdicts from now on."""
        requests = places_of(REQUESTS, self._partitions)
        verdicts = [place for topic in VERDICTS for place in places_of(topic, self._partitions)]
        begins: dict[TopicPartition, int] = await consumer.beginning_offsets(requests)
        return {**begins, **await consumer.end_offsets(verdicts)}

    async def _take(self, place: TopicPartition, records: Sequence[Any], codec: Codec, learn: Learn) -> None:
        for record in records:
            if place.topic == REQUESTS or self._ears:
                self._note(await event_in(record.value, codec, learn))

    def _note(self, event: Event | None) -> None:
        if isinstance(event, ApprovalRequested):
            self._asked[event.payload.approval_id] = None
            if len(self._asked) > MOST_ASKED:
                del self._asked[next(iter(self._asked))]
        elif event is not None and not isinstance(event, VoteVerified):
            for ear in self._ears.get(getattr(event.payload, "signature", ""), ()):
                ear.hear(event)


def follower_of(settings: Settings) -> Follower:
    return Follower(settings.kafka, partial(codec_of, settings), settings.partitions, settings.log_epoch)
