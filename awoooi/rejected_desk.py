"""What the gateway is lent for rejected records: the record tells of them, the log still holds them whole."""

# ruff: noqa: S608 (our own text; every value is a parameter)

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError, OffsetOutOfRangeError, UnknownTopicOrPartitionError

from awoooi import replay
from awoooi.events import encoded, there
from awoooi.log_reading import started
from awoooi.settings import Settings
from connectors.gateway.act_desk import Receipt
from connectors.gateway.acting import STAGE
from connectors.gateway.rejected import (
    PAGE_SIZE,
    CannotReplay,
    Original,
    Projects,
    Reason,
    RejectedPage,
    RejectedRecord,
    Which,
)
from schemas.alert import AlertRejected
from schemas.codec import Codec
from schemas.envelope import Event, from_millis
from schemas.errors import BrokerAway, Never
from schemas.headers import Headers

log = structlog.get_logger(__name__)

READ_SECS = 5.0
GONE = "the log holds it no more"
Row = Mapping[str, Any]
Ask = Callable[[str, Mapping[str, Any]], Awaitable[Sequence[Row]]]

_WHOSE = "({all:Bool} OR project_id IN {projects:Array(String)})"
_TOLD = """
SELECT toString(event_id) AS id, project_id, type, source, stage, reason, detail, topic, kafka_partition,
       kafka_offset, size, recorded_at
FROM v_rejected
"""
_LISTED = f"""
{_TOLD}
WHERE {_WHOSE} AND ({{reason:String}} = '' OR reason = {{reason:String}})
ORDER BY recorded_at DESC, id
LIMIT {{limit:UInt32}} OFFSET {{offset:UInt32}}
"""
_ONE = f"""
{_TOLD}
WHERE {_WHOSE} AND event_id = toUUIDOrZero({{id:String}})
"""
_REASONS = f"""
SELECT reason, count() AS count FROM v_rejected WHERE {_WHOSE}
GROUP BY reason ORDER BY count DESC, reason
"""
# Without FINAL: a repeat says the same, and the whole log is not merged for one page.
_REPLAYED = f"""
SELECT JSONExtractString(payload, 'rejected') AS id, actor, recorded_at
FROM events
WHERE {_WHOSE} AND type = 'alert.replayed' AND id IN {{ids:Array(String)}}
ORDER BY recorded_at
"""
_PLACE = """
SELECT topic, kafka_partition, kafka_offset FROM events
WHERE project_id = {project:String} AND event_id = {id:UUID}
ORDER BY version DESC LIMIT 1
"""


class RejectedRecords:
    """The gateway's RejectedDesk. `codec` is None until it is there."""

    def __init__(self, settings: Settings, ask: Ask, codec: Callable[[], Codec | None]) -> None:
        self._settings, self._ask, self._given = settings, ask, codec

    # -- what the record tells

    async def rejected(self, which: Which, projects: Projects) -> RejectedPage:
        place = {"limit": PAGE_SIZE, "offset": (which.page - 1) * PAGE_SIZE}
        asked = {**_whose(projects), **place, "reason": which.reason}
        rows, reasons = await asyncio.gather(self._ask(_LISTED, asked), self._ask(_REASONS, _whose(projects)))
        told = {row["reason"]: row["count"] for row in reasons}
        return RejectedPage(
            items=await self._with_replays(rows, projects),
            page=which.page,
            page_size=PAGE_SIZE,
            total=told.get(which.reason, 0) if which.reason else sum(told.values()),
            reasons=tuple(Reason(reason=reason, count=count) for reason, count in told.items()),
        )

    async def one(self, event_id: str, projects: Projects) -> RejectedRecord | None:
        asked = {**_whose(projects), "id": event_id}
        found = await self._with_replays(await self._ask(_ONE, asked), projects)
        return found[0] if found else None

    async def _with_replays(self, rows: Sequence[Row], projects: Projects) -> tuple[RejectedRecord, ...]:
        if not rows:
            return ()
        asked = {**_whose(projects), "ids": [row["id"] for row in rows]}
        sent = {row["id"]: row for row in await self._ask(_REPLAYED, asked)}
        return tuple(_shown(row, sent.get(row["id"])) for row in rows)

    # -- another try

    async def original(self, record: RejectedRecord) -> Original:
        event = await self._event(record)
        if why := replay.unsendable(self._settings, event):
            raise CannotReplay(why)
        payload = event.payload
        assert payload.original is not None  # else it cannot be sent
        headers = replay.proof_headers(self._settings, event)
        return Original(event, payload.topic, payload.original_key or b"", payload.original, headers)

    async def note(self, sent: Original) -> None:
        try:
            await asyncio.to_thread(self._note, sent.rejected.event_id)
        except OSError as error:
            log.warning("replay_not_noted", rejected=sent.rejected.event_id, error=str(error))

    def _note(self, event_id: str) -> None:
        replay.Done(self._settings.state_dir / replay.DONE).add(event_id)

    def replayed(self, sent: Original, lies: Receipt, person: str, now_ms: int) -> Event:
        return replay.replayed(sent.rejected, lies, person, from_millis(now_ms), STAGE)

    def encode(self, event: Event, traceparent: bytes) -> tuple[bytes, Headers]:
        return encoded(self._codec, event, traceparent)

    async def _event(self, record: RejectedRecord) -> AlertRejected:
        """From the log, where it lies whole: the record has it without its bytes."""
        rows = await self._ask(_PLACE, {"project": record.project_id, "id": record.event_id})
        if not rows:
            raise CannotReplay("the record does not tell where it lies")
        value = await _value_at(self._settings, *rows[0].values())
        try:
            event = self._codec.decode(value)
        except Never as never:
            raise CannotReplay(f"{GONE}: something else stands in its place") from never
        if not isinstance(event, AlertRejected) or event.event_id != record.event_id:
            raise CannotReplay(f"{GONE}: something else stands in its place")
        return event

    @property
    def _codec(self) -> Codec:
        return there(self._given())


def _whose(projects: Projects) -> dict[str, Any]:
    return {"all": projects is None, "projects": list(projects or ())}


def _shown(row: Row, sent: Row | None) -> RejectedRecord:
    return RejectedRecord(
        event_id=row["id"],
        project_id=row["project_id"],
        type=row["type"],
        source=row["source"],
        stage=row["stage"],
        reason=row["reason"],
        detail=row["detail"],
        topic=row["topic"],
        partition=row["kafka_partition"],
        offset=row["kafka_offset"],
        size=row["size"],
        at=row["recorded_at"].replace(tzinfo=UTC),
        replayable=row["type"] == AlertRejected.type_name() and row["size"] > 0,
        replayed_at=sent["recorded_at"].replace(tzinfo=UTC) if sent else None,
        replayed_by=sent["actor"] if sent else "",
    )


async def _value_at(settings: Settings, topic: str, partition: int, offset: int) -> bytes | None:
    """One record. CannotReplay where the log holds it no more."""
    options = {**settings.kafka.client_options(), "enable_auto_commit": False}
    consumer = AIOKafkaConsumer(**options, auto_offset_reset="none")
    place = TopicPartition(topic, partition)
    try:
        await started(consumer, settings.kafka.bootstrap_servers)
        consumer.assign([place])
        consumer.seek(place, offset)
        async with asyncio.timeout(READ_SECS):
            record = await consumer.getone(place)
    except TimeoutError as late:
        end = consumer.highwater(place)
        if end is not None and end <= offset:
            raise CannotReplay(GONE) from late
        raise BrokerAway(f"Kafka does not give the record within {READ_SECS:.0f} s") from late
    except (OffsetOutOfRangeError, UnknownTopicOrPartitionError) as gone:
        raise CannotReplay(GONE) from gone
    except KafkaError as error:
        raise BrokerAway(f"Kafka at {settings.kafka.bootstrap_servers}: {error}") from error
    finally:
        await consumer.stop()
    return record.value if record.offset == offset else None
