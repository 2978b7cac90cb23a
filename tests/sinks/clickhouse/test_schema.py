"""What the tables and views make of events."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime
from typing import Any

import pytest

from sinks.clickhouse.client import Client
from tests.sinks.clickhouse.events import COLUMNS, alert, event, iso, moment, step, values

RUN = "5f0c9f0e-0000-5000-8000-000000000001"


async def write(client: Client, *rows: dict[str, Any]) -> None:
    await client.insert("events", values(list(rows)), COLUMNS)


async def one(client: Client, sql: str) -> dict[str, Any]:
    (row,) = await client.ask(sql)
    return {name: _utc(value) for name, value in row.items()}


def _utc(value: Any) -> Any:
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) and value.tzinfo is None else value


@pytest.mark.parametrize("merged", [False, True], ids=["as written", "merged"])
@pytest.mark.parametrize("order", [(3, 9, 5), (9, 5, 3), (5, 3, 9)], ids=str)
async def test_an_id_counts_once_and_the_lowest_offset_wins(
    clickhouse: Client, order: tuple[int, ...], merged: bool
) -> None:
    for offset in order:
        await write(
            clickhouse, event("same", "rca.diagnosed", offset, {"offset": offset}, actor=f"at {offset}")
        )
    if merged:
        await clickhouse.command("OPTIMIZE TABLE events FINAL")
    rows = await clickhouse.ask("SELECT actor, kafka_offset, version, payload FROM events FINAL")
    assert rows == [{"actor": "at 3", "kafka_offset": 3, "version": -3, "payload": '{"offset": 3}'}]


async def test_the_same_batch_twice_is_one(clickhouse: Client) -> None:
    batch = [alert(f"a{n}", n) for n in range(50)] + [
        step(f"s{n}", "incident.hit", 100 + n, hit_count=n) for n in range(50)
    ]
    for _ in range(3):
        random.Random(5).shuffle(batch)
        await write(clickhouse, *batch)
    for table, count in (("events", 100), ("alerts", 50), ("incidents", 50), ("incident_events", 50)):
        assert await one(clickhouse, f"SELECT count() AS n FROM {table} FINAL") == {"n": count}, table
    assert await one(clickhouse, "SELECT count() AS n FROM v_alerts") == {"n": 50}


async def test_one_id_in_two_projects_is_two_events(clickhouse: Client) -> None:
    await write(clickhouse, event("x", "a.b", 1), event("x", "a.b", 2, project_id="bank"))
    assert await one(clickhouse, "SELECT count() AS n FROM events FINAL") == {"n": 2}


async def test_an_alert_keeps_all_that_it_says(clickhouse: Client) -> None:
    await write(clickhouse, alert("a", 10), alert("a", 12, message="read again", received_at=iso(10)))
    row = await one(clickhouse, "SELECT * FROM alerts FINAL")
    assert row["message"] == "Pod is being CPU throttled"
    assert row["received_at"] == moment(10)
    assert (row["fired_at"], row["ends_at"]) == (moment(5), None)
    assert row["labels"] == {"pod": "api-server", "say": '重 "quoted"'}
    assert row["metrics"].replace(" ", "") == '{"throttle_percent":85,"oom":true,"phase":"Running"}'
    assert (row["sanitized"], row["patterns"], row["truncated"]) == (True, ["override"], ["message"])
    assert (row["origin_epoch"], row["origin_partition"], row["origin_offset"], row["origin_index"]) == (
        "e1",
        2,
        77,
        1,
    )
    assert (row["namespace"], row["description"], row["generator_url"]) == ("production", "", "")


@pytest.mark.parametrize("payload", ["", "no json", "[]", "null", '{"severity": {"a": 1}, "labels": 5}'])
async def test_a_strange_payload_stops_nothing(clickhouse: Client, payload: str) -> None:
    strange = event("a", "alert.normalized", 1) | {"payload": payload}
    await write(clickhouse, strange, step("s", "incident.opened", 2) | {"payload": payload})
    assert await one(clickhouse, "SELECT payload FROM events FINAL WHERE kafka_offset = 1") == {
        "payload": payload
    }
    assert await one(clickhouse, "SELECT count() AS n FROM v_alerts") == {"n": 1}
    assert await one(clickhouse, "SELECT count() AS n FROM v_incidents") == {"n": 1}


STORY = [
    step("opened", "incident.opened", 0, fingerprint="f1", alert_type="HighErrors", severity="warning",
         highest_severity="warning", hit_count=1, opened_at=iso(0), last_seen_at=iso(0), generation=0,
         cluster="default", namespace="production", target_resource="front-end", message="5xx"),
    step("hit", "incident.hit", 1, fingerprint="f1", severity="warning", highest_severity="warning",
         hit_count=7, opened_at=iso(0), last_seen_at=iso(1), generation=0),
    event("run", "run.started", 0, {"number": 1, "severity": "warning"}, topic="runs",
          incident_id="INC-20261121-AAAAAAAAAA", run_id=RUN),
    step("moved", "incident.moved", 2, status="INVESTIGATING", previous="PENDING", reason="run_started"),
    step("raised", "incident.severity_raised", 3, fingerprint="f1", alert_type="HighErrors",
         severity="critical", highest_severity="critical", hit_count=8, last_seen_at=iso(3)),
    step("calmer", "incident.hit", 4, severity="info", highest_severity="critical", hit_count=9,
         last_seen_at=iso(4)),
    step("resolved", "incident.resolved", 5, severity="info", highest_severity="critical", hit_count=9,
         resolved_at=iso(5, "+00:00"), reason="alert_resolved"),
    step("reopened", "incident.reopened", 6, fingerprint="f1", severity="info", highest_severity="critical",
         hit_count=10, opened_at=iso(0), last_seen_at=iso(6), generation=1),
    step("expired", "incident.expired", 9, severity="info", highest_severity="critical", hit_count=10),
]  # fmt: skip


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        (1, {"status": "PENDING", "severity": "warning", "hit_count": 1, "resolved_at": None, "runs": 0}),
        (
            4,
            {
                "status": "INVESTIGATING",
                "severity": "warning",
                "hit_count": 7,
                "runs": 1,
                "alert_type": "HighErrors",
            },
        ),
        (6, {"status": "INVESTIGATING", "severity": "critical", "hit_count": 9, "last_seen_at": moment(4)}),
        (7, {"status": "RESOLVED", "resolved_at": moment(5), "generation": 0}),
        (
            8,
            {
                "status": "PENDING",
                "resolved_at": None,
                "generation": 1,
                "hit_count": 10,
                "opened_at": moment(0),
            },
        ),
        (
            9,
            {
                "status": "EXPIRED",
                "resolved_at": moment(9),
                "namespace": "production",
                "target_resource": "front-end",
            },
        ),
    ],
    ids=["opened", "moved", "raised", "resolved", "reopened", "expired"],
)
async def test_an_incident_is_one_row(clickhouse: Client, steps: int, expected: dict[str, Any]) -> None:
    story = STORY[:steps] * 2
    random.Random(3).shuffle(story)
    await write(clickhouse, *story)
    row = await one(clickhouse, "SELECT * FROM v_incidents")
    assert {name: row[name] for name in expected} == expected
    assert (row["incident_id"], row["fingerprint"]) == ("INC-20261121-AAAAAAAAAA", "f1")


async def test_a_day_counts_alerts_and_incidents(clickhouse: Client) -> None:
    yesterday = {"received_at": "2026-11-20T23:59:59.999Z"}
    await write(clickhouse, *[alert(f"a{n}", n) for n in range(10)], alert("late", 11, **yesterday))
    await write(
        clickhouse, STORY[0], STORY[0] | {"event_id": alert("b", 1)["event_id"], "incident_id": "INC-2"}
    )
    assert await clickhouse.ask("SELECT * FROM v_daily ORDER BY day") == [
        {
            "day": date(2026, 11, 20),
            "project_id": "shop",
            "alerts": 1,
            "incidents": 0,
            "alerts_per_incident": None,
        },
        {
            "day": date(2026, 11, 21),
            "project_id": "shop",
            "alerts": 10,
            "incidents": 2,
            "alerts_per_incident": 5.0,
        },
    ]


async def test_what_was_rejected_has_its_place_and_reason(clickhouse: Client) -> None:
    payload = {
        "stage": "dedup", "topic": "alerts.normalized", "partition": 3, "offset": 12, "epoch": "e1",
        "reason": "unreadable", "detail": "no such schema", "size": 1234, "sha256": "ab" * 32,
    }  # fmt: skip
    await write(clickhouse, event("f", "stage.failed", 1, payload, topic="stage.failed"))
    row = await one(clickhouse, "SELECT * FROM v_rejected")
    names = {"partition": "kafka_partition", "offset": "kafka_offset", "epoch": "log_epoch"}
    assert {key: row[names.get(key, key)] for key in payload} == payload
