"""One run, whole: its steps, messages, tool calls, what was tried, and one timeline of all of it."""

# ruff: noqa: S608 (our own text; every value is a parameter)

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from connectors.gateway.reading import Projects
from connectors.gateway.shown_runs import (
    LATEST_BY_WORK_ITEM,
    Counts,
    Gate,
    GateTotal,
    Kind,
    Messages,
    Remediation,
    Run,
    RunDetail,
    TimelineItem,
    ToolCall,
)
from sinks.clickhouse import run_list
from sinks.clickhouse.messages import messages_of, on_timeline
from sinks.clickhouse.steps import cut, steps_of, timeline_of
from sinks.clickhouse.story import Ask, Row, Told, of_run
from sinks.clickhouse.wording import short

MOST_CALLS = 500
_OF_RUN = """
WHERE project_id = {project:String} AND incident_id IN {incidents:Array(String)} AND run_id = {run:String}
"""
_CALLS = f"""
SELECT recorded_at, call_id, agent, node, server, tool, scope, status, blocked_by, blocked_why, detail,
       latency_ms, shadow, gates
FROM v_tool_calls {_OF_RUN} ORDER BY recorded_at DESC LIMIT {{most:UInt32}}
"""
_TOTALS = f"""
SELECT told.1 AS gate, told.2 AS outcome, count() AS count
FROM
(
    SELECT recorded_at, arrayJoin(arrayConcat(
        arrayMap(gate -> (gate, 'passed'), gates),
        arrayMap(gate -> (gate, 'blocked'), arrayFilter(gate -> gate != '', [toString(blocked_by)]))
    )) AS told
    FROM v_tool_calls {_OF_RUN}
)
GROUP BY gate, outcome ORDER BY min(recorded_at), gate, outcome
"""
_REMEDIATIONS = f"""
SELECT recorded_at, incident_id, work_item, mode, agent, tool, scope, allowed, success, verification,
       writes_incident_state, writes_repair_result
FROM v_remediations {_OF_RUN} ORDER BY recorded_at DESC LIMIT {{most:UInt32}}
"""


async def run(ask: Ask, run_id: str, projects: Projects, most_attempts: int) -> RunDetail | None:
    row = await run_list.one(ask, run_id, projects)
    if row is None:
        return None
    asked = {
        "project": row["project_id"],
        "incidents": row["incident_ids"],
        "run": run_id,
        "most": MOST_CALLS,
    }
    story, called, totals, remediations, messages = await asyncio.gather(
        of_run(ask, row["project_id"], run_id),
        ask(_CALLS, asked),
        ask(_TOTALS, asked),
        ask(_REMEDIATIONS, asked),
        messages_of(ask, row["project_id"], row["incident_ids"], run_id),
    )
    calls, tried = [_call(one) for one in reversed(called)], tuple(_remediation(one) for one in remediations)
    item = run_list.item_of(row, *run_list.beside(story, tried))
    head = Run(
        **dict(item),
        trace_id=_trace(story),
        trigger_ref=row["trigger_ref"],
        attempts=_attempts(story),
        max_attempts=most_attempts,
        error_code=row["error_code"],
        error_detail=row["error_detail"],
        started_at=row["started_at"],
        completed_at=row["completed_at"],
        heartbeat_at=max((told.at for told in story), default=row["updated_at"]),
        remediation_by_work_item=_by_work_item(tried),
        gate_totals=tuple(GateTotal(**one) for one in totals),
    )
    return _detail(head, story, calls, tried, messages)


def _detail(
    head: Run,
    story: Sequence[Told],
    calls: Sequence[ToolCall],
    tried: tuple[Remediation, ...],
    messages: Messages,
) -> RunDetail:
    steps = steps_of(story)
    timeline = timeline_of(story, map(_called, calls), on_timeline(messages))
    approvals = sum(told.type == "approval.requested" for told in story)
    return RunDetail(
        run=head,
        steps=steps,
        messages=messages,
        tool_calls=tuple(calls),
        remediation=tried,
        counts=Counts(
            steps=len(steps),
            inbound=len(messages.inbound),
            outbound=len(messages.outbound),
            tool_calls=len(calls),
            remediations=len(tried),
            approvals=approvals,
            timeline=len(timeline),
        ),
        timeline=cut(timeline),
    )


def _trace(story: Iterable[Told]) -> str:
    """Its events belong to the trace of what began it; a signature or a verdict may come by another."""
    return next((told.trace_id for told in story if told.run_id and told.trace_id), "")


def _attempts(story: Iterable[Told]) -> int:
    claims = (told.payload.get("attempt", 1) for told in story if told.type == "execution.claimed")
    return max(claims, default=0)


def _call(row: Row) -> ToolCall:
    passed = tuple(Gate(name=name, passed=True, why="") for name in row["gates"])
    said_no = (
        (Gate(name=row["blocked_by"], passed=False, why=row["blocked_why"]),) if row["blocked_by"] else ()
    )
    given = {name: row[name] for name in ToolCall.model_fields if name in row}
    return ToolCall(**{**given, "at": row["recorded_at"], "gates": (*passed, *said_no)})


def _called(call: ToolCall) -> TimelineItem:
    said = call.detail or (f"refused by the gate {call.blocked_by}" if call.blocked_by else "")
    return TimelineItem(
        at=call.at,
        kind=Kind.MCP,
        title=f"{call.agent} called {call.server}.{call.tool}",
        status=call.status,
        summary=short(said),
        metadata={
            "call_id": call.call_id,
            "scope": call.scope,
            "latency_ms": call.latency_ms,
            "shadow": call.shadow,
        },
    )


def _remediation(row: Row) -> Remediation:
    given = {name: row[name] for name in Remediation.model_fields if name in row}
    return Remediation(**{**given, "at": row["recorded_at"]})


def _by_work_item(tried: Iterable[Remediation]) -> Mapping[str, tuple[Remediation, ...]]:
    """The latest of all, by what they belong to."""
    found: dict[str, list[Remediation]] = defaultdict(list)
    for one in list(tried)[:LATEST_BY_WORK_ITEM]:
        found[one.work_item].append(one)
    return {item: tuple(records) for item, records in found.items()}
