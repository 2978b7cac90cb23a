"""What the record says of several alerts of a project, in four questions however many they are."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from connectors.evidence import Wanted
from schemas.envelope import from_millis
from sinks.clickhouse.client import Client

DAY_MS = 24 * 60 * 60 * 1000
MOST_INCIDENTS = 5

SIMILAR = """
SELECT fingerprint, alert_type, namespace, target_resource, count() AS alerts, max(received_at) AS latest
FROM v_alerts
WHERE project_id = {project:String} AND status = 'firing'
    AND received_at > {since:DateTime64(3, 'UTC')} AND received_at <= {now:DateTime64(3, 'UTC')}
    AND (fingerprint IN {fingerprints:Array(String)} OR alert_type IN {alert_types:Array(String)}
        OR target_resource IN {targets:Array(String)})
GROUP BY fingerprint, alert_type, namespace, target_resource
ORDER BY fingerprint IN {fingerprints:Array(String)} DESC, alerts DESC
LIMIT 10000
"""
# The ids first, by the one column that tells of them; then the steps of those few incidents.
PAST = """
SELECT
    incident_id,
    argMaxIf(incidents.fingerprint, (log_epoch, kafka_offset), incidents.fingerprint != '') AS whose,
    min(incidents.opened_at) AS first_at,
    max(incidents.last_seen_at) AS latest_at,
    max(incidents.hit_count) AS alerts,
    maxIf(ifNull(incidents.resolved_at, recorded_at), type IN ('incident.resolved', 'incident.expired'))
        AS ended_at,
    argMaxIf(type, (log_epoch, kafka_offset), type IN ('incident.opened', 'incident.reopened',
        'incident.resolved', 'incident.expired')) AS state,
    argMaxIf(reason, (log_epoch, kafka_offset), type IN ('incident.resolved', 'incident.expired')) AS why
FROM incidents FINAL
WHERE project_id = {project:String} AND incident_id IN (
    SELECT incident_id FROM incidents
    WHERE project_id = {project:String} AND fingerprint IN {fingerprints:Array(String)}
        AND type = 'incident.opened'
    GROUP BY fingerprint, incident_id ORDER BY min(opened_at) DESC LIMIT {most:UInt8} BY fingerprint)
GROUP BY incident_id
ORDER BY first_at DESC
"""
DONE = """
SELECT
    incident_id,
    type,
    recorded_at,
    if(startsWith(type, 'execution.'), payload, '') AS execution,
    JSONExtractString(payload, 'hypothesis', 'cause') AS cause,
    JSONExtractString(payload, 'recommended_action', 'step', 'operation') AS recommended
FROM (
    SELECT incident_id, type, recorded_at, payload
    FROM events
    WHERE project_id = {project:String} AND event_id IN (
        SELECT event_id FROM incident_events
        WHERE project_id = {project:String} AND incident_id IN {incidents:Array(String)}
            AND (startsWith(type, 'execution.') OR type = 'rca.decided'))
    ORDER BY version DESC LIMIT 1 BY event_id)
ORDER BY recorded_at
LIMIT 1000
"""
# Each change once; the latest of an inhibition tells whether it lasts.
QUIET = """
SELECT incident_id, argMax(JSONExtractBool(payload, 'active'), place) AS active,
    argMax(JSONExtractString(payload, 'comment'), place) AS comment, max(recorded_at) AS since
FROM (
    SELECT incident_id, payload, recorded_at, (log_epoch, kafka_offset) AS place
    FROM events
    WHERE project_id = {project:String} AND event_id IN (
        SELECT event_id FROM incident_marks
        WHERE project_id = {project:String} AND incident_id IN {incidents:Array(String)}
            AND type = 'incident.silenced' AND quiet_kind = 'inhibition')
    ORDER BY version DESC LIMIT 1 BY event_id)
GROUP BY incident_id
HAVING active
"""
OPEN = """
SELECT namespace, target_resource, severity
FROM v_incidents
WHERE project_id = {project:String} AND resolved_at IS NULL AND target_resource != ''
    AND last_seen_at > {since:DateTime64(3, 'UTC')}
ORDER BY last_seen_at DESC
LIMIT 1000
"""
Row = Mapping[str, Any]


@dataclass(slots=True)
class Similar:
    """Alerts of the past day: this one, its like on other targets, others on the same target."""

    same: int = 0
    alike: int = 0
    alike_targets: set[tuple[str, str]] = field(default_factory=set)
    alike_at: datetime | None = None
    beside: int = 0
    beside_types: set[str] = field(default_factory=set)
    beside_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Past:
    """What the record says of one alert."""

    similar: Similar
    incidents: Sequence[Row]
    """earlier ones, the latest first"""
    done: Mapping[str, Sequence[Row]]
    """what was decided and executed, by incident"""
    quiet: Row | None = None
    """what inhibits it now, where its sender says so"""


async def read_past(client: Client, asked: Sequence[Wanted]) -> list[Past]:
    """All of one project. Raises Away or Refused."""
    similar = await _similar(client, asked)
    incidents, quiet = await asyncio.gather(_incidents(client, asked), _quiet(client, asked))
    done = await _done(client, asked[0].project_id, incidents)
    return [Past(similar(one), _earlier(incidents, one), done, quiet.get(one.incident_id)) for one in asked]


async def open_targets(client: Client, project_id: str, now: int) -> list[tuple[str, str, str]]:
    asked = {"project": project_id, "since": from_millis(now - DAY_MS)}
    rows = await client.ask(OPEN, asked)
    return [(row["namespace"], row["target_resource"], row["severity"]) for row in rows]


async def _similar(client: Client, asked: Sequence[Wanted]) -> _Counted:
    latest = max(one.now for one in asked)
    rows = await client.ask(
        SIMILAR,
        {
            "project": asked[0].project_id,
            "since": from_millis(latest - DAY_MS),
            "now": from_millis(latest),
            "fingerprints": _each(one.fingerprint for one in asked),
            "alert_types": _each(one.alert_type for one in asked),
            "targets": _each(one.name for one in asked if one.name),
        },
    )
    return _Counted(rows)


def _each(texts: Any) -> list[str]:
    return sorted(set(texts))


class _Counted:
    """The rows by what they are looked up by."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self._by_type: dict[str, list[Row]] = defaultdict(list)
        self._by_target: dict[tuple[str, str], list[Row]] = defaultdict(list)
        self._same: dict[str, int] = defaultdict(int)
        for row in rows:
            self._same[row["fingerprint"]] += row["alerts"]
            self._by_type[row["alert_type"]].append(row)
            self._by_target[row["namespace"], row["target_resource"]].append(row)

    def __call__(self, wanted: Wanted) -> Similar:
        found = Similar(same=self._same.get(wanted.fingerprint, 0))
        for row in self._by_type.get(wanted.alert_type, ()):
            if row["fingerprint"] != wanted.fingerprint:
                found.alike += row["alerts"]
                found.alike_targets.add((row["namespace"], row["target_resource"]))
                found.alike_at = max(found.alike_at or row["latest"], row["latest"])
        for row in self._by_target.get((wanted.namespace, wanted.name), ()) if wanted.name else ():
            if row["alert_type"] != wanted.alert_type:
                found.beside += row["alerts"]
                found.beside_types.add(row["alert_type"])
                found.beside_at = max(found.beside_at or row["latest"], row["latest"])
        return found


async def _incidents(client: Client, asked: Sequence[Wanted]) -> list[dict[str, Any]]:
    """One more than is told: the alert's own is among them."""
    fingerprints = _each(one.fingerprint for one in asked)
    params = {"project": asked[0].project_id, "fingerprints": fingerprints, "most": MOST_INCIDENTS + 1}
    return await client.ask(PAST, params)


async def _quiet(client: Client, asked: Sequence[Wanted]) -> Mapping[str, Row]:
    params = {"project": asked[0].project_id, "incidents": _each(one.incident_id for one in asked)}
    return {row["incident_id"]: row for row in await client.ask(QUIET, params)}


def _earlier(incidents: Sequence[Row], wanted: Wanted) -> Sequence[Row]:
    ours = [row for row in incidents if row["whose"] == wanted.fingerprint]
    return [row for row in ours if row["incident_id"] != wanted.incident_id][:MOST_INCIDENTS]


async def _done(client: Client, project_id: str, incidents: Sequence[Row]) -> Mapping[str, Sequence[Row]]:
    done: dict[str, list[Row]] = defaultdict(list)
    if incidents:
        params = {"project": project_id, "incidents": [row["incident_id"] for row in incidents]}
        for row in await client.ask(DONE, params):
            done[row["incident_id"]].append(row)
    return done
