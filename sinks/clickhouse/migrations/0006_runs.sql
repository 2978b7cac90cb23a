-- Runs: which events a run has, and what makes its state.

-- Which events a run has, as `incident_events` has those of an incident. A tool is called often and asked about
-- by its own table, so its calls are not here.
CREATE TABLE IF NOT EXISTS run_events
(
    project_id  LowCardinality(String) COMMENT 'tenant',
    run_id      String COMMENT 'the run',
    event_id    UUID COMMENT 'an event of it',
    incident_id String COMMENT 'its incident',
    type        LowCardinality(String) COMMENT 'what happened',
    recorded_at DateTime64(3, 'UTC') COMMENT 'when AWOOOI wrote it to the log',
    version     Int64 COMMENT 'the negated offset: the lowest offset wins'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (project_id, run_id, event_id)
TTL toDateTime(recorded_at) + INTERVAL 400 DAY
COMMENT 'Index of events by run. Private.';

CREATE MATERIALIZED VIEW IF NOT EXISTS run_events_from_events TO run_events AS
SELECT
    project_id,
    run_id,
    event_id,
    incident_id,
    type,
    recorded_at,
    version
FROM events
WHERE run_id != '' AND type != 'tool.called';

-- The steps that make the state of a run, a handful a run. That a tool read something is one row a run, since
-- only whether is asked.
CREATE TABLE IF NOT EXISTS runs
(
    project_id  LowCardinality(String) COMMENT 'tenant',
    run_id      String COMMENT 'the run',
    event_id    UUID COMMENT 'of this step; none for tools that only read: a run has one such row',
    incident_id String COMMENT 'the incident that it serves',
    type        LowCardinality(String) COMMENT 'run.requested, run.started, rca.decided, ..., run.finished',
    state       LowCardinality(String) COMMENT 'the state this step leads to, empty where it stays',
    rank        UInt8 COMMENT 'how far this state is in the life of a run: the highest is the state of the run',
    number      UInt32 COMMENT 'which run of the incident, from 1; 0 where not said',
    reason      LowCardinality(String) COMMENT 'why it was asked for, or why it ended',
    severity    LowCardinality(String) COMMENT 'highest seen on the incident when it began',
    deadline_at Nullable(DateTime64(3, 'UTC')) COMMENT 'when the whole run must have ended',
    error_code  LowCardinality(String) COMMENT 'E-..., of its end; empty where nothing went wrong',
    detail      String COMMENT 'of its end, in one sentence',
    trigger_ref String COMMENT 'the event that asked for it',
    approval_id String COMMENT 'what people were asked, empty where nothing',
    cost_usd    Float64 COMMENT 'of all models, by the configured prices',
    tokens_in   UInt64 COMMENT 'of all questions to models',
    tokens_out  UInt64 COMMENT 'of all their answers',
    degraded    Bool COMMENT 'nobody spoke from what it was to have',
    remediation LowCardinality(String) COMMENT 'what this step says of remediation, empty where it says nothing',
    recorded_at DateTime64(3, 'UTC') COMMENT 'when AWOOOI wrote it to the log',
    version     Int64 COMMENT 'the negated offset: the lowest offset wins'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (project_id, run_id, event_id)
TTL toDateTime(recorded_at) + INTERVAL 400 DAY
COMMENT 'The steps that make the state of every run. Private: ask v_runs.';

CREATE MATERIALIZED VIEW IF NOT EXISTS runs_from_events TO runs AS
WITH JSONExtract(payload, 'Tuple(
    number UInt32, reason String, severity String, deadline_at String, state String, error_code String,
    detail String, approval_id String, status String, scope String,
    usage Tuple(cost_usd Float64, tokens_in UInt64, tokens_out UInt64), all_agents_degraded Bool)') AS step
SELECT
    project_id,
    run_id,
    if(type = 'tool.called' AND step.scope != 'write', toUUIDOrZero(''), event_id) AS event_id,
    incident_id,
    type,
    multiIf(
        type = 'run.requested', 'queued',
        type = 'run.started', 'running',
        type = 'approval.requested', 'waiting_approval',
        startsWith(type, 'approval.'), 'running',
        type IN ('run.finished', 'run.cancelled'), step.state,
        '') AS state,
    multiIf(
        type = 'run.requested', 1,
        type = 'run.started', 2,
        type = 'approval.requested', 3,
        startsWith(type, 'approval.'), 4,
        type IN ('run.finished', 'run.cancelled'), 5,
        0) AS rank,
    step.number AS number,
    if(type IN ('run.requested', 'run.started', 'run.finished', 'run.cancelled'), step.reason, '') AS reason,
    step.severity AS severity,
    parseDateTime64BestEffortOrNull(step.deadline_at, 3, 'UTC') AS deadline_at,
    step.error_code AS error_code,
    if(type IN ('run.finished', 'run.cancelled'), step.detail, '') AS detail,
    if(type = 'run.requested' AND notEmpty(causes), toString(causes[1]), '') AS trigger_ref,
    step.approval_id AS approval_id,
    if(type = 'rca.decided', step.usage.cost_usd, 0) AS cost_usd,
    if(type = 'rca.decided', step.usage.tokens_in, 0) AS tokens_in,
    if(type = 'rca.decided', step.usage.tokens_out, 0) AS tokens_out,
    step.all_agents_degraded AS degraded,
    multiIf(
        type = 'preflight.checked', if(step.status = 'passed', 'read_only_dry_run', 'blocked'),
        type IN ('execution.verified', 'execution.succeeded', 'execution.undone'), 'write_observed',
        type = 'execution.shadowed', 'observed',
        type = 'tool.called' AND step.scope = 'write', if(step.status = 'ok', 'observed', 'blocked'),
        type IN ('execution.failed', 'execution.refused', 'execution.voided', 'execution.unknown',
            'execution.unverified'), 'blocked',
        '') AS remediation,
    recorded_at,
    version
FROM events
WHERE run_id != '' AND (type IN ('run.requested', 'run.started', 'run.finished', 'run.cancelled', 'rca.decided',
    'preflight.checked', 'tool.called', 'approval.requested', 'approval.approved', 'approval.rejected',
    'approval.expired', 'approval.voided') OR startsWith(type, 'execution.'));

-- One row a run. Of two copies of a step the one at the lowest offset counts, as everywhere; here that is said by
-- `version` in each aggregate, since FINAL would cost a list of runs several times its time. (The rank before an offset
-- is one number, which is compared quicker than a pair.)
CREATE VIEW IF NOT EXISTS v_runs
(
    project_id          LowCardinality(String) COMMENT 'tenant',
    run_id              String COMMENT 'the run',
    incident_id         String COMMENT 'the incident that it serves',
    incident_ids        Array(String) COMMENT 'all that it serves, where it is shared',
    number              UInt32 COMMENT 'which run of the incident, from 1',
    state               String COMMENT 'queued, running, waiting_approval, succeeded, failed, cancelled, ...',
    reason              String COMMENT 'why it was asked for: opened, repeated, rerun, ...',
    end_reason          String COMMENT 'why it ended: verified, rejected, no_action, ...; empty while it goes on',
    error_code          String COMMENT 'E-..., empty where nothing went wrong',
    error_detail        String COMMENT 'of its end, in one sentence',
    severity            String COMMENT 'highest seen on the incident when it began',
    trigger_ref         String COMMENT 'the event that asked for it',
    approval_id         String COMMENT 'what people were asked, empty where nothing',
    cost_usd            Float64 COMMENT 'of all models, by the configured prices',
    tokens_in           UInt64 COMMENT 'of all questions to models',
    tokens_out          UInt64 COMMENT 'of all their answers',
    degraded            Bool COMMENT 'no agent spoke from what it was to have',
    shadow              Bool COMMENT 'its action was only looked at: the project watches',
    remediation_status  String COMMENT 'no_evidence, mcp_observed, blocked, observed, ... by its latest record',
    remediation_records UInt64 COMMENT 'how many v_remediations has of it',
    created_at          DateTime64(3, 'UTC') COMMENT 'when it was asked for',
    started_at          Nullable(DateTime64(3, 'UTC')) COMMENT 'when it was let begin',
    timeout_at          Nullable(DateTime64(3, 'UTC')) COMMENT 'when the whole run must have ended',
    decided_at          Nullable(DateTime64(3, 'UTC')) COMMENT 'when its debate ended',
    completed_at        Nullable(DateTime64(3, 'UTC')) COMMENT 'when it ended; empty while it goes on',
    updated_at          DateTime64(3, 'UTC') COMMENT 'its latest step'
) AS
SELECT
    project_id,
    run_id,
    argMax(runs.incident_id, (rank IN (1, 2), version)) AS incident_id,
    arraySort(groupUniqArrayIf(runs.incident_id, runs.incident_id != '')) AS incident_ids,
    max(runs.number) AS number,
    if(max(rank) = 0, 'running', argMax(runs.state, bitShiftLeft(toInt64(rank), 56) + version)) AS state,
    argMaxIf(runs.reason, (type = 'run.started', version), rank IN (1, 2)) AS reason,
    argMaxIf(runs.reason, version, rank = 5) AS end_reason,
    argMaxIf(runs.error_code, version, rank = 5) AS error_code,
    argMaxIf(detail, version, rank = 5) AS error_detail,
    argMaxIf(runs.severity, (type = 'run.started', version), rank IN (1, 2)) AS severity,
    argMaxIf(runs.trigger_ref, version, type = 'run.requested') AS trigger_ref,
    argMaxIf(runs.approval_id, version, type = 'approval.requested') AS approval_id,
    argMaxIf(runs.cost_usd, version, type = 'rca.decided') AS cost_usd,
    argMaxIf(runs.tokens_in, version, type = 'rca.decided') AS tokens_in,
    argMaxIf(runs.tokens_out, version, type = 'rca.decided') AS tokens_out,
    argMaxIf(runs.degraded, version, type = 'rca.decided') AS degraded,
    toBool(countIf(type = 'execution.shadowed')) AS shadow,
    if(countIf(remediation != '') = 0,
       if(countIf(type = 'tool.called') > 0, 'mcp_observed', 'no_evidence'),
       argMaxIf(remediation, (recorded_at, version), remediation != '')) AS remediation_status,
    uniqExactIf(event_id, remediation != '') AS remediation_records,
    min(recorded_at) AS created_at,
    argMaxOrNullIf(recorded_at, version, type = 'run.started') AS started_at,
    argMaxIf(deadline_at, version, type = 'run.started') AS timeout_at,
    argMaxOrNullIf(recorded_at, version, type = 'rca.decided') AS decided_at,
    argMaxOrNullIf(recorded_at, version, rank = 5) AS completed_at,
    max(recorded_at) AS updated_at
FROM runs
GROUP BY project_id, run_id;
