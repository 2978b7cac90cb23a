"""Whoever may do everything to ClickHouse is found out; nothing else is."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from sinks.clickhouse.breaks import Report
from sinks.clickhouse.chain import Link, entries_of, extend
from sinks.clickhouse.client import Client, connected
from sinks.clickhouse.migrate import migrate
from sinks.clickhouse.rows import EventRow, SetAside
from tests.sinks.clickhouse.audited import hits, opened, poison, tip_of
from tests.sinks.clickhouse.tampering import CASES, Stored
from tests.sinks.clickhouse_peer import ClickHousePeer

UNTOUCHED = len(CASES)
"""a partition that nobody tampers with"""


@pytest.fixture(scope="module")
def report(empty_store: ClickHousePeer, tmp_path_factory: pytest.TempPathFactory) -> Report:
    """Of all cases side by side, as the record looks when it was tampered with."""

    async def tamper() -> Report:
        async with connected(empty_store.config()) as client:
            await migrate(client)
            record = await opened(client, empty_store.config(), tmp_path_factory.mktemp("audit"))
            parts = [stored_in(partition) for partition in range(len(CASES) + 1)]
            await record.pins.pin({part.links[-1].place: tip_of(part.links[-1]) for part in parts})
            for part, case in zip(parts, CASES.values(), strict=False):
                case.tamper(part)
            await put(client, parts)
            found = await record.verify()
            await record.writer.close()
            return found

    return asyncio.run(tamper())


def stored_in(partition: int) -> Stored:
    rows = hits(30, partition)
    rows.append(rows[3]._replace(kafka_offset=30))
    aside = [poison(31, partition)]
    links, _ = extend({}, entries_of(rows, aside))
    return Stored(rows, aside, links)


async def put(client: Client, parts: Sequence[Stored]) -> None:
    """Nothing of it by the sink's own writer, which would not do such things."""
    rows = [row for part in parts for row in part.rows]
    columns = {
        name: list(values) for name, values in zip(EventRow._fields, zip(*rows, strict=True), strict=True)
    }
    columns["version"] = [
        part.versions.get(index, -row.kafka_offset) for part in parts for index, row in enumerate(part.rows)
    ]
    await client.insert_columns("events", columns)
    await client.insert("set_aside", [item for part in parts for item in part.aside], SetAside._fields)
    await client.insert("audit_chain", [link for part in parts for link in part.links], Link._fields)


def test_what_nobody_touched_is_proven(report: Report) -> None:
    assert [one for one in report.breaks if one.place.partition == UNTOUCHED] == []
    assert (report.unproven, report.pins) == ([], UNTOUCHED + 1)


@pytest.mark.parametrize("name", CASES)
def test_tampering_is_found_and_named(report: Report, name: str) -> None:
    case, partition = CASES[name], list(CASES).index(name)
    told = [one for one in report.breaks if one.place.partition == partition]
    assert told, "nothing was found"
    assert (told[0].kind, told[0].offset) == (case.kind, case.offset), list(map(str, told))
