-- Storms: which runs wait for their turn, which serve more than one incident, and what was saved.

ALTER TABLE runs ADD COLUMN IF NOT EXISTS
    attempt UInt32 COMMENT 'of a wait: which request it answers, from 0' AFTER number;
ALTER TABLE runs ADD COLUMN IF NOT EXISTS
    parent_incident_id String COMMENT 'of a shared run: whose run serves it' AFTER attempt;
ALTER TABLE runs ADD COLUMN IF NOT EXISTS
    parent_run_id String COMMENT 'of a shared run: the one that serves it' AFTER parent_incident_id;

-- A run that is shared stands under the child as a step of its own, and under the parent as one that names the child:
-- so v_runs knows all incidents that a run serves.
CREATE MATERIALIZED VIEW IF NOT EXISTS run_waits_from_events TO runs AS
WITH
    JSONExtract(payload, 'Tuple(
        number UInt32, attempt UInt32, reason String, severity String, release_at String, detail String,
        child Tuple(incident_id String, number UInt32, run_id String),
        parent Tuple(incident_id String, number UInt32, run_id String))') AS step,
    type = 'run.shared' AND step.child.incident_id = events.incident_id AS is_child
SELECT
    project_id,
    run_id,
    event_id,
    if(type = 'run.shared', step.child.incident_id, events.incident_id) AS incident_id,
    type,
    multiIf(type = 'run.throttled', 'throttled', is_child, 'shared', '') AS state,
    multiIf(type = 'run.throttled', 1, is_child, 2, 0) AS rank,
    multiIf(type = 'run.throttled', step.number, is_child, step.child.number, 0) AS number,
    step.attempt AS attempt,
    if(type = 'run.throttled', step.reason, '') AS reason,
    step.severity AS severity,
    parseDateTime64BestEffortOrNull(step.release_at, 3, 'UTC') AS deadline_at,
    step.detail AS detail,
    if(is_child, step.parent.incident_id, '') AS parent_incident_id,
    if(is_child, step.parent.run_id, '') AS parent_run_id,
    recorded_at,
    version
FROM events
WHERE run_id != '' AND type IN ('run.throttled', 'run.shared');

CREATE OR REPLACE VIEW v_runs
(
    project_id          LowCardinality(String) COMMENT 'tenant',
    run_id              String COMMENT 'the run',
    incident_id         String COMMENT 'the incident that it serves',
    incident_ids        Array(String) COMMENT 'all that it serves, where it is shared',
    number              UInt32 COMMENT 'which run of the incident, from 1',
    state               String COMMENT 'queued, throttled, running, shared, waiting_approval, succeeded, failed, ...',
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
    throttled_by        String COMMENT 'storm, fingerprint_budget or day_budget, by its latest wait; empty: it never had to',
    release_at          Nullable(DateTime64(3, 'UTC')) COMMENT 'when its turn was said to come; with a budget spent the next day',
    parent_incident_id  String COMMENT 'the incident whose run serves it; empty: it is not shared',
    parent_run_id       String COMMENT 'that run',
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
    if(max(rank) = 0, 'running', argMax(runs.state, bitShiftLeft(toInt64(rank) * 2 + (type = 'run.throttled'), 56) + version)) AS state,
    argMaxIf(runs.reason, (type = 'run.started', version), type IN ('run.requested', 'run.started')) AS reason,
    argMaxIf(runs.reason, version, rank = 5) AS end_reason,
    argMaxIf(runs.error_code, version, rank = 5) AS error_code,
    argMaxIf(detail, version, rank = 5) AS error_detail,
    argMaxIf(runs.severity, (type = 'run.started', version), type IN ('run.requested', 'run.started')) AS severity,
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
    argMaxIf(runs.reason, attempt, type = 'run.throttled') AS throttled_by,
    argMaxIf(deadline_at, attempt, type = 'run.throttled') AS release_at,
    argMaxIf(runs.parent_incident_id, version, rank = 2 AND runs.parent_incident_id != '') AS parent_incident_id,
    argMaxIf(runs.parent_run_id, version, rank = 2 AND runs.parent_incident_id != '') AS parent_run_id,
    min(recorded_at) AS created_at,
    argMaxOrNullIf(recorded_at, version, type = 'run.started') AS started_at,
    argMaxIf(deadline_at, version, type = 'run.started') AS timeout_at,
    argMaxOrNullIf(recorded_at, version, type = 'rca.decided') AS decided_at,
    argMaxOrNullIf(recorded_at, version, rank = 5) AS completed_at,
    max(recorded_at) AS updated_at
FROM runs
GROUP BY project_id, run_id;

-- A minute of a project, where anything waited, was shared or was not needed any more.
CREATE VIEW IF NOT EXISTS v_storms
(
    project_id   LowCardinality(String) COMMENT 'tenant',
    minute       DateTime('UTC') COMMENT 'of the record',
    asked        UInt64 COMMENT 'runs that were asked for, repeated requests not among them',
    began        UInt64 COMMENT 'runs that began',
    throttled    UInt64 COMMENT 'runs that were told to wait for their turn',
    released     UInt64 COMMENT 'of those that began: had waited',
    shared       UInt64 COMMENT 'avoided: another incident''s run serves it',
    resolved     UInt64 COMMENT 'avoided: its incident was over before its turn came',
    over_budget  UInt64 COMMENT 'not begun: the alert or the project had had its runs of the day'
) AS
WITH waits AS (SELECT project_id, run_id FROM runs WHERE type = 'run.throttled' AND reason = 'storm')
SELECT
    project_id,
    toStartOfMinute(recorded_at, 'UTC') AS minute,
    uniqExactIf(run_id, type = 'run.requested') AS asked,
    uniqExactIf(run_id, type = 'run.started') AS began,
    uniqExactIf(run_id, type = 'run.throttled' AND reason = 'storm') AS throttled,
    uniqExactIf(run_id, type = 'run.started' AND (project_id, run_id) IN (SELECT project_id, run_id FROM waits))
        AS released,
    uniqExactIf(run_id, type = 'run.shared' AND rank = 2) AS shared,
    uniqExactIf(run_id, type = 'run.finished' AND reason = 'resolved_while_waiting') AS resolved,
    uniqExactIf(run_id, type = 'run.finished' AND reason IN ('fingerprint_budget', 'day_budget')) AS over_budget
FROM runs
GROUP BY project_id, minute
HAVING throttled + released + shared + resolved + over_budget > 0;
