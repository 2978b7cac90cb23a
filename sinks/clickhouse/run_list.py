"""Runs in a list, and what one of them is at the head of its page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connectors.gateway.reading import Projects, RunFilter
from connectors.gateway.shown import Page
from connectors.gateway.shown_runs import RemediationSummary, RunItem
from sinks.clickhouse.asking import asked_within, each, page_of, within
from sinks.clickhouse.steps import STEPS
from sinks.clickhouse.story import Ask, Row

_IDS = "project_id, run_id, created_at"
_RUN = """
SELECT project_id, run_id, incident_id, incident_ids, state, reason, end_reason, shadow, cost_usd, created_at,
       timeout_at, remediation_status, trigger_ref, error_code, error_detail, started_at, completed_at,
       updated_at
FROM v_runs WHERE {key} AND {whose}
"""
_OF_INCIDENT = """run_id IN
(SELECT run_id FROM incident_events WHERE incident_id = {incident:String} AND run_id != '')"""
AGENTS = {
    "run.requested": "runs",
    "run.started": "schedule",
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
_REMEDIATIONS = """
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
    items = await runs_of(ask, each(ids, "project_id"), each(ids, "run_id"))
    return Page[RunItem](items=items, total=total, **wanted.place)


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
    asked = {**asked_within(projects), "run": run}
    rows = await ask(_RUN.format(key="run_id = {run:String}", whose=within(projects)), asked)
    return rows[0] if rows else None


async def runs_of(ask: Ask, projects: Sequence[str], runs: Sequence[str]) -> tuple[RunItem, ...]:
    """These, the newest first."""
    if not runs:
        return ()
    asked = {"projects": list(projects), "runs": list(runs)}
    sql = _RUN.format(key="run_id IN {runs:Array(String)}", whose=within(projects))
    return await items_of(ask, await ask(f"{sql} ORDER BY created_at DESC, run_id", asked))


async def items_of(ask: Ask, rows: Sequence[Row]) -> tuple[RunItem, ...]:
    """With what the row does not say: who has it, how many steps it has, what was tried."""
    if not rows:
        return ()
    asked: dict[str, Any] = {
        "projects": each(rows, "project_id"),
        "runs": each(rows, "run_id"),
        "incidents": list(dict.fromkeys(incident for row in rows for incident in row["incident_ids"])),
        "steps": list(STEPS),
        "agents": list(AGENTS),
    }
    beside = {row["run_id"]: row for row in await ask(_BESIDE, asked)}
    tried = {row["run_id"]: row for row in await ask(_REMEDIATIONS, asked)}
    return tuple(_item(row, beside.get(row["run_id"], {}), tried.get(row["run_id"])) for row in rows)


def _item(row: Row, beside: Mapping[str, Any], tried: Row | None) -> RunItem:
    return RunItem(
        run_id=row["run_id"],
        project_id=row["project_id"],
        incident_ids=tuple(row["incident_ids"]),
        agent=AGENTS.get(beside.get("latest", ""), ""),
        state=row["state"],
        reason=row["end_reason"] or row["reason"],
        shadow=row["shadow"],
        cost_usd=row["cost_usd"],
        steps=beside.get("steps", 0),
        created_at=row["created_at"],
        timeout_at=row["timeout_at"],
        remediation_status=row["remediation_status"],
        remediation=_summary(tried),
    )


def _summary(tried: Row | None) -> RemediationSummary:
    if tried is None:
        return RemediationSummary()
    return RemediationSummary(**{name: tried[name] for name in RemediationSummary.model_fields})
