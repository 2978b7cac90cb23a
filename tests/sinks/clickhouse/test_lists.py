"""What a list does while the record changes under it: what is gone is left out, and the newest is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.gateway.reading import ApprovalFilter, IncidentFilter
from connectors.gateway.shown_approvals import Which
from sinks.clickhouse.approval_list import CardFacts, approvals
from sinks.clickhouse.incident_list import incidents
from sinks.clickhouse.messages import messages_of
from sinks.clickhouse.run_detail import run

BEGAN = datetime(2026, 3, 1, tzinfo=UTC)
HEAD = {"project_id": "shop", "incident_id": "INC-1", "approval_id": "INC-1-A1", "total": 1}


class Fading:
    """A record that has the ids of a page, and nothing more when it is asked again."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def __call__(self, sql: str, _: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
        self.asked.append(sql)
        return [HEAD] if "AS total" in sql else []


async def test_an_approval_without_its_request_is_left_out() -> None:
    record, facts = Fading(), CardFacts("awoooi", lambda _: None)

    page = await approvals(record, ApprovalFilter(state=Which.DECIDED), ("shop",), facts)

    assert page.items == ()
    assert "created_at IS NOT NULL" in record.asked[0], "neither in the ids nor in their number"


async def test_an_incident_that_is_gone_between_two_questions_is_left_out() -> None:
    assert (await incidents(Fading(), IncidentFilter(), ("shop",))).items == ()


async def test_of_many_messages_the_newest_are_told_in_their_order() -> None:
    said = {"channel": "c", "kind": "", "state": "", "title": "", "text": "", "duplicate": False}

    async def record(sql: str, _: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
        if "v_notifications" in sql:
            return []
        rows = [
            {**said, "direction": "inbound", "message_id": str(n), "recorded_at": BEGAN + timedelta(0, n)}
            for n in range(600)
        ]
        return sorted(rows, key=lambda row: row["recorded_at"], reverse="DESC" in sql)[:500]

    told = await messages_of(record, "shop", ["INC-1"], "run")

    assert [message.message_id for message in told.inbound] == [str(n) for n in range(100, 600)]


RUN = {
    **dict.fromkeys(("reason", "end_reason", "trigger_ref", "error_code", "error_detail"), ""),
    **dict.fromkeys(("started_at", "completed_at", "timeout_at", "release_at")),
    **dict.fromkeys(("throttled_by", "parent_incident_id", "parent_run_id"), ""),
    **{"project_id": "shop", "run_id": "r", "incident_ids": ["INC-1"], "number": 1, "state": "succeeded"},
    **{
        "shadow": False,
        "cost_usd": 0.0,
        "created_at": BEGAN,
        "updated_at": BEGAN,
        "remediation_status": "observed",
    },
}
CALL = {
    **dict.fromkeys(("agent", "node", "server", "tool", "blocked_by", "blocked_why", "detail"), ""),
    **{"scope": "read", "status": "ok", "latency_ms": 1, "shadow": False, "gates": ["scope"]},
}


async def test_of_many_calls_the_newest_are_told_and_the_gates_of_all() -> None:
    async def record(sql: str, asked: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
        if "FROM v_runs" in sql:
            return [RUN]
        if "FROM v_tool_calls" not in sql:
            return []
        if "arrayJoin" in sql:
            return [{"gate": "scope", "outcome": "passed", "count": 600}]
        calls = [{**CALL, "call_id": str(n), "recorded_at": BEGAN + timedelta(0, n)} for n in range(600)]
        return sorted(calls, key=lambda row: row["recorded_at"], reverse="DESC" in sql)[: asked["most"]]

    told = await run(record, "r", ("shop",), 3)

    assert told is not None
    assert [call.call_id for call in told.tool_calls] == [str(n) for n in range(100, 600)]
    assert [total.count for total in told.run.gate_totals] == [600]
