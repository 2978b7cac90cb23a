"""Questions: the ones that ship by name, and anybody's own SQL. Ask them as the reader."""

# ruff: noqa: S608 (our own text; every value is a parameter)

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from schemas.errors import BadPayload
from schemas.incident import IncidentStatus

if TYPE_CHECKING:  # the driver is slow to load, and the questions are read where nobody asks
    from sinks.clickhouse.client import Client

MOST_INCIDENTS = 100_000
OPEN = "OPEN"
Table: TypeAlias = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Named:
    """`{project:String}` in it is the project asked for, empty for all of them."""

    about: str
    sql: str


_ONE_PROJECT = "({project:String} = '' OR project_id = {project:String})"
_INCIDENTS = f"""
SELECT incident_id, status, severity, alert_type, cluster, namespace, target_resource, hit_count, runs,
       opened_at, last_seen_at, resolved_at, project_id
FROM v_incidents
WHERE {_ONE_PROJECT}
  AND ({{status:String}} = '' OR status = {{status:String}}
       OR ({{status:String}} = '{OPEN}' AND resolved_at IS NULL))
ORDER BY updated_at DESC, incident_id
LIMIT {{limit:UInt32}}
"""

NAMED: Mapping[str, Named] = {
    "daily": Named(
        "alerts, incidents and alerts per incident, day by day",
        f"SELECT * FROM v_daily WHERE {_ONE_PROJECT} ORDER BY day DESC, project_id LIMIT 100",
    ),
    "noise": Named(
        "how many alerts became how few incidents, by kind of alert",
        f"""
        SELECT project_id, alert_type, count() AS incidents, sum(hit_count) AS alerts,
               round(alerts / incidents, 1) AS alerts_per_incident
        FROM v_incidents WHERE {_ONE_PROJECT}
        GROUP BY project_id, alert_type ORDER BY alerts DESC LIMIT 100
        """,
    ),
    "fingerprints": Named(
        "the fingerprints that fire most often",
        f"""
        SELECT project_id, fingerprint, any(alert_type) AS alert_type, any(namespace) AS namespace,
               any(target_resource) AS target_resource, sum(hit_count) AS alerts, count() AS incidents,
               max(last_seen_at) AS last_seen_at
        FROM v_incidents WHERE {_ONE_PROJECT}
        GROUP BY project_id, fingerprint ORDER BY alerts DESC LIMIT 50
        """,
    ),
    "causes": Named(
        "which causes of runs people called right or wrong, and the real ones",
        f"""
        SELECT judged.project_id AS project_id, incident_id, run_id, named, service_named, verdict, cause,
               service, playbook, actor, recorded_at
        FROM (
            SELECT project_id, incident_id, run_id, actor, recorded_at,
                   JSONExtractString(payload, 'verdict') AS verdict,
                   JSONExtractString(payload, 'cause') AS cause,
                   JSONExtractString(payload, 'service') AS service,
                   JSONExtractString(payload, 'playbook') AS playbook
            FROM events FINAL WHERE type = 'learning.cause_judged' AND {_ONE_PROJECT}
        ) AS judged
        LEFT JOIN (
            SELECT run_id, JSONExtractString(payload, 'hypothesis', 'cause') AS named,
                   JSONExtractString(payload, 'hypothesis', 'service') AS service_named
            FROM events FINAL WHERE type = 'rca.decided' AND {_ONE_PROJECT}
        ) AS decided USING run_id
        ORDER BY recorded_at DESC LIMIT 1000
        """,
    ),
    "rejected": Named(
        "records that no source or stage could read, by reason",
        f"""
        SELECT project_id, type, stage, source, reason, count() AS records, max(recorded_at) AS latest
        FROM v_rejected WHERE {_ONE_PROJECT}
        GROUP BY project_id, type, stage, source, reason ORDER BY records DESC LIMIT 100
        """,
    ),
    "set-aside": Named(
        "records of the log that are not in the record, with their place and why",
        f"""
        SELECT topic, kafka_partition, kafka_offset, log_epoch, project_id, event_id, reason, at
        FROM set_aside FINAL WHERE {_ONE_PROJECT} ORDER BY at DESC LIMIT 100
        """,
    ),
    "delay": Named(
        "how long the last day's events took from the log to the record, by topic",
        f"""
        SELECT project_id, topic, count() AS events,
               quantile(0.5)(dateDiff('millisecond', recorded_at, stored_at)) AS median_ms,
               quantile(0.99)(dateDiff('millisecond', recorded_at, stored_at)) AS p99_ms
        FROM events WHERE {_ONE_PROJECT} AND stored_at > now64(3, 'UTC') - INTERVAL 1 DAY
        GROUP BY project_id, topic ORDER BY project_id, topic LIMIT 200
        """,
    ),
    "events": Named(
        "how many events of which type there are",
        f"""
        SELECT project_id, type, count() AS events, max(recorded_at) AS latest
        FROM events FINAL WHERE {_ONE_PROJECT}
        GROUP BY project_id, type ORDER BY events DESC LIMIT 200
        """,
    ),
}


async def query(
    client: Client, asked: str, project: str = "", params: Mapping[str, Any] | None = None
) -> Table:
    """The answer to a named question, or to `asked` as SQL. Raises Away or Refused."""
    named = NAMED.get(asked.strip())
    if named is None and len(asked.split()) == 1:
        raise BadPayload(f"{asked!r} is neither SQL nor one of {', '.join(NAMED)}", field="query")
    return await client.ask(named.sql if named else asked, {"project": project, **(params or {})})


async def incidents(client: Client, project: str = "", status: str = "", limit: int = 50) -> Table:
    """Incidents as they stand, the latest first. OPEN is every state before resolved."""
    if status and status not in (OPEN, *IncidentStatus):
        raise BadPayload(f"{status!r} is not one of {OPEN}, {', '.join(IncidentStatus)}", field="status")
    if not 1 <= limit <= MOST_INCIDENTS:
        raise BadPayload(f"{limit} is not between 1 and {MOST_INCIDENTS}", field="limit")
    return await client.ask(_INCIDENTS, {"project": project, "status": status, "limit": limit})
