"""Incidents in a list, as they stand."""

# ruff: noqa: S608 (our own text; every value is a parameter)

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from connectors.gateway.reading import IncidentFilter, Projects
from connectors.gateway.shown import Page
from connectors.gateway.shown_incidents import IncidentItem
from sinks.clickhouse.asking import asked_within, each, page_of, within
from sinks.clickhouse.story import Ask, Row

_IDS = "project_id, incident_id, updated_at"
_COLUMNS = """project_id, incident_id, status, severity, alert_type, cluster, namespace, target_resource,
message, fingerprint, hit_count, runs, generation, opened_at, last_seen_at, resolved_at, updated_at"""
_WHOSE = """
SELECT incident_id, type, actor, payload
FROM events FINAL
WHERE project_id IN {projects:Array(String)} AND event_id IN
(
    SELECT event_id FROM incident_events
    WHERE project_id IN {projects:Array(String)} AND incident_id IN {incidents:Array(String)}
      AND type IN ('incident.acknowledged', 'incident.assigned')
)
ORDER BY recorded_at, kafka_offset
"""
_WAITING = """
SELECT incident_id, max(approval_id) AS waiting
FROM v_approvals
WHERE project_id IN {projects:Array(String)} AND incident_id IN {incidents:Array(String)}
  AND state = 'WAITING'
GROUP BY incident_id
"""
LOOKED_IN = ("incident_id", "alert_type", "target_resource", "namespace", "cluster", "message")


async def incidents(ask: Ask, wanted: IncidentFilter, projects: Projects) -> Page[IncidentItem]:
    """The latest first."""
    source = f"v_incidents WHERE {within(projects)} AND {_chosen(wanted)}"
    asked = {
        **asked_within(projects),
        "status": wanted.status or "",
        "severity": wanted.severity or "",
        "q": wanted.q,
    }
    ids, total = await page_of(ask, _IDS, source, "updated_at DESC, incident_id", wanted, asked)
    items = await _items(ask, each(ids, "project_id"), each(ids, "incident_id")) if ids else ()
    return Page[IncidentItem](items=items, total=total, **wanted.place)


async def incident_item(ask: Ask, incident: str, projects: Projects) -> IncidentItem | None:
    return next(iter(await _items(ask, projects, [incident])), None)


def _chosen(wanted: IncidentFilter) -> str:
    parts = ["1"]
    if wanted.status is not None:
        parts.append("status = {status:String}")
    if wanted.severity is not None:
        parts.append("severity = {severity:String}")
    if wanted.open is not None:
        parts.append("resolved_at IS NULL" if wanted.open else "resolved_at IS NOT NULL")
    if wanted.q:
        found = (f"positionCaseInsensitiveUTF8({column}, {{q:String}}) > 0" for column in LOOKED_IN)
        parts.append(f"({' OR '.join(found)})")
    return " AND ".join(parts)


async def _items(ask: Ask, projects: Projects, incidents: Sequence[str]) -> tuple[IncidentItem, ...]:
    """With what people did about each, and whether something waits for them; the latest first."""
    rows = await ask(
        f"SELECT {_COLUMNS} FROM v_incidents WHERE incident_id IN {{incidents:Array(String)}}"
        f" AND {within(projects)} ORDER BY updated_at DESC, incident_id",
        {**asked_within(projects), "incidents": list(incidents)},
    )
    if not rows:
        return ()
    asked = {"projects": each(rows, "project_id"), "incidents": each(rows, "incident_id")}
    whose = _whose(await ask(_WHOSE, asked))
    waiting = {row["incident_id"]: row["waiting"] for row in await ask(_WAITING, asked)}
    return tuple(
        IncidentItem(
            **row,
            **whose.get(row["incident_id"], {}),
            waiting_approval=waiting.get(row["incident_id"], ""),
        )
        for row in rows
    )


def _whose(acts: Sequence[Row]) -> Mapping[str, Mapping[str, Any]]:
    """The latest word on each counts."""
    found: dict[str, dict[str, Any]] = {}
    for act in acts:
        of = found.setdefault(act["incident_id"], {})
        if act["type"] == "incident.acknowledged":
            of["acknowledged_by"] = act["actor"]
        else:
            of["assignee"] = orjson.loads(act["payload"]).get("assignee", "")
    return found
