"""What the record knows of an alert: how often, when last, and what ended incidents like it.

Asked as the reader, with a time-out of its own: ClickHouse may be away, and a run goes on without it.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson

from connectors.evidence import Finding, Unavailable, Wanted
from schemas.envelope import from_millis, to_millis
from schemas.errors import Never, NotNow
from schemas.evidence import Source
from sinks.clickhouse.client import Client
from sinks.clickhouse.config import ClickHouseConfig

DAY_MS = 24 * 60 * 60 * 1000
MOST_INCIDENTS = 5
DEEPEST = 4

SIMILAR = """
SELECT
    countIf(fingerprint = {fingerprint:String}) AS same,
    countIf(alert_type = {alert_type:String} AND fingerprint != {fingerprint:String}) AS alike,
    uniqExactIf(target_resource, alert_type = {alert_type:String} AND fingerprint != {fingerprint:String})
        AS alike_targets,
    countIf(alert_type != {alert_type:String} AND {target:String} != '' AND target_resource = {target:String}
        AND namespace = {namespace:String}) AS beside,
    groupUniqArrayIf(8)(alert_type, alert_type != {alert_type:String} AND {target:String} != ''
        AND target_resource = {target:String} AND namespace = {namespace:String}) AS beside_types,
    maxIf(received_at, alert_type = {alert_type:String} AND fingerprint != {fingerprint:String}) AS alike_at,
    maxIf(received_at, alert_type != {alert_type:String} AND {target:String} != ''
        AND target_resource = {target:String} AND namespace = {namespace:String}) AS beside_at
FROM v_alerts
WHERE project_id = {project:String} AND status = 'firing'
    AND received_at > {since:DateTime64(3, 'UTC')} AND received_at <= {now:DateTime64(3, 'UTC')}
"""
# The ids first, by the one column that tells of them; then the steps of those few incidents.
PAST = """
SELECT
    incident_id,
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
    WHERE project_id = {project:String} AND fingerprint = {fingerprint:String}
        AND type = 'incident.opened' AND incident_id != {incident:String}
    GROUP BY incident_id ORDER BY min(opened_at) DESC LIMIT {most:UInt8})
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
FROM events FINAL
WHERE project_id = {project:String} AND event_id IN (
    SELECT event_id FROM incident_events
    WHERE project_id = {project:String} AND incident_id IN {incidents:Array(String)}
        AND (startsWith(type, 'execution.') OR type = 'rca.decided'))
ORDER BY recorded_at
LIMIT 200
"""
OPEN = """
SELECT namespace, target_resource, severity
FROM v_incidents
WHERE project_id = {project:String} AND resolved_at IS NULL AND target_resource != ''
    AND last_seen_at > {since:DateTime64(3, 'UTC')}
ORDER BY last_seen_at DESC
LIMIT 1000
"""
ENDED = {"incident.resolved": "RESOLVED", "incident.expired": "EXPIRED"}
Row = Mapping[str, Any]


class History:
    """One client, made when it is first needed: it finds the server again by itself."""

    source = Source.HISTORY
    tool = "clickhouse.history"
    server = "clickhouse"

    def __init__(self, config: ClickHouseConfig, timeout_secs: float = 6.0) -> None:
        self.timeout_secs = timeout_secs
        self._config = config
        self._client: Client | None = None
        self._connecting = asyncio.Lock()

    async def gather(self, wanted: Wanted) -> Sequence[Finding]:
        try:
            client = await self._connected()
            similar, past = await asyncio.gather(self._similar(client, wanted), self._past(client, wanted))
            done = await self._done(client, wanted, past) if past else {}
        except (NotNow, Never) as error:
            raise Unavailable(str(error)) from error
        before = [_past_incident(row, done.get(row["incident_id"], []), wanted) for row in past]
        return [*_recurrence(similar, past, wanted), *before]

    async def open_targets(self, project_id: str, now: int) -> list[tuple[str, str, str]]:
        """(namespace, name, severity) of what has an open incident; Unavailable as ever."""
        try:
            client = await self._connected()
            asked = {"project": project_id, "since": from_millis(now - DAY_MS)}
            rows = await client.ask(OPEN, asked)
        except (NotNow, Never) as error:
            raise Unavailable(str(error)) from error
        return [(row["namespace"], row["target_resource"], row["severity"]) for row in rows]

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def _connected(self) -> Client:
        async with self._connecting:
            if self._client is None:
                self._client = await Client.connect(self._config)
            return self._client

    async def _similar(self, client: Client, wanted: Wanted) -> Row:
        asked = {
            "project": wanted.project_id,
            "fingerprint": wanted.fingerprint,
            "alert_type": wanted.alert_type,
            "target": wanted.name,
            "namespace": wanted.namespace,
            "since": from_millis(wanted.now - DAY_MS),
            "now": from_millis(wanted.now),
        }
        return (await client.ask(SIMILAR, asked))[0]

    async def _past(self, client: Client, wanted: Wanted) -> list[dict[str, Any]]:
        asked = {
            "project": wanted.project_id,
            "fingerprint": wanted.fingerprint,
            "incident": wanted.incident_id,
            "most": MOST_INCIDENTS,
        }
        return await client.ask(PAST, asked)

    async def _done(self, client: Client, wanted: Wanted, past: Sequence[Row]) -> dict[str, list[Row]]:
        ids = [row["incident_id"] for row in past]
        done: dict[str, list[Row]] = defaultdict(list)
        for row in await client.ask(DONE, {"project": wanted.project_id, "incidents": ids}):
            done[row["incident_id"]].append(row)
        return done


def _recurrence(similar: Row, past: Sequence[Row], wanted: Wanted) -> Iterator[Finding]:
    last = past[0] if past else None
    known = (
        "it has no earlier incident" if last is None else f"its last incident was at {_at(last['first_at'])}"
    )
    yield Finding(
        kind="recurrence",
        about=wanted.name,
        observed_at=wanted.now,
        text=f"this alert was received {similar['same']} times in the past 24 hours; {known}",
        numbers={"alerts_24h": similar["same"], "earlier_incidents": len(past)},
        words={} if last is None else {"last_occurrence": _at(last["latest_at"] or last["first_at"])},
    )
    if similar["alike"]:
        yield Finding(
            kind="similar_alerts",
            about=wanted.alert_type,
            observed_at=to_millis(similar["alike_at"]),
            text=f"{wanted.alert_type} also fired {similar['alike']} times on {similar['alike_targets']} "
            "other targets in the past 24 hours",
            numbers={"alerts_24h": similar["alike"], "targets": similar["alike_targets"]},
        )
    if similar["beside"]:
        types = ", ".join(sorted(similar["beside_types"]))
        yield Finding(
            kind="other_alerts",
            about=wanted.name,
            observed_at=to_millis(similar["beside_at"]),
            text=f"{similar['beside']} other alerts on the same target in the past 24 hours: {types}",
            numbers={"alerts_24h": similar["beside"]},
            words={"alert_types": types},
        )


def _past_incident(row: Row, done: Sequence[Row], wanted: Wanted) -> Finding:
    status = ENDED.get(row["state"], "OPEN")
    minutes = _minutes(row["first_at"], row["ended_at"]) if status != "OPEN" else None
    executions = [found for one in done if (found := _execution(one))]
    decided = [one for one in done if one["type"] == "rca.decided"]
    words = {"incident": row["incident_id"], "status": status, "reason": row["why"]}
    if executions:
        words |= {"operation": executions[-1][0], "result": executions[-1][1]}
    if decided:
        words |= {"cause": decided[-1]["cause"], "recommended": decided[-1]["recommended"]}
    return Finding(
        kind="past_incident",
        about=wanted.name,
        observed_at=to_millis(row["first_at"]),
        text=_story(row, status, minutes, executions, decided),
        numbers={"alerts": row["alerts"], **({} if minutes is None else {"minutes_open": minutes})},
        words={name: word for name, word in words.items() if word},
    )


def _story(
    row: Row,
    status: str,
    minutes: float | None,
    executions: Sequence[tuple[str, str]],
    decided: Sequence[Row],
) -> str:
    lasted = "is still open" if minutes is None else f"ended as {status} after {minutes:.0f} min"
    parts = [f"{row['incident_id']} of {_at(row['first_at'])} {lasted}"]
    if row["why"]:
        parts.append(f"because {row['why']}")
    parts += [f"{operation} {result}" for operation, result in executions[-2:]]
    if decided and decided[-1]["cause"]:
        parts.append(f"its cause was thought to be: {decided[-1]['cause']}")
    if not executions:
        parts.append("no action of ours is on record")
    return "; ".join(parts)


def _execution(row: Row) -> tuple[str, str] | None:
    """What was done and how it ended, wherever in the payload that stands."""
    if not row["execution"]:
        return None
    payload = orjson.loads(row["execution"])
    operation = _find(payload, "operation")
    result = _find(payload, "result") or _find(payload, "status") or row["type"].partition(".")[2]
    return (operation, result.upper()) if operation else None


def _find(value: Any, name: str, depth: int = DEEPEST) -> str:
    if not isinstance(value, dict) or depth == 0:
        return ""
    if isinstance(value.get(name), str):
        return str(value[name])
    return next(filter(None, (_find(inner, name, depth - 1) for inner in value.values())), "")


def _minutes(since: datetime | None, until: datetime | None) -> float | None:
    return None if since is None or until is None else max(0.0, (until - since).total_seconds() / 60)


def _at(moment: datetime | None) -> str:
    return "an unknown time" if moment is None else f"{moment:%Y-%m-%d %H:%M} UTC"


class OpenTargets:
    """What has an open incident now. It is read from all incidents, so runs that begin together share it."""

    tool = "clickhouse.open_incidents"
    server = "clickhouse"
    timeout_secs = 3.0

    def __init__(self, history: History, clock: Callable[[], float], keep_secs: float = 10.0) -> None:
        self._history, self._clock, self._keep = history, clock, keep_secs
        self._known: dict[str, tuple[float, Sequence[tuple[str, str, str]]]] = {}

    async def open_targets(self, project_id: str, now: int) -> Sequence[tuple[str, str, str]]:
        known = self._known.get(project_id)
        if known is None or self._clock() - known[0] >= self._keep:
            known = (self._clock(), await self._history.open_targets(project_id, now))
            self._known[project_id] = known
        return known[1]
