"""Whoever may do everything to ClickHouse is found out; nothing else is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sinks.clickhouse.breaks import Kind
from sinks.clickhouse.client import Client
from tests.sinks.clickhouse.audited import INCIDENTS, Record, alerts, hits, opened
from tests.sinks.clickhouse_peer import ClickHousePeer


@pytest.fixture
async def record(store: ClickHousePeer, clickhouse: Client, tmp_path: Path) -> AsyncIterator[Record]:
    made = await opened(clickhouse, store.config(), tmp_path)
    yield made
    await made.writer.close()


@pytest.fixture
async def pinned(record: Record) -> Record:
    await record.store([*alerts(40), *hits(30)])
    await record.pin()
    return record


async def test_what_nobody_touched_is_proven(pinned: Record) -> None:
    report = await pinned.verify()
    assert (report.breaks, report.unproven, report.unpinned) == ([], [], 0)
    assert (report.events, report.links, report.partitions, report.pins) == (70, 70, 2, 2)


EVENT = "topic = 'incidents' AND kafka_offset = 7"
TAMPERED = {
    "a payload": (
        [f"ALTER TABLE events UPDATE payload = replace(payload, 'warning', 'info') WHERE {EVENT}"],
        (Kind.CHANGED, INCIDENTS, 7),
    ),
}


@pytest.mark.parametrize(("statements", "wanted"), TAMPERED.values(), ids=TAMPERED.keys())
async def test_tampering_is_found_and_named(
    pinned: Record, statements: list[str], wanted: tuple[Kind, str, int]
) -> None:
    await pinned.run(*statements)
    report = await pinned.verify()
    first = report.breaks[0]
    assert (first.kind, first.place.topic, first.offset) == wanted, report.breaks
