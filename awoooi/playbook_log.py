"""The playbooks that a worker goes by, told to the record when it starts: on the topic `policies`."""

from __future__ import annotations

from collections.abc import Iterator

import structlog

from agents.playbooks.book import Book
from agents.playbooks.revisions import revisions
from awoooi.reference_data import now, send
from awoooi.running import until_there
from connectors.kafka.config import KafkaConfig
from connectors.kafka.producer import publishing
from schemas.codec import Codec
from schemas.errors import Never
from schemas.policy import PlaybookRevised
from streams.policy.in_force import TOPIC
from streams.reference import Reference

log = structlog.get_logger(__name__)


async def tell_playbooks(kafka: KafkaConfig, book: Book, codec: Codec, reference: Reference) -> None:
    """Once the reference data is read. What cannot be told holds up no incident: it is said in the log."""
    latest = {event.payload.name: event for event in _told(codec, reference)}
    events = list(revisions(book, latest, now()))
    if not events:
        return

    async def tell() -> None:
        async with publishing(kafka) as publisher:
            for event in events:  # a batch each: of a larger one the embedded broker tells a wrong end
                await send(publisher, codec, event)

    try:
        await until_there("broker", tell)
        log.info("playbooks_told", revised=len(events))
    except Never as error:
        log.warning("playbooks_not_told", why=str(error))


def _told(codec: Codec, reference: Reference) -> Iterator[PlaybookRevised]:
    for key, value in reference.values(TOPIC).items():
        try:
            event = codec.decode(value)
        except Never:  # it is told anew
            continue
        if isinstance(event, PlaybookRevised) and event.payload.subject.encode() == key:
            yield event
