"""Questions: the ones that ship by name, and anybody's own SQL. Ask them as the reader."""

# ruff: noqa: S608 (our own text; every value is a parameter)

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from schemas.errors import BadPayload
from schemas.incident import IncidentStatus
from sinks.clickhouse.contracts import contracts_sql

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
_COUNTED = f"""
SELECT project_id, incident_id, max(fingerprint) AS fingerprint, max(alert_type) AS alert_type,
       max(namespace) AS namespace, max(target_resource) AS target_resource, max(hit_count) AS hits,
       max(last_seen_at) AS last_seen
FROM incidents WHERE {_ONE_PROJECT} GROUP BY project_id, incident_id
"""
"""what an incident keeps for life, and counts that only grow: neither needs the order of steps, nor FINAL"""
_INCIDENTS = f"""
SELECT incident_id, status, severity, alert_type, cluster, namespace, target_resource, hit_count, runs,
       opened_at, last_seen_at, resolved_at, project_id
FROM v_incidents
WHERE {_ONE_PROJECT} AND (project_id, incident_id) IN (
    SELECT project_id, incident_id
    FROM v_incidents
    WHERE {_ONE_PROJECT}
      AND ({{status:String}} = '' OR status = {{status:String}}
           OR ({{status:String}} = '{OPEN}' AND resolved_at IS NULL))
    ORDER BY updated_at DESC, incident_id
    LIMIT {{limit:UInt32}}
)
ORDER BY updated_at DESC, incident_id
"""

NAMED: Mapping[str, Named] = {
    "daily": Named(
        "alerts, incidents and alerts per incident, day by day",
        f"SELECT * FROM v_daily WHERE {_ONE_PROJECT} ORDER BY day DESC, project_id LIMIT 100",
    ),
    "noise": Named(
        "how many alerts became how few incidents, by kind of alert",
        f"""
        SELECT project_id, alert_type, count() AS incidents, sum(hits) AS alerts,
               round(alerts / incidents, 1) AS alerts_per_incident
        FROM ({_COUNTED}) GROUP BY project_id, alert_type ORDER BY alerts DESC LIMIT 100
        """,
    ),
    "fingerprints": Named(
        "the fingerprints that fire most often",
        f"""
        SELECT project_id, fingerprint, any(alert_type) AS alert_type, any(namespace) AS namespace,
               any(target_resource) AS target_resource, sum(hits) AS alerts, count() AS incidents,
               max(last_seen) AS last_seen_at
        FROM ({_COUNTED}) GROUP BY project_id, fingerprint ORDER BY alerts DESC LIMIT 50
        """,
    ),
    "times": Named(
        "how long it takes to diagnose, decide, approve, execute and resolve",
        f"""
        SELECT project_id, step, count() AS times, round(quantile(0.5)(secs), 1) AS median_secs,
               round(quantile(0.95)(secs), 1) AS p95_secs, round(max(secs), 1) AS longest_secs
        FROM v_times WHERE {_ONE_PROJECT}
        GROUP BY project_id, step
        ORDER BY project_id, indexOf(['diagnose', 'decide', 'approve', 'execute', 'resolve'], step) LIMIT 500
        """,
    ),
    "operations": Named(
        "how often each operation succeeds",
        f"""
        SELECT * FROM v_operations WHERE {_ONE_PROJECT} ORDER BY actions DESC, project_id, operation LIMIT 200
        """,
    ),
    "trust": Named(
        "how trust was earned and lost, day by day",
        f"""
        SELECT * FROM v_trust_daily WHERE {_ONE_PROJECT} ORDER BY day DESC, project_id, trust_key LIMIT 500
        """,
    ),
    "approvers": Named(
        "who approved or rejected what, the latest first",
        f"""
        SELECT signed_at, project_id, person, decision, operation, namespace, target_kind, target_name, risk,
               approval_id, reason
        FROM v_signatures WHERE {_ONE_PROJECT} ORDER BY signed_at DESC, person LIMIT 500
        """,
    ),
    "models": Named(
        "what models cost, and how often one had to be asked after another",
        f"""
        SELECT project_id, agent, provider, model, sum(day.turns) AS turns, sum(day.fell_back) AS fell_back,
               round(fell_back / turns, 3) AS fallback_rate, sum(day.degraded) AS degraded,
               sum(day.tokens_in) AS tokens_in, sum(day.tokens_out) AS tokens_out,
               round(sum(day.cost_usd), 4) AS usd
        FROM v_models AS day WHERE {_ONE_PROJECT}
        GROUP BY project_id, agent, provider, model ORDER BY usd DESC, turns DESC, agent, provider LIMIT 200
        """,
    ),
    "disagreement": Named(
        "how often the agents disagree, and how they voted then",
        f"""
        SELECT project_id, diagnostician, solver, reviewer, critic, any(debate.disagree) AS disagree,
               count() AS debates, round(debates / sum(count()) OVER (PARTITION BY project_id), 3) AS share,
               round(avg(debate.confidence), 2) AS confidence, max(at) AS latest
        FROM v_disagreement AS debate WHERE {_ONE_PROJECT}
        GROUP BY project_id, diagnostician, solver, reviewer, critic
        ORDER BY disagree DESC, debates DESC LIMIT 200
        """,
    ),
    "late": Named(
        "what came too late or was no longer so: turns, signatures, approvals, runs, actions",
        f"""
        SELECT project_id, kind, reason, count() AS times, max(at) AS latest
        FROM v_late WHERE {_ONE_PROJECT}
        GROUP BY project_id, kind, reason ORDER BY times DESC, latest DESC LIMIT 200
        """,
    ),
    "causes": Named(
        "which causes of runs people called right or wrong, and the real ones",
        f"""
        SELECT judged.project_id AS project_id, incident_id, run_id, named, service_named, verdict,
               judged.cause AS cause, judged.service AS service, playbook, actor, recorded_at
        FROM (
            SELECT project_id, incident_id, run_id, actor, recorded_at,
                   JSONExtractString(payload, 'verdict') AS verdict,
                   JSONExtractString(payload, 'cause') AS cause,
                   JSONExtractString(payload, 'service') AS service,
                   JSONExtractString(payload, 'playbook') AS playbook
            FROM events FINAL
            WHERE {_ONE_PROJECT} AND (project_id, event_id) IN
                (SELECT project_id, event_id FROM run_events FINAL
                 WHERE type = 'learning.cause_judged' AND {_ONE_PROJECT}
                 ORDER BY recorded_at DESC LIMIT 1000)
        ) AS judged
        LEFT JOIN (
            SELECT project_id, run_id, cause AS named, service AS service_named
            FROM v_decisions WHERE {_ONE_PROJECT}
        ) AS decided USING (project_id, run_id)
        ORDER BY recorded_at DESC LIMIT 1000
        """,
    ),
    "storms": Named(
        "minutes in which runs waited, were shared or were not needed any more, the latest first",
        f"SELECT * FROM v_storms WHERE {_ONE_PROJECT} ORDER BY minute DESC, project_id LIMIT 200",
    ),
    "silences": Named(
        "silences, maintenance windows and change freezes as they stand",
        f"""
        SELECT project_id, silence_id, kind, state, matchers, starts_at, ends_at, set_by, comment, source
        FROM v_silences WHERE {_ONE_PROJECT}
        ORDER BY indexOf(['active', 'pending', 'expired'], state), starts_at DESC, silence_id LIMIT 200
        """,
    ),
    "quiet": Named(
        "which incidents a silence, a window or an inhibition keeps quiet, or kept",
        f"""
        SELECT project_id, incident_id, kind, active, silence_id, set_by, comment, until, since
        FROM v_quiet WHERE {_ONE_PROJECT} ORDER BY active DESC, changed_at DESC, incident_id LIMIT 200
        """,
    ),
    "flapping": Named(
        "which incidents' alerts go on and off, those that still do first, and how often they changed",
        f"""
        SELECT f.project_id AS project_id, f.incident_id AS incident_id, f.flapping AS flapping,
            f.changes AS changes, f.since AS since, i.alert_type AS alert_type,
            i.target_resource AS target_resource, i.status AS status
        FROM (SELECT * FROM v_flapping WHERE {_ONE_PROJECT}) AS f
        JOIN (SELECT * FROM v_incidents WHERE {_ONE_PROJECT}) AS i USING (project_id, incident_id)
        ORDER BY flapping DESC, f.changed_at DESC, incident_id LIMIT 200
        """,
    ),
    "contracts": Named(
        "revisions of the policy and of playbooks, and how many decisions went by each",
        f"{contracts_sql(_ONE_PROJECT)} ORDER BY recorded_at DESC, contract_id, number DESC LIMIT 200",
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
