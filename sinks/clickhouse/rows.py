"""A record of the log as a row of `events`: pure, and quick, since every event passes here.

**The hash** is SHA-256 over what must never change and can be read back from the row itself: a JSON array
of event_id, type, schema_version, project_id, incident_id, run_id, occurred_at and recorded_at (both in
milliseconds), stage, actor, causes and has_sealed, followed by the payload as it is stored. The place in
the log is no part of it, so that a repeat at a later offset has the hash of the first; nor is the trace,
which is a record's and not the event's.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any, NamedTuple, Protocol, TypeAlias, get_args

import orjson

from schemas.codec import Codec
from schemas.envelope import Event, to_millis
from schemas.errors import BadPayload, Never, Unreadable
from schemas.headers import trace_of

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = datetime(2100, 1, 1, tzinfo=UTC)  # ClickHouse counts the TTL in 32 bits of seconds
LONGEST_REASON = 500

Headers: TypeAlias = Iterable[tuple[str, bytes]]
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class EventRow(NamedTuple):
    """One row of `events`; times are milliseconds since 1970, as ClickHouse keeps them."""

    project_id: str
    event_id: str
    type: str
    schema_version: int
    stage: str
    actor: str
    incident_id: str
    run_id: str
    occurred_at: int
    recorded_at: int
    causes: Sequence[str]
    has_sealed: bool
    log_epoch: str
    topic: str
    kafka_partition: int
    kafka_offset: int
    payload: bytes
    hash: str
    trace_id: str = ""


class Raw(Protocol):
    """A record as Kafka has it."""

    @property
    def timestamp(self) -> int: ...

    @property
    def value(self) -> bytes | None: ...


class SetAside(NamedTuple):
    """One row of `set_aside`: a record that is not in `events`, by its place in the log."""

    log_epoch: str
    topic: str
    kafka_partition: int
    kafka_offset: int
    project_id: str
    event_id: str
    reason: str
    at: int
    recorded_at: int
    sha256: str


def row_of(
    codec: Codec,
    epoch: str,
    topic: str,
    partition: int,
    offset: int,
    value: bytes | None,
    headers: Headers = (),
) -> EventRow:
    """Raises Unreadable (UnknownSchema among it) or BadPayload."""
    event, plain = codec.read(value)
    causes = plain["causes"]
    for event_id in (plain["event_id"], *causes):
        if not _UUID.fullmatch(event_id):  # the driver would make another UUID of it
            raise BadPayload("is no UUID", field="event_id or causes")
    occurred_at, recorded_at = _millis(plain, "occurred_at"), _millis(plain, "recorded_at")
    row = EventRow(
        plain["project_id"],
        plain["event_id"],
        plain["type"],
        plain["schema_version"],
        plain["stage"],
        plain["actor"],
        plain["incident_id"],
        plain["run_id"],
        occurred_at,
        recorded_at,
        causes,
        plain["sealed"] is not None,
        epoch,
        topic,
        partition,
        offset,
        _payload(event, plain["payload"]),
        "",
    )
    return EventRow(*row[:17], hash_of(row), trace_of(headers, "").decode())


def hash_of(row: EventRow) -> str:
    """Over the event itself; see the head of this file."""
    facts = orjson.dumps(
        (
            row.event_id,
            row.type,
            row.schema_version,
            row.project_id,
            row.incident_id,
            row.run_id,
            row.occurred_at,
            row.recorded_at,
            row.stage,
            row.actor,
            row.causes,
            row.has_sealed,
        )
    )
    return hashlib.sha256(facts + row.payload).hexdigest()


def set_aside(
    epoch: str, topic: str, partition: int, offset: int, error: Never, at: int, record: Raw
) -> SetAside:
    """What is no event."""
    recorded_at = min(max(0, record.timestamp), to_millis(LATEST) - 1)
    digest = hashlib.sha256(record.value or b"").hexdigest()
    return SetAside(epoch, topic, partition, offset, "", "", _why(error), at, recorded_at, digest)


def refused(row: EventRow, error: Never, at: int) -> SetAside:
    """An event that ClickHouse does not take."""
    place = (row.log_epoch, row.topic, row.kafka_partition, row.kafka_offset)
    return SetAside(*place, row.project_id, row.event_id, _why(error), at, row.recorded_at, row.hash)


def _why(error: Never) -> str:
    return f"{error.reason}: {error}"[:LONGEST_REASON]


def _millis(plain: dict[str, Any], field: str) -> int:
    moment: datetime = plain[field]
    if not EARLIEST <= moment < LATEST:
        raise BadPayload(f"{moment:%Y-%m-%d} is not between 1970 and 2100", field=field)
    return round(moment.timestamp() * 1000)


def _payload(event: type[Event], payload: dict[str, Any]) -> bytes:
    hidden = _bytes_fields(event)
    if hidden:  # the original of a dead letter, and its key
        payload = {name: value for name, value in payload.items() if name not in hidden}
    try:
        text = orjson.dumps(payload, _text, orjson.OPT_PASSTHROUGH_DATETIME)
    except orjson.JSONEncodeError as error:
        raise Unreadable(
            f"{event.type_name()}: its payload is no JSON: {type(error.__cause__).__name__}"
        ) from None
    return bytes(memoryview(text))  # a copy: orjson's own bytes keep up to seven times their length


def _text(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
    raise TypeError(type(value).__name__)


@cache
def _bytes_fields(event: type[Event]) -> frozenset[str]:
    """What never leaves the log."""
    payload = event.model_fields["payload"].annotation
    fields = getattr(payload, "model_fields", {})
    return frozenset(
        name
        for name, field in fields.items()
        if field.annotation is bytes or bytes in get_args(field.annotation)
    )
