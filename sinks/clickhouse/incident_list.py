"""Incidents in a list, as they stand."""

# ruff: noqa: S608 (our own text; every value is a parameter)

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from connectors.gateway.reading import IncidentFilter, Projects
from connectors.gateway.shown import Page
from connectors.gateway.shown_incidents import IncidentItem
from sinks.clickhouse.asking import asked_within, each, page_of, within
from sinks.clickhouse.story import Ask, Row

ACKNOWLEDGED, ASSIGNED, LINKED = "incident.acknowledged", "incident.assigned", "incident.linked"
FLAPPING, SILENCED = "incident.flapping", "incident.silenced"
MARKS = (ACKNOWLEDGED, ASSIGNED, LINKED, FLAPPING, SILENCED)
MOST_CHILDREN = 1000
"""that are told of a parent"""
BEGINS = ("incident.opened", "incident.reopened")
ENDS = ("incident.resolved", "incident.expired")
_COLUMNS = """project_id, incident_id, status, severity, alert_type, cluster, namespace, target_resource,
message, fingerprint, hit_count, runs, generation, opened_at, last_seen_at, resolved_at, updated_at"""
_ROWS = f"""
SELECT {_COLUMNS} FROM v_incidents
WHERE project_id IN {{projects:Array(String)}} AND incident_id IN {{incidents:Array(String)}}
"""
# As v_incidents, but without the repeats, which are nearly all of the rows, and change nothing of this.
_STEPS = """
(
    SELECT
        project_id,
        incident_id,
        max(recorded_at) AS moved_at,
        argMaxIf(incidents.status, place, incidents.status != '') AS status,
        ['', 'info', 'warning', 'critical'][1 + max(rank)] AS severity,
        argMaxIf(type, place, has({{begins:Array(String)}}, type) OR has({{ends:Array(String)}}, type))
            IN {{begins:Array(String)}} AS is_open,
        argMaxIf(incidents.alert_type, place, incidents.alert_type != '') AS alert_type,
        argMaxIf(incidents.target_resource, place, incidents.target_resource != '') AS target_resource,
        argMaxIf(incidents.namespace, place, incidents.namespace != '') AS namespace,
        argMaxIf(incidents.cluster, place, incidents.cluster != '') AS cluster,
        argMaxIf(incidents.message, place, incidents.message != '') AS message
    FROM
    (
        SELECT *, (log_epoch, kafka_offset) AS place,
            if(highest_severity != '', highest_severity, severity) AS highest,
            indexOf(['info', 'warning', 'critical'], highest) AS rank
        FROM incidents WHERE type != 'incident.hit' AND {whose}
    ) AS incidents
    GROUP BY project_id, incident_id
)
WHERE {chosen}
"""
_ACTS = f"""
SELECT incident_id, type, actor, assignee, parent_id, flapping, quiet, quiet_kind, silence_id, quiet_until
FROM incident_marks FINAL
WHERE project_id IN {{projects:Array(String)}} AND incident_id IN {{incidents:Array(String)}}
  AND type IN {MARKS}
ORDER BY recorded_at, kafka_offset
"""
_CHILDREN = f"""
SELECT parent_id AS incident_id,
       arraySort(groupUniqArray({MOST_CHILDREN})(incident_marks.incident_id)) AS children
FROM incident_marks
WHERE project_id IN {{projects:Array(String)}} AND parent_id IN {{incidents:Array(String)}}
  AND type = '{LINKED}'
GROUP BY parent_id
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
    """Those to which something happened last come first; that they fire on is nothing new."""
    asked = {
        **asked_within(projects),
        "status": wanted.status or "",
        "severity": wanted.severity or "",
        "q": wanted.q,
        "ends": list(ENDS),
        "begins": list(BEGINS),
    }
    source = _STEPS.format(whose=within(projects), chosen=_chosen(wanted))
    order = "moved_at DESC, incident_id"
    ids, total = await page_of(ask, "project_id, incident_id, moved_at", source, order, wanted, asked)
    if not ids:
        return Page[IncidentItem](items=(), total=total, **wanted.place)
    asked = {"projects": each(ids, "project_id"), "incidents": each(ids, "incident_id")}
    rows, acts, waits, kin = await asyncio.gather(
        ask(_ROWS, asked), ask(_ACTS, asked), ask(_WAITING, asked), ask(_CHILDREN, asked)
    )
    whose, waiting = whose_of(acts), {row["incident_id"]: row["waiting"] for row in waits}
    children = {row["incident_id"]: len(row["children"]) for row in kin}
    items = {
        incident: item_of(row, whose.get(incident, {}), waiting.get(incident, ""), children.get(incident, 0))
        for incident, row in ((row["incident_id"], row) for row in rows)
    }
    there = (items.get(row["incident_id"]) for row in ids)  # what was erased meanwhile is left out
    return Page[IncidentItem](items=tuple(filter(None, there)), total=total, **wanted.place)


async def project_of(ask: Ask, incident: str, projects: Projects) -> str | None:
    """Of these projects, where there is such an incident."""
    sql = f"SELECT project_id FROM incidents WHERE incident_id = {{incident:String}} AND {within(projects)}"
    rows = await ask(f"{sql} LIMIT 1", {**asked_within(projects), "incident": incident})
    return str(rows[0]["project_id"]) if rows else None


async def one(ask: Ask, incident: str, projects: Projects) -> Row | None:
    """Its row of v_incidents."""
    sql = f"SELECT {_COLUMNS} FROM v_incidents WHERE incident_id = {{incident:String}} AND {within(projects)}"
    rows = await ask(sql, {**asked_within(projects), "incident": incident})
    return rows[0] if rows else None


async def children_of(ask: Ask, project: str, incident: str) -> Sequence[str]:
    """The incidents that belong to it."""
    rows = await ask(_CHILDREN, {"projects": [project], "incidents": [incident]})
    return tuple(rows[0]["children"]) if rows else ()


def item_of(row: Row, whose: Mapping[str, Any], waiting: str, children: int) -> IncidentItem:
    return IncidentItem(**row, **whose, waiting_approval=waiting, children=children)


def _chosen(wanted: IncidentFilter) -> str:
    parts = ["1"]
    if wanted.status is not None:
        parts.append("status = {status:String}")
    if wanted.severity is not None:
        parts.append("severity = {severity:String}")
    if wanted.open is not None:
        parts.append(f"is_open = {wanted.open:d}")
    if wanted.q:
        found = (f"positionCaseInsensitiveUTF8({column}, {{q:String}}) > 0" for column in LOOKED_IN)
        parts.append(f"({' OR '.join(found)})")
    return " AND ".join(parts)


def whose_of(acts: Sequence[Row]) -> Mapping[str, dict[str, Any]]:
    """The latest word on each counts."""
    found: dict[str, dict[str, Any]] = {}
    quiet: dict[str, dict[str, Row]] = {}
    for act in acts:
        of = found.setdefault(act["incident_id"], {})
        if act["type"] == ACKNOWLEDGED:
            of["acknowledged_by"] = act["actor"]
        elif act["type"] == LINKED:
            of["parent_incident_id"] = act["parent_id"]
        elif act["type"] == FLAPPING:
            of["flapping"] = act["flapping"]
        elif act["type"] == SILENCED:
            marks = quiet.setdefault(act["incident_id"], {})
            marks[act["silence_id"]] = act
            of["quiet"] = _quiet(marks.values())
        else:
            of["assignee"] = act["assignee"]
    return found


def _quiet(marks: Iterable[Row]) -> tuple[str, ...]:
    """What was not heard to have ended, and whose end is not past."""
    lasting = [one["quiet_kind"] for one in marks if one["quiet"] and not _is_past(one["quiet_until"])]
    return tuple(sorted(set(lasting)))


def _is_past(moment: datetime | None) -> bool:
    """ClickHouse's times come without their zone, which is UTC."""
    return moment is not None and moment.replace(tzinfo=UTC) <= datetime.now(UTC)
