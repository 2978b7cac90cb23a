"""What the record says of several alerts of a project: three questions however many they are.

Three more, by the key, for those who have a past or are inhibited: most alerts of a storm are not.
"""

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

# One by one only what is about an alert that is asked about, or about its target: `apart`. All others are a
# row a type, since a cluster has thousands.
SIMILAR = """
SELECT
    alert_type,
    fingerprint IN {fingerprints:Array(String)} OR target_resource IN {apart:Array(String)} AS named,
    if(named, alerts.fingerprint, '') AS whose,
    if(named, alerts.namespace, '') AS place,
    if(named, alerts.target_resource, '') AS target,
    count() AS received,
    uniqExact(namespace, target_resource) AS targets,
    max(received_at) AS latest
FROM alerts FINAL
WHERE project_id = {project:String} AND status = 'firing'
    AND received_at > {since:DateTime64(3, 'UTC')} AND received_at <= {now:DateTime64(3, 'UTC')}
    AND (fingerprint IN {fingerprints:Array(String)} OR alert_type IN {alert_types:Array(String)}
        OR target_resource IN {targets:Array(String)})
GROUP BY alert_type, named, whose, place, target
"""
# The ids first, by the one column that tells of them; then the steps of those few incidents, by the key.
KNOWN = """
SELECT fingerprint, incident_id
FROM incidents
WHERE project_id = {project:String} AND fingerprint IN {fingerprints:Array(String)}
    AND type = 'incident.opened'
GROUP BY fingerprint, incident_id
ORDER BY min(opened_at) DESC, incident_id DESC
LIMIT {most:UInt8} BY fingerprint
"""
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
WHERE project_id = {project:String} AND incident_id IN {incidents:Array(String)}
GROUP BY incident_id
ORDER BY first_at DESC, incident_id DESC
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
# Which were ever inhibited: few are, and only these are asked about below.
INHIBITED = """
SELECT DISTINCT incident_id
FROM incident_marks
WHERE project_id = {project:String} AND incident_id IN {incidents:Array(String)}
    AND type = 'incident.silenced' AND quiet_kind = 'inhibition' AND quiet
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
    alike_targets: int = 0
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
    similar, known, quiet = await asyncio.gather(
        _similar(client, asked), _known(client, asked), _quiet(client, asked)
    )
    ids = {"project": asked[0].project_id, "incidents": known}
    incidents, done = await asyncio.gather(_incidents(client, ids), _done(client, ids))
    return [Past(similar(one), _earlier(incidents, one), done, quiet.get(one.incident_id)) for one in asked]


async def open_targets(client: Client, project_id: str, now: int) -> list[tuple[str, str, str]]:
    asked = {"project": project_id, "since": from_millis(now - DAY_MS)}
    rows = await client.ask(OPEN, asked)
    return [(row["namespace"], row["target_resource"], row["severity"]) for row in rows]


async def _similar(client: Client, asked: Sequence[Wanted]) -> _Counted:
    """Asked again where one of them was about other targets too: to be counted once, these stand apart."""
    latest = max(one.now for one in asked)
    targets = _each(one.name for one in asked)
    params = {
        "project": asked[0].project_id,
        "since": from_millis(latest - DAY_MS),
        "now": from_millis(latest),
        "fingerprints": _each(one.fingerprint for one in asked),
        "alert_types": _each(one.alert_type for one in asked),
        "targets": [name for name in targets if name],
        "apart": targets,
    }
    rows = await client.ask(SIMILAR, params)
    found = _each([*targets, *(row["target"] for row in rows if row["named"])])
    if found != targets:
        rows = await client.ask(SIMILAR, {**params, "apart": found})
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
            self._by_type[row["alert_type"]].append(row)
            if row["named"]:
                self._same[row["whose"]] += row["received"]
                self._by_target[row["place"], row["target"]].append(row)

    def __call__(self, wanted: Wanted) -> Similar:
        found = Similar(same=self._same.get(wanted.fingerprint, 0))
        alike = [row for row in self._by_type.get(wanted.alert_type, ()) if not _is(row, wanted)]
        if alike:
            found.alike = sum(row["received"] for row in alike)
            found.alike_targets = len({(row["place"], row["target"]) for row in alike if row["named"]})
            found.alike_targets += sum(row["targets"] for row in alike if not row["named"])
            found.alike_at = max(row["latest"] for row in alike)
        for row in self._by_target.get((wanted.namespace, wanted.name), ()) if wanted.name else ():
            if row["alert_type"] != wanted.alert_type:
                found.beside += row["received"]
                found.beside_types.add(row["alert_type"])
                found.beside_at = max(found.beside_at or row["latest"], row["latest"])
        return found


def _is(row: Row, wanted: Wanted) -> bool:
    return bool(row["named"]) and row["whose"] == wanted.fingerprint


async def _known(client: Client, asked: Sequence[Wanted]) -> list[str]:
    """Earlier incidents of any of them. One more than is told: the alert's own is among them."""
    fingerprints = _each(one.fingerprint for one in asked)
    params = {"project": asked[0].project_id, "fingerprints": fingerprints, "most": MOST_INCIDENTS + 1}
    own: dict[str, set[str]] = defaultdict(set)
    for one in asked:
        own[one.fingerprint].add(one.incident_id)
    rows = await client.ask(KNOWN, params)
    return _each(row["incident_id"] for row in rows if own[row["fingerprint"]] != {row["incident_id"]})


async def _incidents(client: Client, ids: Mapping[str, Any]) -> list[dict[str, Any]]:
    return await client.ask(PAST, ids) if ids["incidents"] else []


async def _quiet(client: Client, asked: Sequence[Wanted]) -> Mapping[str, Row]:
    ids = {"project": asked[0].project_id, "incidents": _each(one.incident_id for one in asked)}
    marked = [row["incident_id"] for row in await client.ask(INHIBITED, ids)]
    rows = await client.ask(QUIET, {**ids, "incidents": marked}) if marked else []
    return {row["incident_id"]: row for row in rows}


def _earlier(incidents: Sequence[Row], wanted: Wanted) -> Sequence[Row]:
    ours = [row for row in incidents if row["whose"] == wanted.fingerprint]
    return [row for row in ours if row["incident_id"] != wanted.incident_id][:MOST_INCIDENTS]


async def _done(client: Client, ids: Mapping[str, Any]) -> Mapping[str, Sequence[Row]]:
    done: dict[str, list[Row]] = defaultdict(list)
    for row in await client.ask(DONE, ids) if ids["incidents"] else ():
        done[row["incident_id"]].append(row)
    return done
