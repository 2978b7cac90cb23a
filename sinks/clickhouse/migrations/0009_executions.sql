-- What was executed, what stood before it, and every tool that was called.

CREATE TABLE IF NOT EXISTS executions
(
    project_id     LowCardinality(String) COMMENT 'tenant',
    incident_id    String COMMENT 'the incident',
    run_id         String COMMENT 'the run',
    event_id       UUID COMMENT 'of this event',
    type           LowCardinality(String) COMMENT 'action.authorized, execution.claimed, ...',
    step           LowCardinality(String) COMMENT 'authorized, claimed, started, succeeded, verified, ...',
    rank           UInt8 COMMENT 'how far this step is in the life of an action',
    action_id      String COMMENT 'the idempotency key of all that was done',
    approval_id    String COMMENT 'the approval; empty: policy allowed it without a person',
    operation      LowCardinality(String) COMMENT 'what is to be done: DELETE_POD, SCALE_DEPLOYMENT, ...',
    cluster        LowCardinality(String) COMMENT 'of its target',
    namespace      LowCardinality(String) COMMENT 'of its target, empty where none',
    target_kind    LowCardinality(String) COMMENT 'pod, deployment, node, ...',
    target_name    String COMMENT 'its name; a label where the name is a personal value',
    action_hash    String COMMENT 'of exactly this action',
    attempt        UInt32 COMMENT 'which claim it was',
    executor       LowCardinality(String) COMMENT 'kubernetes, mcp, ...; empty where it did not come so far',
    claimed_by     String COMMENT 'the process that claimed it',
    code           LowCardinality(String) COMMENT 'why it ended so: a constant',
    reason         String COMMENT 'the same in one sentence',
    result         LowCardinality(String) COMMENT 'SUCCEEDED, FAILED, ..., UNKNOWN; empty: not known yet',
    undoes         String COMMENT 'the action that this one takes back; empty: it is no undo',
    undo_id        String COMMENT 'the action that takes it back; empty: none does',
    trust_key      String COMMENT 'whose trust hangs on how it ends',
    policy_version Int64 COMMENT 'of the policy that authorized it',
    recorded_at    DateTime64(3, 'UTC') COMMENT 'when AWOOOI wrote it to the log',
    version        Int64 COMMENT 'the negated offset: the lowest offset wins'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (project_id, incident_id, event_id)
TTL toDateTime(recorded_at) + INTERVAL 400 DAY
COMMENT 'The steps of every action. Private: ask v_executions.';

CREATE MATERIALIZED VIEW IF NOT EXISTS executions_from_events TO executions AS
WITH JSONExtract(payload, 'Tuple(
    action_id String, approval_id String, attempt UInt32, executor String, claimed_by String, code String,
    reason String, result String, undoes String, undo_id String, trust_key String, action_hash String,
    expires_at String, action Tuple(step Tuple(operation String,
        target Tuple(cluster String, namespace String, kind String, name String))),
    policy Tuple(version Int64, hash String))') AS told
SELECT
    project_id,
    incident_id,
    run_id,
    event_id,
    type,
    splitByChar('.', toString(type))[2] AS step,
    multiIf(
        type = 'action.authorized', 1,
        type = 'execution.claimed', 2,
        type = 'execution.started', 3,
        type IN ('execution.settled', 'execution.relapsed'), 0,
        type IN ('execution.verified', 'execution.unverified', 'execution.undone', 'execution.failed'), 5,
        4) AS rank,
    told.action_id AS action_id,
    told.approval_id AS approval_id,
    told.action.step.operation AS operation,
    told.action.step.target.cluster AS cluster,
    told.action.step.target.namespace AS namespace,
    told.action.step.target.kind AS target_kind,
    told.action.step.target.name AS target_name,
    told.action_hash AS action_hash,
    told.attempt AS attempt,
    told.executor AS executor,
    told.claimed_by AS claimed_by,
    told.code AS code,
    told.reason AS reason,
    told.result AS result,
    told.undoes AS undoes,
    told.undo_id AS undo_id,
    told.trust_key AS trust_key,
    told.policy.version AS policy_version,
    recorded_at,
    version
FROM events
WHERE type IN ('action.authorized', 'action.withdrawn') OR startsWith(type, 'execution.');

-- One row a step.
CREATE VIEW IF NOT EXISTS v_execution_steps
(
    project_id     LowCardinality(String) COMMENT 'tenant',
    incident_id    String COMMENT 'the incident',
    run_id         String COMMENT 'the run',
    event_id       UUID COMMENT 'of this event',
    type           LowCardinality(String) COMMENT 'action.authorized, execution.claimed, ...',
    step           LowCardinality(String) COMMENT 'authorized, claimed, started, succeeded, verified, ...',
    action_id      String COMMENT 'the idempotency key of all that was done',
    approval_id    String COMMENT 'the approval; empty: policy allowed it without a person',
    operation      LowCardinality(String) COMMENT 'what is to be done: DELETE_POD, SCALE_DEPLOYMENT, ...',
    cluster        LowCardinality(String) COMMENT 'of its target',
    namespace      LowCardinality(String) COMMENT 'of its target, empty where none',
    target_kind    LowCardinality(String) COMMENT 'pod, deployment, node, ...',
    target_name    String COMMENT 'its name; a label where the name is a personal value',
    action_hash    String COMMENT 'of exactly this action',
    attempt        UInt32 COMMENT 'which claim it was',
    executor       LowCardinality(String) COMMENT 'kubernetes, mcp, ...; empty where it did not come so far',
    claimed_by     String COMMENT 'the process that claimed it',
    code           LowCardinality(String) COMMENT 'why it ended so: a constant',
    reason         String COMMENT 'the same in one sentence',
    result         LowCardinality(String) COMMENT 'SUCCEEDED, FAILED, ..., UNKNOWN; empty: not known yet',
    undoes         String COMMENT 'the action that this one takes back; empty: it is no undo',
    undo_id        String COMMENT 'the action that takes it back; empty: none does',
    trust_key      String COMMENT 'whose trust hangs on how it ends',
    policy_version Int64 COMMENT 'of the policy that authorized it',
    recorded_at    DateTime64(3, 'UTC') COMMENT 'when AWOOOI wrote it to the log'
) AS
SELECT
    project_id, incident_id, run_id, event_id, type, step, action_id, approval_id, operation, cluster,
    namespace, target_kind, target_name, action_hash, attempt, executor, claimed_by, code, reason,
    result, undoes, undo_id, trust_key, policy_version, recorded_at
FROM executions FINAL;

-- One row an action.
CREATE VIEW IF NOT EXISTS v_executions
(
    project_id    LowCardinality(String) COMMENT 'tenant',
    incident_id   String COMMENT 'the incident',
    action_id     String COMMENT 'the idempotency key of all that was done',
    run_id        String COMMENT 'the run',
    approval_id   String COMMENT 'the approval; empty: policy allowed it without a person',
    operation     String COMMENT 'what was to be done',
    cluster       String COMMENT 'of its target',
    namespace     String COMMENT 'of its target, empty where none',
    target_kind   String COMMENT 'pod, deployment, node, ...',
    target_name   String COMMENT 'its name',
    executor      String COMMENT 'kubernetes, mcp, ...',
    attempts      UInt32 COMMENT 'how often it was claimed',
    step          String COMMENT 'its latest: authorized, claimed, started, succeeded, verified, failed, ...',
    result        String COMMENT 'SUCCEEDED, FAILED, ..., SHADOWED; empty: not known yet',
    code          String COMMENT 'why it ended so: a constant',
    reason        String COMMENT 'the same in one sentence',
    undoes        String COMMENT 'the action that this one takes back; empty: it is no undo',
    undo_id       String COMMENT 'the action that takes it back; empty: none does',
    relapsed      Bool COMMENT 'the alert came back within an hour of a verified success',
    trust_key     String COMMENT 'whose trust hangs on how it ends',
    authorized_at Nullable(DateTime64(3, 'UTC')) COMMENT 'when it was allowed',
    started_at    Nullable(DateTime64(3, 'UTC')) COMMENT 'right before the call',
    ended_at      Nullable(DateTime64(3, 'UTC')) COMMENT 'when the call had its answer, or nothing was done',
    verified_at   Nullable(DateTime64(3, 'UTC')) COMMENT 'when it was known whether it is as it was asked to be',
    updated_at    DateTime64(3, 'UTC') COMMENT 'its latest step'
) AS
SELECT
    project_id,
    incident_id,
    action_id,
    max(executions.run_id) AS run_id,
    argMaxIf(executions.approval_id, (rank, version), executions.approval_id != '') AS approval_id,
    argMaxIf(executions.operation, (rank, version), executions.operation != '') AS operation,
    argMaxIf(executions.cluster, (rank, version), executions.cluster != '') AS cluster,
    argMaxIf(executions.namespace, (rank, version), executions.namespace != '') AS namespace,
    argMaxIf(executions.target_kind, (rank, version), executions.target_kind != '') AS target_kind,
    argMaxIf(executions.target_name, (rank, version), executions.target_name != '') AS target_name,
    argMaxIf(executions.executor, (rank, version), executions.executor != '') AS executor,
    max(attempt) AS attempts,
    argMaxIf(executions.step, (rank, version), rank > 0) AS step,
    if(countIf(type = 'execution.shadowed') > 0, 'SHADOWED',
       argMaxIf(executions.result, (rank, version), rank >= 4)) AS result,
    argMaxIf(executions.code, (rank, version), rank >= 4) AS code,
    argMaxIf(executions.reason, (rank, version), rank >= 4) AS reason,
    argMaxIf(executions.undoes, (rank, version), executions.undoes != '') AS undoes,
    argMaxIf(executions.undo_id, (rank, version), executions.undo_id != '') AS undo_id,
    toBool(countIf(type = 'execution.relapsed')) AS relapsed,
    argMaxIf(executions.trust_key, (rank, version), executions.trust_key != '') AS trust_key,
    argMaxOrNullIf(recorded_at, version, type = 'action.authorized') AS authorized_at,
    argMaxOrNullIf(recorded_at, version, type = 'execution.started') AS started_at,
    minOrNullIf(recorded_at, rank >= 4) AS ended_at,
    argMaxOrNullIf(recorded_at, version, rank = 5) AS verified_at,
    max(recorded_at) AS updated_at
FROM executions
WHERE action_id != ''
GROUP BY project_id, incident_id, action_id;

CREATE TABLE IF NOT EXISTS tool_calls
(
    project_id      LowCardinality(String) COMMENT 'tenant',
    incident_id     String COMMENT 'the incident',
    run_id          String COMMENT 'the run',
    event_id        UUID COMMENT 'of this event',
    call_id         String COMMENT 'of the call, from the run, the tool and its number',
    agent           LowCardinality(String) COMMENT 'who called',
    node            LowCardinality(String) COMMENT 'which stage of the pipeline',
    server          LowCardinality(String) COMMENT 'kubernetes, prometheus, clickhouse, the name of an MCP server',
    tool            LowCardinality(String) COMMENT 'its name',
    scope           LowCardinality(String) COMMENT 'read or write',
    arguments       Map(String, String) COMMENT 'personal values covered',
    policy_enforced Bool COMMENT 'whether a gate of policy was asked',
    gates           Array(String) COMMENT 'those that were passed, in their order',
    blocked_by      LowCardinality(String) COMMENT 'the gate that said no',
    blocked_why     String COMMENT 'in its words',
    status          LowCardinality(String) COMMENT 'ok, blocked, timed_out or failed',
    detail          String COMMENT 'why it failed',
    latency_ms      UInt64 COMMENT 'of the call itself',
    shadow          Bool COMMENT 'recorded, not really called',
    recorded_at     DateTime64(3, 'UTC') COMMENT 'when AWOOOI wrote it to the log',
    version         Int64 COMMENT 'the negated offset: the lowest offset wins'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (project_id, incident_id, event_id)
TTL toDateTime(recorded_at) + INTERVAL 400 DAY
COMMENT 'Calls of tools with their gates. Private: ask v_tool_calls.';

CREATE MATERIALIZED VIEW IF NOT EXISTS tool_calls_from_events TO tool_calls AS
WITH JSONExtract(payload, 'Tuple(
    call_id String, agent String, node String, server String, tool String, scope String,
    arguments Map(String, String), policy_enforced Bool,
    gates Array(Tuple(name String, passed Bool, why String)), blocked_by String, status String, detail String,
    latency_ms UInt64, shadow Bool)') AS called
SELECT
    project_id,
    incident_id,
    run_id,
    event_id,
    called.call_id AS call_id,
    called.agent AS agent,
    called.node AS node,
    called.server AS server,
    called.tool AS tool,
    called.scope AS scope,
    called.arguments AS arguments,
    called.policy_enforced AS policy_enforced,
    arrayMap(gate -> gate.1, arrayFilter(gate -> gate.2, called.gates)) AS gates,
    called.blocked_by AS blocked_by,
    arrayFirst(gate -> NOT gate.2, called.gates).3 AS blocked_why,
    called.status AS status,
    called.detail AS detail,
    called.latency_ms AS latency_ms,
    called.shadow AS shadow,
    recorded_at,
    version
FROM events
WHERE type = 'tool.called';

CREATE VIEW IF NOT EXISTS v_tool_calls
(
    project_id      LowCardinality(String) COMMENT 'tenant',
    incident_id     String COMMENT 'the incident',
    run_id          String COMMENT 'the run',
    event_id        UUID COMMENT 'of this event',
    call_id         String COMMENT 'of the call, from the run, the tool and its number',
    agent           LowCardinality(String) COMMENT 'who called',
    node            LowCardinality(String) COMMENT 'which stage of the pipeline',
    server          LowCardinality(String) COMMENT 'kubernetes, prometheus, clickhouse, the name of an MCP server',
    tool            LowCardinality(String) COMMENT 'its name',
    scope           LowCardinality(String) COMMENT 'read or write',
    arguments       Map(String, String) COMMENT 'personal values covered',
    policy_enforced Bool COMMENT 'whether a gate of policy was asked',
    gates           Array(String) COMMENT 'those that were passed, in their order',
    blocked_by      LowCardinality(String) COMMENT 'the gate that said no',
    blocked_why     String COMMENT 'in its words',
    status          LowCardinality(String) COMMENT 'ok, blocked, timed_out or failed',
    detail          String COMMENT 'why it failed',
    latency_ms      UInt64 COMMENT 'of the call itself',
    shadow          Bool COMMENT 'recorded, not really called',
    recorded_at     DateTime64(3, 'UTC') COMMENT 'when AWOOOI wrote it to the log'
) AS
SELECT
    project_id, incident_id, run_id, event_id, call_id, agent, node, server, tool, scope, arguments,
    policy_enforced, gates, blocked_by, blocked_why, status, detail, latency_ms, shadow, recorded_at
FROM tool_calls FINAL;

CREATE TABLE IF NOT EXISTS remediations
(
    project_id            LowCardinality(String) COMMENT 'tenant',
    incident_id           String COMMENT 'the incident',
    run_id                String COMMENT 'the run',
    event_id              UUID COMMENT 'of this event',
    type                  LowCardinality(String) COMMENT 'preflight.checked, tool.called or how an execution went',
    work_item             String COMMENT 'the action; of a check the run with it, of a tool the call',
    mode                  LowCardinality(String) COMMENT 'live or shadow',
    agent                 LowCardinality(String) COMMENT 'who did it',
    tool                  LowCardinality(String) COMMENT 'preflight, the executor, or server.tool',
    scope                 LowCardinality(String) COMMENT 'read or write',
    allowed               Bool COMMENT 'nothing forbade it',
    success               Bool COMMENT 'it did what it was to do',
    verification          String COMMENT 'what was found, in up to 200 characters',
    writes_incident_state Bool COMMENT 'the state of the incident follows from it',
    writes_repair_result  Bool COMMENT 'it says how the repair went',
    recorded_at           DateTime64(3, 'UTC') COMMENT 'when AWOOOI wrote it to the log',
    version               Int64 COMMENT 'the negated offset: the lowest offset wins'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (project_id, incident_id, event_id)
TTL toDateTime(recorded_at) + INTERVAL 400 DAY
COMMENT 'What was done, or only tried, about incidents. Private: ask v_remediations.';

CREATE MATERIALIZED VIEW IF NOT EXISTS remediations_from_events TO remediations AS
WITH JSONExtract(payload, 'Tuple(
    action String, action_id String, status String, executor String, reason String, agent String, server String,
    tool String, scope String, call_id String, blocked_by String, detail String, shadow Bool,
    checks Array(Tuple(name String, passed Bool, message String)))') AS done
SELECT
    project_id,
    incident_id,
    run_id,
    event_id,
    type,
    multiIf(
        type = 'preflight.checked', concat(run_id, '/', done.action),
        type = 'tool.called', done.call_id,
        done.action_id) AS work_item,
    if(done.shadow OR type = 'execution.shadowed', 'shadow', 'live') AS mode,
    if(type = 'tool.called', done.agent, 'executor') AS agent,
    multiIf(
        type = 'preflight.checked', 'preflight',
        type = 'tool.called', concat(done.server, '.', done.tool),
        done.executor) AS tool,
    if(type = 'preflight.checked', 'read', 'write') AS scope,
    multiIf(
        type = 'preflight.checked', done.status != 'unavailable',
        type = 'tool.called', done.blocked_by = '',
        type NOT IN ('execution.refused', 'execution.voided')) AS allowed,
    multiIf(
        type = 'preflight.checked', done.status = 'passed',
        type = 'tool.called', done.status = 'ok',
        type IN ('execution.succeeded', 'execution.verified', 'execution.undone', 'execution.shadowed')) AS success,
    leftUTF8(multiIf(
        type = 'preflight.checked', if(done.reason != '', done.reason, arrayStringConcat(
            arrayMap(check -> concat(check.1, ': ', check.3), done.checks), '; ')),
        type = 'tool.called', done.detail,
        done.reason), 200) AS verification,
    type IN ('execution.verified', 'execution.unverified', 'execution.failed',
        'execution.unknown') AS writes_incident_state,
    type IN ('execution.succeeded', 'execution.verified', 'execution.unverified', 'execution.failed',
        'execution.undone') AS writes_repair_result,
    recorded_at,
    version
FROM events
WHERE type IN ('preflight.checked', 'execution.succeeded', 'execution.failed', 'execution.refused',
    'execution.shadowed', 'execution.voided', 'execution.unknown', 'execution.verified', 'execution.unverified',
    'execution.undone')
    OR (type = 'tool.called' AND JSONExtractString(payload, 'scope') = 'write');

CREATE VIEW IF NOT EXISTS v_remediations
(
    project_id            LowCardinality(String) COMMENT 'tenant',
    incident_id           String COMMENT 'the incident',
    run_id                String COMMENT 'the run',
    event_id              UUID COMMENT 'of this event',
    type                  LowCardinality(String) COMMENT 'preflight.checked, tool.called or how an execution went',
    work_item             String COMMENT 'the action; of a check the run with it, of a tool the call',
    mode                  LowCardinality(String) COMMENT 'live or shadow',
    agent                 LowCardinality(String) COMMENT 'who did it',
    tool                  LowCardinality(String) COMMENT 'preflight, the executor, or server.tool',
    scope                 LowCardinality(String) COMMENT 'read or write',
    allowed               Bool COMMENT 'nothing forbade it',
    success               Bool COMMENT 'it did what it was to do',
    verification          String COMMENT 'what was found, in up to 200 characters',
    writes_incident_state Bool COMMENT 'the state of the incident follows from it',
    writes_repair_result  Bool COMMENT 'it says how the repair went',
    recorded_at           DateTime64(3, 'UTC') COMMENT 'when AWOOOI wrote it to the log'
) AS
SELECT
    project_id, incident_id, run_id, event_id, type, work_item, mode, agent, tool, scope, allowed,
    success, verification, writes_incident_state, writes_repair_result, recorded_at
FROM remediations FINAL;
