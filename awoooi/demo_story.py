"""What the demo's steps share: the system they talk to, how they ask its record, how they fail."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Protocol

from awoooi import defaults
from awoooi.demo_alert import FRONTEND, NAMESPACE
from awoooi.demo_look import Look, Sighting
from awoooi.reference_data import publish
from awoooi.settings import Settings
from connectors.http import HttpClient, Reply
from connectors.kafka.producer import publishing
from schemas.approval import ApprovalRequested
from schemas.errors import AwoooiError, NotNow
from schemas.switch import SwitchSet

WAIT_SECS = 20.0
"""for each thing that must come to pass"""
SLOW_SECS = 130.0
"""for what waits on a cluster: an action may take two minutes to be seen to hold"""
MOST_SHOWN = 400
Rows = list[dict[str, Any]]
Query = Callable[[str, Mapping[str, Any]], Awaitable[Rows]]
Write = Callable[[str, bytes], Awaitable[str]]
"""a plain record onto a topic; where it stands then"""
Record = Callable[[SwitchSet], Awaitable[object]]
"""a person's act, for everyone to follow"""


class StepFailed(AwoooiError):
    """What a step saw instead of what it should have seen."""


class Sender(Protocol):
    async def post(self, url: str, content: bytes, headers: Mapping[str, str] | None = None) -> Reply: ...


@dataclass(slots=True)
class Story:
    test_id: str
    settings: Settings
    token: str
    http: Sender
    query: Query
    write: Write
    record: Record
    look: Look
    began: datetime
    target: str = FRONTEND
    namespace: str = NAMESPACE
    before: Sighting = field(default_factory=Sighting)
    """the cluster before anything was done"""
    incident_id: str = ""
    request: ApprovalRequested | None = None
    """what people are asked to sign, once they are"""
    argument: str = ""
    """what the agents said, once they have"""
    signed: bool = False
    """whether anybody signed: a running system's signers are not ours"""

    @property
    def has_cluster(self) -> bool:
        """One with the demo's story in it; a running system has whatever it has."""
        return self.look is not nothing

    @property
    def reason(self) -> str:
        """Of what its people set: it stands in the record."""
        return f"the demo {self.test_id}"

    @property
    def gateway(self) -> str:
        return f"http://{self.settings.gateway.host}:{self.settings.gateway.port}"

    async def until(
        self, what: str, sql: str, good: Callable[[Rows], bool], *, is_slow: bool = False, **params: object
    ) -> Rows:
        """Asked again until the rows are good; StepFailed says what there was instead."""
        about = {"target": self.target, "incident": self.incident_id, **params}
        within = SLOW_SECS if is_slow else WAIT_SECS
        deadline = time.monotonic() + within
        rows: Rows = []
        while time.monotonic() < deadline:
            with contextlib.suppress(NotNow):
                rows = await self.query(sql, about)
                if good(rows):
                    return rows
            await asyncio.sleep(0.1)
        raise StepFailed(f"expected {what} within {within:.0f} s, the record has {_short(rows)}")


def expect(what: str, wanted: object, seen: object) -> None:
    if wanted != seen:
        raise StepFailed(f"{what}: expected {wanted}, seen {seen}")


def _short(rows: Rows) -> str:
    text = str(rows) if rows else "nothing of it"
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]} …"


async def nothing() -> Sighting:
    """Of a cluster that is not ours to look at."""
    return Sighting()


@asynccontextmanager
async def story_of(
    settings: Settings, test_id: str, target: str = FRONTEND, namespace: str = NAMESPACE, look: Look = nothing
) -> AsyncIterator[Story]:
    """Connected to a system that is ready."""
    from sinks.clickhouse.client import connected

    token = (settings.state_dir / defaults.TOKEN).read_text().strip()
    began = datetime.now(UTC) - timedelta(minutes=5)
    async with (
        HttpClient() as http,
        connected(settings.clickhouse.reader()) as record,
        publishing(settings.kafka) as publisher,
    ):

        async def write(topic: str, value: bytes) -> str:
            receipt = await publisher.send(topic, test_id.encode(), value)
            return f"{receipt.topic} partition {receipt.partition} offset {receipt.offset}"

        acts = partial(publish, settings)
        yield Story(test_id, settings, token, http, record.ask, write, acts, look, began, target, namespace)
