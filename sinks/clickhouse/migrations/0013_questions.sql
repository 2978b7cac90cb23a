-- Questions that ship, as views: how long things take, what succeeds, what is trusted, who approved what, what
-- models cost, where agents disagree, what came too late.

-- From the start of a run to its diagnosis and its decision; from asking to the last signature; from what allows an
-- action to its end; from the first alert to the last. Copies of an event fall
-- together in each group, which costs less than FINAL.
CREATE VIEW IF NOT EXISTS v_times
(
    project_id  LowCardinality(String) COMMENT 'tenant',
    incident_id String COMMENT 'the incident',
    run_id      String COMMENT 'the run; empty for an incident as a whole',
    step        String COMMENT 'diagnose, decide, approve, execute or resolve',
    at          DateTime64(3, 'UTC') COMMENT 'when it was done',
    secs        Float64 COMMENT 'how long it took'
) AS
SELECT project_id, turn.incident_id AS incident_id, run_id, 'diagnose' AS step, said_at AS at,
       dateDiff('millisecond', started_at, said_at) / 1000 AS secs
FROM
(
    SELECT project_id, run_id, any(agent_turns.incident_id) AS incident_id, argMax(recorded_at, version) AS said_at
    FROM agent_turns
    WHERE type = 'rca.diagnosed'
    GROUP BY project_id, run_id
) AS turn
INNER JOIN
(
    SELECT project_id, run_id, argMax(recorded_at, version) AS started_at
    FROM runs
    WHERE type = 'run.started'
    GROUP BY project_id, run_id
) AS run USING (project_id, run_id)
UNION ALL
SELECT project_id, any(incident_id), run_id, 'decide', argMaxIf(recorded_at, version, type = 'rca.decided') AS at,
       dateDiff('millisecond', argMaxIf(recorded_at, version, type = 'run.started'), at) / 1000
FROM runs
WHERE type IN ('run.started', 'rca.decided')
GROUP BY project_id, run_id
HAVING uniqExact(type) = 2
UNION ALL
SELECT project_id, any(incident_id), any(run_id), 'approve', argMaxIf(recorded_at, version, rank = 3) AS at,
       dateDiff('millisecond', argMaxIf(recorded_at, version, rank = 1), at) / 1000
FROM approvals
WHERE rank IN (1, 3)
GROUP BY project_id, approval_id
HAVING uniqExact(rank) = 2 AND argMaxIf(state, version, rank = 3) = 'APPROVED'
UNION ALL
SELECT project_id, any(incident_id), any(run_id), 'execute', min(if(rank >= 4, recorded_at, late)) AS at,
       dateDiff('millisecond', argMaxIf(recorded_at, version, rank = 1), at) / 1000
FROM (SELECT *, toDateTime64('2100-01-01', 3, 'UTC') AS late FROM executions WHERE action_id != '')
GROUP BY project_id, action_id
HAVING countIf(rank = 1) > 0 AND countIf(rank = 3) > 0 AND countIf(rank >= 4) > 0 AND max(undoes) = ''
UNION ALL
SELECT project_id, any(incident_id), '', 'resolve', assumeNotNull(argMax(resolved_at, version)) AS at,
       dateDiff('millisecond', assumeNotNull(argMax(opened_at, version)), at) / 1000
FROM incidents
WHERE type = 'incident.resolved' AND resolved_at IS NOT NULL AND opened_at IS NOT NULL
GROUP BY project_id, event_id;

CREATE VIEW IF NOT EXISTS v_operations
(
    project_id   LowCardinality(String) COMMENT 'tenant',
    operation    String COMMENT 'DELETE_POD, SCALE_DEPLOYMENT, ...',
    actions      UInt64 COMMENT 'that were to be executed, undos aside',
    succeeded    UInt64 COMMENT 'done, and seen to be as it was asked to be',
    failed       UInt64 COMMENT 'the target said no, or it is not as it was asked to be',
    unclear      UInt64 COMMENT 'UNVERIFIED or UNKNOWN',
    not_done     UInt64 COMMENT 'REFUSED or VOIDED',
    shadowed     UInt64 COMMENT 'only looked at',
    going_on     UInt64 COMMENT 'without a result yet',
    relapsed     UInt64 COMMENT 'of the succeeded: the alert came back within an hour',
    undone       UInt64 COMMENT 'taken back, or to be',
    success_rate Nullable(Float64) COMMENT 'of those that were done: succeeded by succeeded, failed and unclear'
) AS
SELECT
    project_id,
    operation,
    count() AS actions,
    countIf(result = 'SUCCEEDED') AS succeeded,
    countIf(result = 'FAILED') AS failed,
    countIf(result IN ('UNVERIFIED', 'UNKNOWN')) AS unclear,
    countIf(result IN ('REFUSED', 'VOIDED')) AS not_done,
    countIf(result = 'SHADOWED') AS shadowed,
    countIf(result = '') AS going_on,
    countIf(v_executions.relapsed) AS relapsed,
    countIf(undo_id != '') AS undone,
    if(succeeded + failed + unclear = 0, NULL, round(succeeded / (succeeded + failed + unclear), 3)) AS success_rate
FROM v_executions
WHERE undoes = ''
GROUP BY project_id, operation;

CREATE VIEW IF NOT EXISTS v_trust_daily
(
    day        Date COMMENT 'UTC',
    project_id LowCardinality(String) COMMENT 'tenant',
    trust_key  String COMMENT 'project, operation, cluster, namespace, workload',
    verified   UInt64 COMMENT 'outcomes that earned trust',
    rejected   UInt64 COMMENT 'by a person',
    failed     UInt64 COMMENT 'outcomes that took all of it',
    reset      UInt64 COMMENT 'taken away by a person',
    score      Nullable(Int64) COMMENT 'at the end of the day; empty where it did not change'
) AS
SELECT
    toDate(recorded_at, 'UTC') AS day,
    project_id,
    trust_key,
    countIf(outcome = 'verified') AS verified,
    countIf(outcome = 'rejected') AS rejected,
    countIf(outcome = 'failed') AS failed,
    countIf(outcome = 'reset') AS reset,
    argMaxIf(trust.score, (recorded_at, version), trust.score IS NOT NULL) AS score
FROM trust FINAL
GROUP BY day, project_id, trust_key;

-- Every signature that counted, beside what it is over.
CREATE VIEW IF NOT EXISTS v_signatures
(
    project_id  LowCardinality(String) COMMENT 'tenant',
    incident_id String COMMENT 'the incident',
    approval_id String COMMENT 'what was signed',
    run_id      String COMMENT 'the run',
    person      String COMMENT 'who signed',
    decision    String COMMENT 'approve or reject',
    reason      String COMMENT 'in the words of the person',
    operation   String COMMENT 'what was to be done',
    cluster     String COMMENT 'of its target',
    namespace   String COMMENT 'of its target',
    target_kind String COMMENT 'pod, deployment, node, ...',
    target_name String COMMENT 'its name',
    risk        String COMMENT 'of the action',
    action_hash String COMMENT 'what the signature is over',
    jti         String COMMENT 'the own id of the token',
    signed_at   DateTime64(3, 'UTC') COMMENT 'when it counted'
) AS
SELECT
    project_id, vote.incident_id AS incident_id, approval_id, vote.run_id AS run_id, person, decision,
    vote.reason AS reason, operation, cluster, namespace, target_kind, target_name, risk, action_hash, jti,
    vote.recorded_at AS signed_at
FROM
(
    SELECT project_id, incident_id, approval_id, run_id, person, decision, reason, jti, recorded_at
    FROM votes FINAL
    WHERE result = 'counted'
) AS vote
LEFT JOIN
(
    SELECT project_id, approval_id, operation, cluster, namespace, target_kind, target_name, risk, action_hash
    FROM approvals FINAL
    WHERE rank = 1
) AS asked USING (project_id, approval_id);

-- The coordinator asks no model, and its turn repeats what the others cost.
CREATE VIEW IF NOT EXISTS v_models
(
    day        Date COMMENT 'UTC',
    project_id LowCardinality(String) COMMENT 'tenant',
    agent      String COMMENT 'who asked',
    provider   String COMMENT 'who answered; rules where no model did',
    model      String COMMENT 'its model',
    turns      UInt64 COMMENT 'of the agent',
    fell_back  UInt64 COMMENT 'another was asked before, and gave no answer',
    degraded   UInt64 COMMENT 'spoke from rules, or from less than it was to have',
    gave_up    UInt64 COMMENT 'said nothing',
    repaired   UInt64 COMMENT 'the first answer was invalid',
    calls      UInt64 COMMENT 'to providers, failed ones among them',
    tokens_in  UInt64 COMMENT 'of all questions',
    tokens_out UInt64 COMMENT 'of all answers',
    cost_usd   Float64 COMMENT 'by the configured prices',
    median_ms  Float64 COMMENT 'from taking the input to the answer'
) AS
SELECT
    toDate(recorded_at, 'UTC') AS day,
    project_id,
    agent,
    provider,
    model,
    count() AS turns,
    countIf(notEmpty(failures)) AS fell_back,
    countIf(agent_turns.degraded) AS degraded,
    countIf(agent_turns.failed != '') AS gave_up,
    countIf(agent_turns.repaired) AS repaired,
    sum(agent_turns.calls) AS calls,
    sum(agent_turns.tokens_in) AS tokens_in,
    sum(agent_turns.tokens_out) AS tokens_out,
    sum(agent_turns.cost_usd) AS cost_usd,
    quantile(0.5)(latency_ms) AS median_ms
FROM agent_turns FINAL
WHERE agent != 'coordinator'
GROUP BY day, project_id, agent, provider, model;

-- How the agents voted, one row a debate. The coordinator sums up the others.
CREATE VIEW IF NOT EXISTS v_disagreement
(
    project_id    LowCardinality(String) COMMENT 'tenant',
    incident_id   String COMMENT 'the incident',
    run_id        String COMMENT 'the run',
    diagnostician String COMMENT 'its vote; empty: it has not spoken',
    solver        String COMMENT 'its vote',
    reviewer      String COMMENT 'its vote',
    critic        String COMMENT 'its vote',
    coordinator   String COMMENT 'its vote',
    disagree      Bool COMMENT 'among those that did not abstain there are two votes',
    confidence    Nullable(Float64) COMMENT 'of the diagnostician, in its first hypothesis',
    doubt         Nullable(Float64) COMMENT 'what the critic took off it',
    at            DateTime64(3, 'UTC') COMMENT 'of the last turn'
) AS
SELECT
    project_id,
    incident_id,
    run_id,
    argMaxIf(vote, version, agent = 'diagnostician') AS diagnostician,
    argMaxIf(vote, version, agent = 'solver') AS solver,
    argMaxIf(vote, version, agent = 'reviewer') AS reviewer,
    argMaxIf(vote, version, agent = 'critic') AS critic,
    argMaxIf(vote, version, agent = 'coordinator') AS coordinator,
    toBool(length(arrayDistinct(arrayFilter(one -> one NOT IN ('', 'ABSTAIN'),
        [toString(diagnostician), toString(solver), toString(reviewer), toString(critic)]))) > 1) AS disagree,
    argMaxIf(agent_turns.confidence, version, agent = 'diagnostician') AS confidence,
    confidence - argMaxIf(agent_turns.confidence, version, agent = 'critic') AS doubt,
    max(recorded_at) AS at
FROM agent_turns
GROUP BY project_id, incident_id, run_id;

-- What came after its time, or was no longer so when its time came.
CREATE VIEW IF NOT EXISTS v_late
(
    project_id  LowCardinality(String) COMMENT 'tenant',
    incident_id String COMMENT 'the incident',
    run_id      String COMMENT 'the run',
    kind        String COMMENT 'turn late, vote late, vote refused, approval voided, approval expired, run voided, ...',
    reason      String COMMENT 'why',
    at          DateTime64(3, 'UTC') COMMENT 'when'
) AS
SELECT project_id, incident_id, run_id, 'turn late' AS kind, '' AS reason, recorded_at AS at
FROM run_events FINAL
WHERE type = 'rca.late'
UNION ALL
SELECT project_id, incident_id, run_id, concat('vote ', result), if(refusal != '', refusal, state), recorded_at
FROM votes FINAL
WHERE result IN ('late', 'refused', 'turned_away')
UNION ALL
SELECT project_id, incident_id, run_id, concat('approval ', lower(state)), rule, recorded_at
FROM approvals FINAL
WHERE state IN ('VOIDED', 'EXPIRED')
UNION ALL
SELECT project_id, incident_id, run_id, concat('run ', state), reason, recorded_at
FROM runs FINAL
WHERE rank = 5 AND state IN ('voided', 'timeout')
UNION ALL
SELECT project_id, incident_id, run_id, concat('action ', step), if(code != '', code, reason), recorded_at
FROM executions FINAL
WHERE step IN ('voided', 'withdrawn');
