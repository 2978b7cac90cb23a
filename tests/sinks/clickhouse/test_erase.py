"""What is erased of a project, and what is not; how long rows live."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest
from pydantic import ValidationError

from sinks.clickhouse.client import Client
from sinks.clickhouse.erase import KEPT, Scope, count, erase, erased_tables
from sinks.clickhouse.retention import RetentionConfig, apply, lifetimes
from sinks.clickhouse.tables import tables_of_projects
from tests.sinks.clickhouse.events import COLUMNS, alert, event, moment, step, values

BEFORE = moment(10)
SCOPE = Scope("shop", BEFORE)


async def write(client: Client, *rows: Mapping[str, Any]) -> None:
    await client.insert("events", values([dict(row) for row in rows]), COLUMNS)


async def left(client: Client, table: str = "events") -> list[tuple[str, int]]:
    rows = await client.ask(f"SELECT project_id, kafka_offset FROM {table} FINAL ORDER BY ALL")
    return [(row["project_id"], row["kafka_offset"]) for row in rows]


async def test_what_was_recorded_up_to_then_is_gone_everywhere(clickhouse: Client) -> None:
    await write(
        clickhouse,
        alert("old", 1),
        alert("new", 20),
        alert("theirs", 1) | {"project_id": "bank"},
        step("opened", "incident.opened", 10, fingerprint="f1"),
        step("hit", "incident.hit", 11, fingerprint="f1"),
        event("run", "run.started", 2, {"number": 1}, incident_id="INC-1", run_id="R1"),
    )
    aside = {"topic": "t", "kafka_offset": 5, "project_id": "shop", "recorded_at": moment(3), "at": moment(3)}
    await clickhouse.insert("set_aside", [tuple(aside.values())], tuple(aside))
    counted = await count(clickhouse, SCOPE)

    await erase(clickhouse, SCOPE)

    assert {name: n for name, n in counted.items() if n} == {
        "events": 3, "alerts": 1, "incidents": 2, "incident_events": 2, "run_events": 1, "runs": 1,
        "set_aside": 1,
    }  # fmt: skip
    assert await left(clickhouse) == [("bank", 1), ("shop", 11), ("shop", 20)]
    assert await count(clickhouse, SCOPE) == dict.fromkeys(erased_tables(), 0)
    alerts = await clickhouse.ask("SELECT project_id FROM v_alerts ORDER BY 1")
    assert [row["project_id"] for row in alerts] == ["bank", "shop"]


async def test_a_later_copy_does_not_bring_an_erased_event_back(clickhouse: Client) -> None:
    await write(clickhouse, alert("same", 1))
    await write(clickhouse, alert("same", 30), alert("other", 31))

    await erase(clickhouse, SCOPE)

    assert await left(clickhouse) == [("shop", 31)]


async def test_what_tells_of_the_project_stays(clickhouse: Client) -> None:
    terms = {"subject": "project/shop", "name": "shop", "display_name": "The shop", "active": True}
    gone = {"subject": "erased/shop", "project": "shop", "before": "2026-01-01T00:00:00.000Z", "rows": 5}
    await write(
        clickhouse,
        event("set", "project.set", 1, terms, topic="projects"),
        event("erased", "project.erased", 2, gone, topic="projects"),
    )

    await erase(clickhouse, SCOPE)

    assert await left(clickhouse) == [("shop", 1), ("shop", 2)]
    (row,) = await clickhouse.ask(
        "SELECT display_name, active, toString(erased_before) AS before FROM v_projects"
    )
    assert row == {"display_name": "The shop", "active": True, "before": "2026-01-01 00:00:00.000"}


def test_every_table_of_projects_is_erased_or_kept_on_purpose() -> None:
    assert {*erased_tables(), *KEPT} == set(tables_of_projects())
    assert erased_tables()[-1] == "events"


async def test_lifetimes_are_set_by_table_and_back(clickhouse: Client) -> None:
    async def days() -> dict[str, int]:
        return {one.table: one.before for one in await lifetimes(clickhouse, RetentionConfig())}

    assert set((await days()).values()) == {400}

    changed = await apply(clickhouse, RetentionConfig(days=30, by_table={"alerts": 7, "votes": 0}))

    assert {one.table for one in changed} == set(await days())
    assert {table: kept for table, kept in (await days()).items() if kept != 30} == {"alerts": 7, "votes": 0}
    assert await apply(clickhouse, RetentionConfig(days=30, by_table={"alerts": 7, "votes": 0})) == []

    await apply(clickhouse, RetentionConfig())
    assert set((await days()).values()) == {400}


@pytest.mark.parametrize(
    ("by_table", "says"),
    [
        ({"alarms": 3}, "'alarms' is no table with a time to live; there are: events, incident_events"),
        ({"audit_chain": 3}, "'audit_chain' is no table with a time to live"),
        ({"alerts": -1}, "alerts: -1 is not between 0 and 36500 days"),
    ],
    ids=["unknown", "the chain stays", "negative"],
)
def test_a_wrong_lifetime_is_named(by_table: dict[str, int], says: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(says)):
        RetentionConfig(by_table=by_table)
