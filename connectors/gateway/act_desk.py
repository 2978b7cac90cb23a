"""What the gateway is lent for people's acts: the record, the shield, the codec. Filled in by awoooi."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from connectors.gateway.webhooks import Publish
from schemas.catalog import key_of, topic_of
from schemas.envelope import Event
from schemas.headers import Headers

INCIDENT_ID = re.compile(r"INC-([0-9]{8})-[A-Z0-9]{10}")
LIKE = "one looks like INC-20260301-0A1B2C3D4E"


class Receipt(NamedTuple):
    """Where a record stands in the log."""

    topic: str
    partition: int
    offset: int


async def written(publish: Publish, event: Event, encoded: tuple[bytes, Headers]) -> Receipt:
    """On the event's own topic, durable when this returns."""
    return Receipt(*await publish(topic_of(type(event)).name, key_of(event), *encoded))


@dataclass(frozen=True, slots=True)
class Known:
    """What the record has of an incident."""

    incident_id: str
    project_id: str
    fingerprint: str
    status: str


@dataclass(frozen=True, slots=True)
class Cleaned:
    """What may be recorded of people's words, and what the labels in them stand for, to be sealed."""

    texts: Mapping[str, str]
    patterns: tuple[str, ...] = ()
    values: Mapping[str, str] = field(default_factory=dict, repr=False)


class Desk(Protocol):
    """Raises NotNow while a part of it is away."""

    async def incident(self, incident_id: str, projects: Collection[str] | None) -> Known | None:
        """As it was recorded. One of other projects is none; `None` looks in all."""
        ...

    async def decided(self, known: Known) -> Mapping[str, str]:
        """Its runs that have come to a decision, in their order: run id → the event that says so."""
        ...

    async def written(self, known: Known, event_id: str) -> Receipt | None:
        """Where this event lies, once it is recorded."""
        ...

    def clean(self, texts: Mapping[str, str], *, for_models: bool) -> Cleaned: ...

    def seal(self, values: Mapping[str, str], *, project_id: str, event_id: str) -> bytes:
        """Misconfigured where there is no key to seal to."""
        ...

    async def encode(self, event: Event, traceparent: bytes) -> tuple[bytes, Headers]: ...
