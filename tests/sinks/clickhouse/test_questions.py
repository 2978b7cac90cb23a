"""Questions whose answers are known: a few runs, written by hand."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from connectors.gateway.reading import IncidentFilter
from sinks.clickhouse.approval_list import CardFacts
from sinks.clickhouse.client import Client
from sinks.clickhouse.incident_detail import incident
from sinks.clickhouse.incident_list import incidents
from sinks.clickhouse.queries import query
from tests.sinks.clickhouse.events import COLUMNS, event, iso, moment, values

SECOND_ASKED = {"provider": "gemini", "failures": ["ollama: away"]}
INC1, INC2 = "INC-20261121-AAAAAAAAAA", "INC-20261121-BBBBBBBBBB"
RESTART = {
    "step": {
        "operation": "RESTART_DEPLOYMENT",
        "target": {"cluster": "eu-1", "namespace": "shop", "kind": "deployment", "name": "cart"},
    }
}


def told(kind: str, second: float, run: str = "R1", incident: str = INC1, **payload: Any) -> dict[str, Any]:
    """An event of a run at a second; its offset is the same number, in tenths."""
    more = {"actor": payload.pop("actor", "")}
    name = f"{kind} {run} {second} {payload.get('person', '')}"
    return event(name, kind, int(second * 10), payload, incident_id=incident, run_id=run, **more) | {
        "occurred_at": moment(second),
        "recorded_at": moment(second),
    }


def turn(agent: str, vote: str, **more: Any) -> dict[str, Any]:
    usage = {
        "provider": "ollama",
        "model": "m",
        "calls": 1,
        "tokens_in": 100,
        "tokens_out": 10,
        "cost_usd": 0.5,
    }
    said = {"agent": agent, "vote": vote, "latency_ms": 1000, "usage": usage | more.pop("usage", {}), **more}
    return {"turn": said}


def approved_run() -> list[dict[str, Any]]:
    """Asked for at 0, decided at 20, signed by two, executed, verified; resolved at 300."""
    ask = {"approval_id": f"{INC1}-A1", "action": RESTART, "needed": {"signatures": 2, "roles": ["sre"]}}
    act = {"action_id": "X1", "action": RESTART, "approval_id": f"{INC1}-A1", "trust_key": "shop/R"}
    opened = {"fingerprint": "f", "alert_type": "HighErrors", "hit_count": 1, "opened_at": iso(0)}
    return [
        told("incident.opened", 0, "", **opened),
        told("run.requested", 0.5, number=1, reason="opened", severity="critical"),
        told("run.started", 1, number=1, reason="opened", severity="critical", deadline_at=iso(261)),
        told("tool.called", 2, scope="read", status="ok", server="kubernetes", tool="read_pod"),
        told("rca.diagnosed", 11, **turn("diagnostician", "APPROVE")),
        told("rca.planned", 13, **turn("solver", "APPROVE", usage=SECOND_ASKED)),
        told("rca.reviewed", 15, **turn("reviewer", "APPROVE")),
        told("rca.critiqued", 16, **turn("critic", "REQUEST_REVISION", degraded=True)),
        told("rca.decided", 21, **turn("coordinator", "APPROVE"), usage={"cost_usd": 2.0, "tokens_in": 400}),
        told("preflight.checked", 22, status="passed", action="A1"),
        told("approval.requested", 23, **ask, action_hash="h", assessment={"risk": "HIGH"}),
        told("vote.counted", 40, approval_id=f"{INC1}-A1", person="bob", decision="approve", reason="seen"),
        told("vote.counted", 83, approval_id=f"{INC1}-A1", person="carol", decision="approve"),
        told("approval.approved", 83, approval_id=f"{INC1}-A1", state="APPROVED", rule="quorum"),
        told("vote.late", 90, approval_id=f"{INC1}-A1", person="dana", decision="approve", state="APPROVED"),
        told("action.authorized", 84, **act),
        told("execution.claimed", 84.5, action_id="X1", attempt=1),
        told("execution.started", 85, **act, executor="kubernetes"),
        told("execution.succeeded", 86, **act, executor="kubernetes"),
        told("execution.verified", 95, **act, executor="kubernetes", result="SUCCEEDED"),
        told("run.finished", 96, number=1, state="succeeded", reason="verified"),
        told("trust.observed", 97, "", "", trust_key="shop/R", outcome="verified"),
        told("trust.raised", 97, "", "", trust_key="shop/R", score=1),
        told("incident.resolved", 300, "", opened_at=iso(0), resolved_at=iso(300)),
    ]  # fmt: skip


def expired_run() -> list[dict[str, Any]]:
    """Nobody signs; a turn comes after its end; the other operation fails by itself."""
    ask = {"approval_id": f"{INC2}-A1", "action": RESTART, "needed": {"signatures": 1}}
    act = {"action_id": "X2", "action": {"step": {**RESTART["step"], "operation": "DELETE_POD"}}}
    return [
        told("run.requested", 1, "R2", INC2, number=1, reason="opened"),
        told("run.started", 1, "R2", INC2, number=1, reason="opened"),
        told("rca.diagnosed", 5, "R2", INC2, **turn("diagnostician", "ABSTAIN")),
        told("rca.decided", 9, "R2", INC2, **turn("coordinator", "ABSTAIN"), usage={"cost_usd": 0.5}),
        told("rca.late", 10, "R2", INC2, agent="critic"),
        told("approval.requested", 11, "R2", INC2, **ask),
        told("approval.expired", 3611, "R2", INC2, approval_id=f"{INC2}-A1", state="EXPIRED", rule="expiry"),
        told("run.finished", 3612, "R2", INC2, number=1, state="timeout", reason="expired",
             error_code="E-APPR-EXPIRED"),
        told("execution.started", 20, "R3", INC2, **act),
        told("execution.failed", 21, "R3", INC2, **act, result="FAILED", code="refused_by_target"),
        told("trust.observed", 22, "", "", trust_key="shop/R", outcome="failed"),
        told("trust.reset", 22, "", "", trust_key="shop/R", score=0),
    ]  # fmt: skip


@pytest.fixture
async def asked(clickhouse: Client) -> Client:
    """Everything twice, as after a crash between a write and its commit, and out of order."""
    rows = [*approved_run(), *expired_run()]
    await clickhouse.insert("events", values(rows), COLUMNS)
    await clickhouse.insert("events", values([row | {"kafka_offset": 99_999} for row in rows[::-1]]), COLUMNS)
    return clickhouse


async def test_every_answer_is_the_known_one(asked: Client) -> None:
    """One test for all of them: the rows are written once."""
    await _times(asked)
    await _operations(asked)
    await _trust(asked)
    await _approvers(asked)
    await _models(asked)
    await _disagreement(asked)
    await _late(asked)
    await _runs(asked)
    await _approvals(asked)
    await _executions(asked)
    await _remediations(asked)


async def _times(client: Client) -> None:
    rows = {row["step"]: (row["times"], row["median_secs"]) for row in await query(client, "times", "shop")}
    assert rows == {
        "diagnose": (2, 7.0), "decide": (2, 14.0), "approve": (1, 60.0), "execute": (1, 2.0),
        "resolve": (1, 300.0),
    }  # fmt: skip
    assert list(rows) == ["diagnose", "decide", "approve", "execute", "resolve"]


async def _operations(client: Client) -> None:
    rows = {row["operation"]: row for row in await query(client, "operations", "shop")}
    good, bad = rows["RESTART_DEPLOYMENT"], rows["DELETE_POD"]
    assert (good["actions"], good["succeeded"], good["success_rate"]) == (1, 1, 1.0)
    assert (bad["actions"], bad["failed"], bad["success_rate"]) == (1, 1, 0.0)


async def _trust(client: Client) -> None:
    (row,) = await query(client, "trust", "shop")
    assert (row["day"], row["trust_key"]) == (date(2026, 11, 21), "shop/R")
    assert (row["verified"], row["failed"], row["score"]) == (1, 1, 1)


async def _approvers(client: Client) -> None:
    rows = await query(client, "approvers", "shop")
    assert [(row["person"], row["decision"], row["operation"], row["risk"]) for row in rows] == [
        ("carol", "approve", "RESTART_DEPLOYMENT", "HIGH"), ("bob", "approve", "RESTART_DEPLOYMENT", "HIGH")
    ]  # fmt: skip


async def _models(client: Client) -> None:
    rows = {(row["agent"], row["provider"]): row for row in await query(client, "models", "shop")}
    assert rows["diagnostician", "ollama"]["turns"] == 2
    assert (rows["solver", "gemini"]["fallback_rate"], rows["solver", "gemini"]["usd"]) == (1.0, 0.5)
    assert rows["critic", "ollama"]["degraded"] == 1
    assert not any(agent == "coordinator" for agent, _ in rows)


async def _disagreement(client: Client) -> None:
    first, second = await query(client, "disagreement", "shop")
    assert (first["critic"], first["disagree"], first["share"]) == ("REQUEST_REVISION", True, 0.5)
    assert (second["diagnostician"], second["disagree"], second["debates"]) == ("ABSTAIN", False, 1)


async def _late(client: Client) -> None:
    rows = {(row["kind"], row["reason"]): row["times"] for row in await query(client, "late", "shop")}
    assert rows == {
        ("turn late", ""): 1, ("vote late", "APPROVED"): 1, ("approval expired", "expiry"): 1,
        ("run timeout", "expired"): 1,
    }  # fmt: skip


async def _runs(client: Client) -> None:
    rows = {row["run_id"]: row for row in await client.ask("SELECT * FROM v_runs WHERE project_id = 'shop'")}
    one, two, three = rows["R1"], rows["R2"], rows["R3"]
    assert (one["state"], one["reason"], one["end_reason"]) == ("succeeded", "opened", "verified")
    assert (one["remediation_status"], one["cost_usd"], one["incident_ids"]) == (
        "write_observed",
        2.0,
        [INC1],
    )
    assert (two["state"], two["error_code"]) == ("timeout", "E-APPR-EXPIRED")
    assert (two["remediation_status"], three["remediation_status"]) == ("no_evidence", "blocked")
    assert (two["completed_at"] - two["started_at"]).total_seconds() == 3611


async def _approvals(client: Client) -> None:
    rows = {row["incident_id"]: row for row in await client.ask("SELECT * FROM v_approvals")}
    assert (rows[INC1]["state"], rows[INC1]["signed_by"], rows[INC1]["required"]) == (
        "APPROVED", ["bob", "carol"], 2
    )  # fmt: skip
    assert (rows[INC2]["state"], rows[INC2]["state_rule"], rows[INC2]["signed_by"]) == (
        "EXPIRED",
        "expiry",
        [],
    )


async def _executions(client: Client) -> None:
    rows = {row["action_id"]: row for row in await client.ask("SELECT * FROM v_executions")}
    assert (rows["X1"]["step"], rows["X1"]["result"], rows["X1"]["attempts"]) == ("verified", "SUCCEEDED", 1)
    assert (rows["X2"]["step"], rows["X2"]["result"], rows["X2"]["code"]) == (
        "failed", "FAILED", "refused_by_target"
    )  # fmt: skip


async def _remediations(client: Client) -> None:
    rows = await client.ask(
        "SELECT work_item, scope, success, writes_incident_state FROM v_remediations ORDER BY recorded_at"
    )
    assert [tuple(row.values()) for row in rows] == [
        ("X2", "write", False, True),
        ("R1/A1", "read", True, False),
        ("X1", "write", True, False),
        ("X1", "write", True, True),
    ]


@pytest.mark.parametrize(
    ("last", "state"),
    [
        ("run.requested", "queued"),
        ("run.started", "running"),
        ("rca.decided", "running"),
        ("approval.requested", "waiting_approval"),
        ("approval.approved", "running"),
        ("execution.verified", "running"),
        ("run.finished", "succeeded"),
    ],
)
async def test_a_run_s_state_as_it_goes(clickhouse: Client, last: str, state: str) -> None:
    story = approved_run()
    until = next(place for place, row in enumerate(story) if row["type"] == last)
    await clickhouse.insert("events", values(story[until::-1]), COLUMNS)
    (row,) = await clickhouse.ask("SELECT state FROM v_runs WHERE run_id = 'R1'")
    assert row["state"] == state


async def test_of_two_ends_of_a_run_the_first_in_the_log_counts(clickhouse: Client) -> None:
    first = told("run.finished", 5, state="succeeded", reason="verified")
    later = first | {"kafka_offset": 80, "payload": first["payload"].replace("succeeded", "timeout")}
    await clickhouse.insert("events", values([later]), COLUMNS)
    await clickhouse.insert("events", values([first]), COLUMNS)
    assert await clickhouse.ask("SELECT state, end_reason FROM v_runs") == [
        {"state": "succeeded", "end_reason": "verified"}
    ]


SHARED = {
    "child": {"incident_id": INC2, "number": 1, "run_id": "R2"},
    "parent": {"incident_id": INC1, "number": 1, "run_id": "R1"},
}
WAITS = {"number": 1, "reason": "storm", "severity": "critical", "ticket": 1, "waiting": 1}


async def test_a_run_that_waits_and_one_that_is_shared(clickhouse: Client) -> None:
    story = [
        told("run.requested", 0, number=1, reason="opened", severity="critical"),
        told("run.throttled", 1, attempt=0, release_at=iso(9), **WAITS),
        told("run.requested", 1, "R2", INC2, number=1, reason="opened", severity="warning"),
        told("run.shared", 2, "R2", INC2, **SHARED),
        told("run.shared", 2, "R1", INC1, **SHARED),
    ]
    await clickhouse.insert("events", values(story), COLUMNS)
    rows = {row["run_id"]: row for row in await clickhouse.ask("SELECT * FROM v_runs")}
    one, two = rows["R1"], rows["R2"]
    assert (one["state"], one["reason"], one["throttled_by"]) == ("throttled", "opened", "storm")
    assert one["incident_ids"] == sorted([INC1, INC2])
    assert (two["state"], two["parent_incident_id"], two["parent_run_id"]) == ("shared", INC1, "R1")
    (minute,) = await query(clickhouse, "storms", "shop")
    assert (minute["asked"], minute["throttled"], minute["shared"], minute["released"]) == (2, 1, 1, 0)

    later = [
        told("run.requested", 9, number=1, reason="opened", severity="critical"),
        told("run.throttled", 9, attempt=1, release_at=iso(19), **WAITS),
        told("run.started", 19, number=1, reason="opened", severity="critical", deadline_at=iso(261)),
        told("run.finished", 20, "R2", INC2, number=1, state="cancelled", reason="resolved_while_waiting"),
    ]
    await clickhouse.insert("events", values(later), COLUMNS)
    rows = {row["run_id"]: row for row in await clickhouse.ask("SELECT * FROM v_runs")}
    assert (rows["R1"]["state"], rows["R2"]["state"]) == ("running", "cancelled")
    found = await query(clickhouse, "storms", "shop")
    assert sum(row["released"] for row in found) == 1
    assert sum(row["resolved"] for row in found) == 1


async def test_an_incident_says_whom_it_belongs_to_and_how_many_belong_to_it(clickhouse: Client) -> None:
    link = {"parent_incident_id": INC1, "service": "shop", "parent_service": "db", "path": ["shop", "db"]}
    sighting = {"severity": "warning", "highest_severity": "warning", "alert_type": "Slow", "hit_count": 1}
    story = [
        told("incident.opened", 0, "", INC1, **sighting),
        told("incident.opened", 1, "", INC2, **sighting),
        told("incident.linked", 2, "", INC2, **link, distance=1, root_candidate="db"),
    ]
    await clickhouse.insert("events", values(story), COLUMNS)
    page = await incidents(clickhouse.ask, IncidentFilter(), ("shop",))
    found = {item.incident_id: (item.parent_incident_id, item.children) for item in page.items}
    assert found == {INC1: ("", 1), INC2: (INC1, 0)}
    whole = await incident(clickhouse.ask, INC1, ("shop",), CardFacts("", lambda _: None))
    assert whole is not None
    assert (whole.children, whole.incident.children) == ((INC2,), 1)
