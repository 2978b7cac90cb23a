"""Which incidents' alerts go on and off, as SQL tells it."""

from __future__ import annotations

from datetime import UTC
from typing import Any

from connectors.gateway.reading import IncidentFilter
from sinks.clickhouse.client import Client
from sinks.clickhouse.incident_list import incidents
from sinks.clickhouse.queries import NAMED
from tests.sinks.clickhouse.events import COLUMNS, event, iso, moment, values

ONE, OTHER = "INC-20261121-ONE0000000", "INC-20261121-OTHER00000"


def flap(incident: str, offset: int, state: str, changes: int) -> dict[str, Any]:
    payload = {"state": state, "changes": changes, "began_at": iso(1)}
    return event(f"{incident} {offset}", "incident.flapping", offset, payload, incident_id=incident)


async def test_the_latest_word_counts_and_said_twice_it_is_one(clickhouse: Client) -> None:
    rows = [flap(ONE, 1, "began", 7), flap(ONE, 3, "settled", 9), flap(OTHER, 2, "continues", 8)]
    await clickhouse.insert("events", values([*rows, rows[0] | {"kafka_offset": 7}]), COLUMNS)
    found = await clickhouse.ask("SELECT * FROM v_flapping ORDER BY incident_id")
    assert [(row["incident_id"], row["flapping"], row["changes"]) for row in found] == [
        (ONE, False, 9),
        (OTHER, True, 8),
    ]
    assert found[0]["since"].replace(tzinfo=UTC) == moment(1)
    assert found[0]["changed_at"].replace(tzinfo=UTC) == moment(3)


async def test_the_list_of_incidents_shows_it(clickhouse: Client) -> None:
    seen = {"alert_type": "DiskFull", "severity": "warning", "fingerprint": "f" * 16, "opened_at": iso(0)}
    opened = [event(name, "incident.opened", 0, seen, incident_id=name) for name in (ONE, OTHER)]
    rows = [*opened, flap(ONE, 1, "began", 7), flap(ONE, 3, "settled", 9), flap(OTHER, 2, "began", 7)]
    await clickhouse.insert("events", values(rows), COLUMNS)
    page = await incidents(clickhouse.ask, IncidentFilter(), ("shop",))
    assert {item.incident_id: item.flapping for item in page.items} == {ONE: False, OTHER: True}
    rows = await clickhouse.ask(NAMED["flapping"].sql, {"project": ""})
    assert [(row["incident_id"], row["flapping"], row["changes"]) for row in rows] == [
        (OTHER, True, 7),
        (ONE, False, 9),
    ]
