"""The log into the ring that live listeners share: what happened in the last minutes, and from then on."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from aiokafka import TopicPartition

from awoooi.events import Learn, codec_of
from awoooi.log_follower import LogFollower, OpenCodec, event_in, places_of
from awoooi.settings import Settings
from connectors.gateway.live_ring import Ring
from connectors.gateway.live_told import FOLLOWED, message
from connectors.kafka.config import KafkaConfig
from schemas.codec import Codec
from schemas.envelope import Event
from schemas.incident import IncidentHit

BACK_SECS = 300.0
"""so far back a gateway reads when it starts: for listeners of another one, or of the one before it"""
MOST_BACK = 1000
"""records of one partition"""


class LiveFollower(LogFollower):
    def __init__(self, kafka: KafkaConfig, open_codec: OpenCodec, ring: Ring) -> None:
        super().__init__(kafka, open_codec, "live", self._stand)
        self._ring = ring
        self._ends: Mapping[TopicPartition, int] | None = None
        """what was there when we came; None before we have come"""

    def _stand(self, is_away: bool) -> None:
        ends = self._ends
        ready = ends is not None and all(self._next[place] >= end for place, end in ends.items())
        self._ring.stands(is_away=is_away, is_ready=self._ring.is_ready or ready)

    async def _begins(self, consumer: Any) -> Mapping[TopicPartition, int]:
        places = [place for topic, count in self._ring.topics.items() for place in places_of(topic, count)]
        if self._ends is not None:
            return self._next
        first, ends = await consumer.beginning_offsets(places), await consumer.end_offsets(places)
        since = int((time.time() - BACK_SECS) * 1000)
        found = await consumer.offsets_for_times(dict.fromkeys(places, since))
        begins = {
            place: max(first[place], end - MOST_BACK, found[place].offset if found.get(place) else end)
            for place, end in ends.items()
        }
        self._ring.begin({(place.topic, place.partition): offset for place, offset in begins.items()})
        self._ends = ends
        return begins

    async def _take(self, place: TopicPartition, records: Sequence[Any], codec: Codec, learn: Learn) -> None:
        events = [await event_in(record.value, codec, learn) for record in records]
        at = (place.topic, place.partition)
        latest = {event.incident_id: event for event in events if isinstance(event, IncidentHit)}
        for record, event in zip(records, events, strict=True):
            told = message(event) if event is not None and _is_latest(event, latest) else None
            if event is None or told is None:
                self._ring.passed(at, record.offset)
            else:
                self._ring.put(at, record.offset, told[0], event.event_id, told[1])
        self._ring.tell()


def _is_latest(event: Event, latest: Mapping[str, Event]) -> bool:
    """Hits are cumulative: of those that are read together the last says it all."""
    return not isinstance(event, IncidentHit) or latest[event.incident_id] is event


def ring_of(settings: Settings) -> Ring:
    topics = {name: settings.partitions if keyed else 1 for name, keyed in FOLLOWED.items()}
    return Ring(topics, settings.log_epoch)


@asynccontextmanager
async def live_ring(settings: Settings) -> AsyncIterator[Ring]:
    """A ring that is filled for the length of a block."""
    ring = ring_of(settings)
    async with LiveFollower(settings.kafka, partial(codec_of, settings), ring):
        yield ring
