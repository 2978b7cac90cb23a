"""Silences as they stand, and what they keep quiet, as an analyst asks for them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.gateway.reading import IncidentFilter
from sinks.clickhouse.approval_list import CardFacts
from sinks.clickhouse.client import Client
from sinks.clickhouse.incident_detail import incident
from sinks.clickhouse.incident_list import incidents
from tests.sinks.clickhouse.events import event
from tests.sinks.clickhouse.test_schema import write

INCIDENT = "INC-20261121-AAAAAAAAAA"
NOW = datetime.now(UTC)


def at(minutes: float) -> str:
    return (NOW + timedelta(minutes=minutes)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def silence(offset: int, name: str, starts: float, ends: float | None, **more: Any) -> dict[str, Any]:
    payload = {
        "id": name,
        "kind": "silence",
        "matchers": [{"name": "namespace", "value": "shop"}],
        "by": "dana",
    }
    times = {"starts_at": at(starts), "ends_at": None if ends is None else at(ends), "updated_at": at(starts)}
    return event(f"{name}{offset}", "silence.set", offset, {**payload, **times, **more}, topic="silences")


def quieted(offset: int, name: str, active: bool, until: float | None = None, **more: Any) -> dict[str, Any]:
    payload = {"silence_id": name, "kind": "silence", "active": active, "by": "dana", "comment": "moving it"}
    told = {**payload, "until": None if until is None else at(until), "set_in": "awoooi", **more}
    return event(f"q{offset}", "incident.silenced", offset, told, incident_id=INCIDENT)


async def test_the_latest_word_on_a_silence_stands(clickhouse: Client) -> None:
    await write(
        clickhouse,
        silence(1, "running", -5, 60),
        silence(2, "for ever", -5, None),
        silence(3, "later", 30, 60),
        silence(4, "over", -60, -30),
        silence(5, "ended early", -5, 60),
        silence(6, "ended early", -5, -1, comment="it was enough"),
    )
    rows = await clickhouse.ask(
        "SELECT silence_id, state, comment, times FROM v_silences ORDER BY silence_id"
    )
    assert [tuple(row.values()) for row in rows] == [
        ("ended early", "expired", "it was enough", 2),
        ("for ever", "active", "", 1),
        ("later", "pending", "", 1),
        ("over", "expired", "", 1),
        ("running", "active", "", 1),
    ]


async def test_an_incident_is_quiet_until_told_otherwise_or_time_is_over(clickhouse: Client) -> None:
    await write(
        clickhouse,
        quieted(1, "S1", True, 60),
        quieted(2, "S2", True, 60),
        quieted(3, "S2", False, 60),
        quieted(4, "S3", True, -1),
        quieted(2, "S2", True, 60) | {"kafka_offset": 9},  # the same event again
        quieted(5, "alertmanager:inhibition", True, kind="inhibition", by="a rule"),
    )
    sql = "SELECT silence_id, kind, active, set_by FROM v_quiet WHERE incident_id = {i:String}"
    rows = await clickhouse.ask(f"{sql} ORDER BY silence_id", {"i": INCIDENT})
    assert [tuple(row.values()) for row in rows] == [
        ("S1", "silence", True, "dana"),
        ("S2", "silence", False, "dana"),
        ("S3", "silence", False, "dana"),
        ("alertmanager:inhibition", "inhibition", True, "a rule"),
    ]


async def test_the_list_and_the_page_of_incidents_show_it(clickhouse: Client) -> None:
    seen = {"alert_type": "DiskFull", "severity": "warning", "fingerprint": "f" * 16, "opened_at": at(-9)}
    await write(
        clickhouse,
        event("opened", "incident.opened", 0, seen, incident_id=INCIDENT),
        quieted(1, "S1", True, 60),
        quieted(2, "S2", True, 60, kind="maintenance"),
        quieted(3, "S2", False, 60, kind="maintenance"),
        quieted(4, "S3", True, -1, kind="maintenance"),
        quieted(5, "alertmanager:inhibition", True, kind="inhibition"),
    )
    page = await incidents(clickhouse.ask, IncidentFilter(), ("shop",))
    detail = await incident(clickhouse.ask, INCIDENT, ("shop",), CardFacts("", lambda _: None))
    assert detail is not None
    for item in (*page.items, detail.incident):
        assert item.quiet == ("inhibition", "silence")
