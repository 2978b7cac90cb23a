"""Reading and writing the small compacted topics from the command line."""

from __future__ import annotations

import asyncio
import getpass
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

from awoooi.events import codec_of, encoded
from awoooi.printing import warn
from awoooi.processes import reference_copy
from awoooi.settings import Settings
from connectors.kafka.producer import Publisher, publishing
from schemas.catalog import key_of, topic_of
from schemas.codec import Codec
from schemas.envelope import Event, from_millis
from schemas.errors import BrokerAway
from streams.reference import REFERENCE_TOPICS, Reference, kept_in

READ_SECS, KEPT_SECS = 15.0, 5.0
STAGE = "cli"


async def publish(settings: Settings, *events: Event) -> None:
    """Durable when it returns, in this order."""
    written = list[tuple[str, bytes, bytes]]()
    async with codec_of(settings) as (codec, _), publishing(settings.kafka) as publisher:
        for event in events:
            written.append(await send(publisher, codec, event))
    if settings.embedded:
        await _until_kept(reference_copy(settings), written)


async def send(publisher: Publisher, codec: Codec, event: Event) -> tuple[str, bytes, bytes]:
    """Durable when it returns: its topic, key and value."""
    topic, key = topic_of(type(event)).name, key_of(event)
    value, headers = encoded(codec, event)
    await publisher.send(topic, key, value, headers)
    return topic, key, value


async def _until_kept(copy: Path, written: Iterable[tuple[str, bytes, bytes]]) -> None:
    """The embedded broker forgets: what a person switched or revoked must outlive it."""
    lasting = {(topic, key): value for topic, key, value in written if topic in REFERENCE_TOPICS}
    deadline = time.monotonic() + KEPT_SECS
    while any(kept_in(copy, *place) != value for place, value in lasting.items()):
        if time.monotonic() > deadline:
            warn("It holds, but no running worker has kept a copy of it: the next start would not know it.")
            return
        await asyncio.sleep(0.05)


@asynccontextmanager
async def reading(settings: Settings, *topics: str) -> AsyncIterator[Reference]:
    """A view that was read to its end."""
    reference = Reference(settings.kafka, topics=topics)
    await reference.start()
    try:
        await asyncio.wait_for(reference.ready.wait(), READ_SECS)
        yield reference
    except TimeoutError as error:
        raise BrokerAway(f"{', '.join(topics)} could not be read within {READ_SECS:.0f} s") from error
    finally:
        await reference.stop()


def now() -> datetime:
    return from_millis(time.time_ns() // 1_000_000)


def person() -> str:
    """Who sits at the command line, for the record."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container without a user of that number
        return ""
