"""What the gateway is lent for people's acts: ClickHouse as the reader, shield, sealing key, codec.

All of it is opened when it is first needed: a gateway takes alerts also where nothing of this is there.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any

from agents.personal import find
from agents.privacy import Shield
from agents.sealing import Sealer, load_public_key
from awoooi.events import codec_of, encoded
from awoooi.record_reader import RecordReader
from awoooi.settings import Settings
from connectors.alerts.hostile_text import clean
from connectors.alerts.purify import Purifier
from connectors.gateway.act_desk import Cleaned, Known, Receipt
from schemas.codec import Codec
from schemas.envelope import Event
from schemas.errors import RegistryAway
from schemas.headers import Headers

RECORD_SECS, CODEC_SECS = 5.0, 5.0
TALK = frozenset({"question", "request"})
"""people ask each other; a model that reads their words must not be asked anything"""
INCIDENT = """
SELECT project_id, fingerprint, status
FROM v_incidents
WHERE incident_id = {incident:String} AND ({all:Bool} OR project_id IN {projects:Array(String)})
"""
DECIDED = """
SELECT run_id, toString(event_id) AS event_id
FROM incident_events FINAL
WHERE project_id = {project:String} AND incident_id = {incident:String} AND type = 'rca.decided'
ORDER BY recorded_at
"""
WRITTEN = """
SELECT topic, kafka_partition, kafka_offset
FROM events
WHERE project_id = {project:String} AND event_id = {event:UUID}
ORDER BY version DESC LIMIT 1
"""
Row = Mapping[str, Any]


class ActDesk:
    def __init__(self, settings: Settings, opened: AsyncExitStack) -> None:
        self._settings, self._opened = settings, opened
        self._record = RecordReader(settings.clickhouse.reader, opened, RECORD_SECS)
        self._codec: Codec | None = None
        self._sealer: Sealer | None = None
        self._opening = asyncio.Lock()

    # -- the record

    async def incident(self, incident_id: str, projects: Collection[str] | None) -> Known | None:
        asked = {"incident": incident_id, "all": projects is None, "projects": list(projects or ())}
        rows = await self._record.ask(INCIDENT, asked)
        return Known(incident_id, **rows[0]) if rows else None

    async def decided(self, known: Known) -> Mapping[str, str]:
        rows = await self._record.ask(DECIDED, {"project": known.project_id, "incident": known.incident_id})
        return {row["run_id"]: row["event_id"] for row in rows}

    async def written(self, known: Known, event_id: str) -> Receipt | None:
        rows = await self._record.ask(WRITTEN, {"project": known.project_id, "event": event_id})
        return Receipt(*rows[0].values()) if rows else None

    # -- people's words

    def clean(self, texts: Mapping[str, str], *, for_models: bool) -> Cleaned:
        return cleaned(texts, for_models=for_models)

    def seal(self, values: Mapping[str, str], *, project_id: str, event_id: str) -> bytes:
        if self._sealer is None:
            self._sealer = Sealer(load_public_key(self._settings.sealing.public_key_file))
        return self._sealer.seal(values, project_id=project_id, event_id=event_id)

    # -- the log

    async def encode(self, event: Event, traceparent: bytes) -> tuple[bytes, Headers]:
        return encoded(await self._encoder(), event, traceparent)

    async def _encoder(self) -> Codec:
        """A registry that is away is no reason to wait longer than the caller does."""
        async with self._opening:
            if self._codec is not None:
                return self._codec
            try:
                async with asyncio.timeout(CODEC_SECS):
                    codec, _ = await self._opened.enter_async_context(codec_of(self._settings))
            except TimeoutError as error:
                raise RegistryAway(f"no answer within {CODEC_SECS:.0f} s") from error
            self._codec = codec
            return codec


def cleaned(texts: Mapping[str, str], *, for_models: bool) -> Cleaned:
    """As an alert's texts are. Nothing of it is remembered: these are not texts that come again."""
    spare = frozenset[str]() if for_models else TALK
    purifier, shield = Purifier(find, Shield, clean=partial(clean, spare=spare)), Shield()
    patterns: set[str] = set()
    done = dict(texts)
    for name, text in texts.items():
        reading = purifier.reading(text)
        if reading is not None:
            patterns.update(reading.patterns)
            done[name] = shield.replace(reading.text, reading.findings)
    return Cleaned(done, tuple(sorted(patterns)), shield.values)


@asynccontextmanager
async def act_desk(settings: Settings) -> AsyncIterator[ActDesk]:
    async with AsyncExitStack() as opened:
        yield ActDesk(settings, opened)
