"""A small record with its chains and pins, stored by the sink's own parts; and ways to tamper with it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from prometheus_client import CollectorRegistry

from schemas.codec import Codec
from schemas.envelope import Event, to_millis
from schemas.errors import Unreadable
from sinks.clickhouse import heads_file
from sinks.clickhouse.audit import verify
from sinks.clickhouse.breaks import Report, Scope
from sinks.clickhouse.chain import ChainPlace, Link, Tip, entries_of, extend
from sinks.clickhouse.client import Client
from sinks.clickhouse.config import ClickHouseConfig
from sinks.clickhouse.linking import Linker, Span
from sinks.clickhouse.rows import EventRow, SetAside, row_of, set_aside
from sinks.clickhouse.signing import Keys, Signer
from sinks.clickhouse.writer import Writer, WriterConfig
from sinks.pinning import KEPT_DAYS, Announce, PinConfig, Pins
from tests.sinks.samples import hit, normalized

CODEC = Codec()
QUICK = WriterConfig(first_wait_secs=0.02, longest_wait_secs=0.1)
ALERTS, INCIDENTS = "alerts.normalized", "incidents"
WHOLE = Scope()
KEY = Ed25519PrivateKey.from_private_bytes(b"of a test, and of its processes.")
SIGNER = Signer(KEY)
KEYS: Keys = {SIGNER.key_id: KEY.public_key()}


def row(event: Event, offset: int, topic: str = ALERTS, partition: int = 0, epoch: str = "") -> EventRow:
    return row_of(CODEC, epoch, topic, partition, offset, CODEC.encode(event))


def alerts(count: int, start: int = 0, partition: int = 0, epoch: str = "") -> list[EventRow]:
    return [row(normalized(n), n, partition=partition, epoch=epoch) for n in range(start, start + count)]


def hits(count: int, partition: int = 1) -> list[EventRow]:
    incident = f"INC-20260101-{partition:010}"
    return [row(hit(n + 1, incident), n, INCIDENTS, partition) for n in range(count)]


def tip_of(link: Link) -> Tip:
    return Tip(link.kafka_offset, link.number, link.link)


def poison(offset: int, partition: int = 1) -> SetAside:
    return unreadable(INCIDENTS, offset, partition)


def unreadable(topic: str, offset: int, partition: int = 0) -> SetAside:
    """What nobody can read."""
    at = to_millis(now())
    record = SimpleNamespace(timestamp=at, value=b"poison")
    return set_aside("", topic, partition, offset, Unreadable("not at all"), at, record)


def now() -> datetime:
    return datetime.now(UTC)


def pins_in(
    heads: Path, registry: CollectorRegistry, announce: Announce | None = None, **more: float
) -> Pins:
    return Pins(PinConfig(heads_file=heads, **more), SIGNER, KEYS, registry, announce)


@dataclass
class Record:
    """Over a real ClickHouse; `linker` is a sink's."""

    client: Client
    writer: Writer
    folder: Path
    pins: Pins = field(init=False)
    linker: Linker = field(init=False)

    def __post_init__(self) -> None:
        self.pins = pins_in(self.heads, CollectorRegistry())
        self.pins.open_file()
        self.restart()

    @property
    def heads(self) -> Path:
        return self.folder / "heads.jsonl"

    def restart(self) -> None:
        """Another sink goes on: it knows nothing but what is stored and pinned."""
        self.linker = Linker(self.writer, "", self.pins)

    async def store(self, rows: Iterable[EventRow], aside: Iterable[SetAside] = ()) -> None:
        fresh, unread = await self.linker.fresh(list(rows), list(aside))
        told = await self.writer.write(fresh, unread)
        await self.linker.link(fresh, told)

    async def take_over(self, end: int, *places: ChainPlace, position: int = 0) -> None:
        await self.linker.take_over({place: Span(position, end) for place in places})

    async def forge(self, *rows: EventRow) -> None:
        """With a chain of their own that fits in itself."""
        await self.writer.write(rows, [])
        await self.writer.link(extend({}, entries_of(rows, []))[0])

    async def pin(self) -> None:
        await self.pins.pin(self.linker.tips)

    async def verify(self, scope: Scope = WHOLE) -> Report:
        return await verify(self.client, heads_file.read(self.heads, KEYS).pins, KEYS, scope, KEPT_DAYS)

    async def run(self, *statements: str) -> None:
        """As somebody who may do everything to ClickHouse."""
        for statement in statements:
            await self.client.command(
                f"{statement} SETTINGS mutations_sync = 1" if _mutates(statement) else statement
            )


@dataclass
class Topic:
    """Of one test: its name, and rows that nobody else has."""

    record: Record
    name: str

    def place(self, partition: int = 0, epoch: str = "") -> ChainPlace:
        return ChainPlace(epoch, self.name, partition)

    def rows(self, *offsets: int, partition: int = 0, epoch: str = "", **facts: object) -> list[EventRow]:
        return [row(hit(n + 1, f"INC-{self.name}", **facts), n, self.name, partition, epoch) for n in offsets]

    async def report(self, **scope: object) -> Report:
        return await self.record.verify(Scope(topic=self.name, **scope))  # type: ignore[arg-type]

    async def is_proven(self) -> Report:
        found = await self.report()
        assert (list(map(str, found.breaks)), found.unproven) == ([], [])
        return found


def _mutates(statement: str) -> bool:
    return " UPDATE " in statement or " DELETE " in statement


async def opened(client: Client, config: ClickHouseConfig, folder: Path) -> Record:
    writer = Writer(config, QUICK)
    await writer.open()
    return Record(client, writer, folder)
