"""Runs in a list, and what one of them is at the head of its page."""

# ruff: noqa: S608 (our own text; every value is a parameter)

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from connectors.gateway.reading import Projects, RunFilter
from connectors.gateway.shown import Page
from connectors.gateway.shown_runs import Remediation, RemediationSummary, RunItem
from schemas.run import RunState
from sinks.clickhouse.asking import asked_within, each, page_of, within
from sinks.clickhouse.steps import STEPS
from sinks.clickhouse.story import Ask, Row, Told

MOST_RUNS = 50
"""of an incident, on its page"""
_IDS = "project_id, run_id, incident_ids, created_at"
_COLUMNS = """project_id, run_id, incident_ids, number, state, reason, end_reason, shadow, cost_usd,
created_at, timeout_at, throttled_by, release_at, parent_incident_id, parent_run_id,
remediation_status, trigger_ref, error_code, error_detail, started_at, completed_at,
updated_at"""
_ROWS = f"""
SELECT {_COLUMNS} FROM v_runs
WHERE project_id IN {{projects:Array(String)}} AND run_id IN {{runs:Array(String)}}
ORDER BY created_at DESC, run_id
"""
_OF_INCIDENT = """run_id IN
(SELECT run_id FROM incident_events WHERE incident_id = {incident:String} AND run_id != '')"""
AGENTS = {
    "run.requested": "runs",
    "run.started": "schedule",
    "run.throttled": "schedule",
    "run.shared": "schedule",
    "evidence.collected": "evidence",
    "rca.diagnosed": "diagnostician",
    "rca.planned": "solver",
    "rca.reviewed": "reviewer",
    "rca.critiqued": "critic",
    "rca.decided": "coordinator",
    "preflight.checked": "preflight",
    "action.authorized": "policy",
    "approval.requested": "policy",
    "execution.started": "executor",
    "execution.succeeded": "executor",
    "execution.verified": "verifier",
    "execution.undone": "verifier",
}
"""who it was that an event is of: the latest of them has, or had, the run"""
_BESIDE = """
SELECT run_id, uniqExactIf(event_id, type IN {steps:Array(String)}) AS steps,
       argMaxIf(type, recorded_at, type IN {agents:Array(String)}) AS latest
FROM run_events
WHERE project_id IN {projects:Array(String)} AND run_id IN {runs:Array(String)}
GROUP BY run_id
"""
_TRIED = """
SELECT run_id, count() AS records, max(recorded_at) AS last_at, argMax(agent, recorded_at) AS last_agent,
       argMax(tool, recorded_at) AS last_tool
FROM v_remediations
WHERE project_id IN {projects:Array(String)} AND incident_id IN {incidents:Array(String)}
  AND run_id IN {runs:Array(String)}
GROUP BY run_id
"""


async def runs(ask: Ask, wanted: RunFilter, projects: Projects) -> Page[RunItem]:
    """Created newest first."""
    source = f"v_runs WHERE {within(projects)} AND {_chosen(wanted)}"
    asked = {
        **asked_within(projects),
        "state": wanted.state or "",
        "remediation": wanted.remediation_status or "",
        "incident": wanted.incident_id,
    }
    ids, total = await page_of(ask, _IDS, source, "created_at DESC, run_id", wanted, asked)
    return Page[RunItem](items=await _items(ask, ids), total=total, **wanted.place)


def _chosen(wanted: RunFilter) -> str:
    parts = ["1"]
    if wanted.state is not None:
        parts.append("state = {state:String}")
    if wanted.remediation_status is not None:
        parts.append("remediation_status = {remediation:String}")
    if wanted.incident_id:
        parts.append(_OF_INCIDENT)
    return " AND ".join(parts)


async def one(ask: Ask, run: str, projects: Projects) -> Row | None:
    """Its row of v_runs."""
    sql = f"SELECT {_COLUMNS} FROM v_runs WHERE run_id = {{run:String}} AND {within(projects)}"
    rows = await ask(sql, {**asked_within(projects), "run": run})
    return rows[0] if rows else None


async def runs_of(ask: Ask, project: str, incident: str) -> tuple[RunItem, ...]:
    """Of an incident, the newest first."""
    sql = f"SELECT {_COLUMNS} FROM v_runs WHERE project_id = {{project:String}} AND {_OF_INCIDENT}"
    latest = f"{sql} ORDER BY created_at DESC, run_id LIMIT {MOST_RUNS}"
    rows = await ask(latest, {"project": project, "incident": incident})
    return _told(rows, *await _beside(ask, rows))


async def _items(ask: Ask, ids: Sequence[Row]) -> tuple[RunItem, ...]:
    if not ids:
        return ()
    asked = {"projects": each(ids, "project_id"), "runs": each(ids, "run_id")}
    rows, besides = await asyncio.gather(ask(_ROWS, asked), _beside(ask, ids))
    return _told(rows, *besides)


async def _beside(ask: Ask, ids: Sequence[Row]) -> tuple[Sequence[Row], Sequence[Row]]:
    """What their rows do not say: who has each, how many steps it has; what was tried."""
    if not ids:
        return (), ()
    asked: dict[str, Any] = {
        "projects": each(ids, "project_id"),
        "runs": each(ids, "run_id"),
        "incidents": list(dict.fromkeys(incident for row in ids for incident in row["incident_ids"])),
        "steps": list(STEPS),
        "agents": list(AGENTS),
    }
    beside, tried = await asyncio.gather(ask(_BESIDE, asked), ask(_TRIED, asked))
    return beside, tried


def _told(rows: Sequence[Row], beside: Sequence[Row], tried: Sequence[Row]) -> tuple[RunItem, ...]:
    besides, trials = ({row["run_id"]: row for row in told} for told in (beside, tried))
    return tuple(item_of(row, besides.get(row["run_id"], {}), trials.get(row["run_id"], {})) for row in rows)


def beside(story: Sequence[Told], tried: Sequence[Remediation]) -> tuple[Row, Row]:
    """The same of one run whose story is known."""
    latest = [told.type for told in story if told.type in AGENTS]
    steps = sum(told.type in STEPS for told in story)
    told = {"latest": latest[-1] if latest else "", "steps": steps}
    if not tried:
        return told, {}
    last = tried[0]
    return told, {
        "records": len(tried),
        "last_at": last.at,
        "last_agent": last.agent,
        "last_tool": last.tool,
    }


def _waits_for(row: Row) -> str:
    return str(row["throttled_by"]) if row["state"] == RunState.THROTTLED else ""


def item_of(row: Row, beside: Row, tried: Row) -> RunItem:
    return RunItem(
        run_id=row["run_id"],
        project_id=row["project_id"],
        incident_ids=tuple(row["incident_ids"]),
        number=row["number"],
        agent=AGENTS.get(beside.get("latest", ""), ""),
        state=row["state"],
        trigger_type=row["reason"],
        reason=row["end_reason"] or _waits_for(row) or row["reason"],
        shadow=row["shadow"],
        cost_usd=row["cost_usd"],
        steps=beside.get("steps", 0),
        created_at=row["created_at"],
        timeout_at=row["timeout_at"],
        release_at=row["release_at"] if _waits_for(row) else None,
        parent_incident_id=row["parent_incident_id"],
        parent_run_id=row["parent_run_id"],
        remediation_status=row["remediation_status"],
        remediation=RemediationSummary(
            **{name: tried[name] for name in RemediationSummary.model_fields if name in tried}
        ),
    )
