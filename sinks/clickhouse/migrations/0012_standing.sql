-- What stands until another word: trust, switches, policies, projects.

CREATE TABLE IF NOT EXISTS trust
(
    project_id  LowCardinality(String) COMMENT 'tenant',
    event_id    UUID COMMENT 'of this event',
    type        LowCardinality(String) COMMENT 'trust.observed, trust.raised, ..., trust.drifted',
    trust_key   String COMMENT 'project, operation, cluster, namespace, workload',
    outcome     LowCardinality(String) COMMENT 'of an observation: verified, rejected, failed or reset',
    score       Nullable(Int64) COMMENT 'after it; empty for what changes none',
    before      Nullable(Float64) COMMENT 'of a drift: the share of successes before',
    after       Nullable(Float64) COMMENT 'of a drift: the share of successes since',
    reason      String COMMENT 'why, in one sentence',
    actor       String COMMENT 'the person, where one did it',
    recorded_at DateTime64(3, 'UTC') COMMENT 'when AWOOOI wrote it to the log',
    version     Int64 COMMENT 'the negated offset: the lowest offset wins'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (project_id, event_id)
TTL toDateTime(recorded_at) + INTERVAL 400 DAY
COMMENT 'How trust was earned and lost. Private: ask v_trust.';

CREATE MATERIALIZED VIEW IF NOT EXISTS trust_from_events TO trust AS
WITH JSONExtract(payload, 'Tuple(
    trust_key String, subject String, outcome String, reason String, score Int64,
    before Float64, after Float64)') AS told
SELECT
    project_id,
    event_id,
    type,
    if(told.trust_key != '', told.trust_key, told.subject) AS trust_key,
    told.outcome AS outcome,
    if(type IN ('trust.raised', 'trust.reset', 'trust.decayed'), told.score, NULL) AS score,
    if(type = 'trust.drifted', told.before, NULL) AS before,
    if(type = 'trust.drifted', told.after, NULL) AS after,
    told.reason AS reason,
    actor,
    recorded_at,
    version
FROM events
WHERE startsWith(type, 'trust.');

CREATE VIEW IF NOT EXISTS v_trust
(
    project_id  LowCardinality(String) COMMENT 'tenant',
    event_id    UUID COMMENT 'of this event',
    type        LowCardinality(String) COMMENT 'trust.observed, trust.raised, ..., trust.drifted',
    trust_key   String COMMENT 'project, operation, cluster, namespace, workload',
    outcome     LowCardinality(String) COMMENT 'of an observation: verified, rejected, failed or reset',
    score       Nullable(Int64) COMMENT 'after it; empty for what changes none',
    before      Nullable(Float64) COMMENT 'of a drift: the share of successes before',
    after       Nullable(Float64) COMMENT 'of a drift: the share of successes since',
    reason      String COMMENT 'why, in one sentence',
    actor       String COMMENT 'the person, where one did it',
    recorded_at DateTime64(3, 'UTC') COMMENT 'when AWOOOI wrote it to the log'
) AS
SELECT
    project_id, event_id, type, trust_key, outcome, score, before, after, reason, actor, recorded_at
FROM trust FINAL;

CREATE TABLE IF NOT EXISTS switches
(
    project_id   LowCardinality(String) COMMENT 'whose it is; empty: of all',
    event_id     UUID COMMENT 'of this event',
    subject      String COMMENT 'kind/name',
    kind         LowCardinality(String) COMMENT 'kill_switch, operation, shadow or outbound',
    name         String COMMENT '* or a project; an operation; an integration',
    state        LowCardinality(String) COMMENT 'on or off; of outbound OFF, LOG or LIVE',
    reason       String COMMENT 'why, in the words of the person',
    actor        String COMMENT 'who set it',
    recorded_at  DateTime64(3, 'UTC') COMMENT 'when AWOOOI wrote it to the log',
    log_epoch    LowCardinality(String) COMMENT 'which life of the log',
    kafka_offset Int64 COMMENT 'order within the topic',
    version      Int64 COMMENT 'the negated offset: the lowest offset wins'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (project_id, event_id)
TTL toDateTime(recorded_at) + INTERVAL 400 DAY
COMMENT 'Every time that a switch was set. Private: ask v_switches.';

CREATE MATERIALIZED VIEW IF NOT EXISTS switches_from_events TO switches AS
WITH JSONExtract(payload, 'Tuple(
    subject String, kind String, name String, state String, reason String)') AS told
SELECT
    if(told.kind IN ('kill_switch', 'shadow') AND told.name != '*', told.name, '') AS project_id,
    event_id,
    told.subject AS subject,
    told.kind AS kind,
    told.name AS name,
    told.state AS state,
    told.reason AS reason,
    actor,
    recorded_at,
    log_epoch,
    kafka_offset,
    version
FROM events
WHERE type = 'switch.set';

-- As each switch stands. What acts reads the log, not this.
CREATE VIEW IF NOT EXISTS v_switches
(
    project_id LowCardinality(String) COMMENT 'whose it is; empty: of all',
    subject    String COMMENT 'kind/name',
    kind       String COMMENT 'kill_switch, operation, shadow or outbound',
    name       String COMMENT '* or a project; an operation; an integration',
    state      String COMMENT 'as it stands; what was never set has its safe state',
    reason     String COMMENT 'why, in the words of the person',
    actor      String COMMENT 'who set it',
    set_at     DateTime64(3, 'UTC') COMMENT 'when',
    times      UInt64 COMMENT 'how often it was set'
) AS
SELECT
    project_id,
    subject,
    any(kind) AS kind,
    any(name) AS name,
    argMax(state, (log_epoch, kafka_offset)) AS state,
    argMax(reason, (log_epoch, kafka_offset)) AS reason,
    argMax(actor, (log_epoch, kafka_offset)) AS actor,
    argMax(recorded_at, (log_epoch, kafka_offset)) AS set_at,
    uniqExact(event_id) AS times
FROM switches FINAL
GROUP BY project_id, subject;

CREATE TABLE IF NOT EXISTS policies
(
    project_id   LowCardinality(String) COMMENT 'empty: a policy is for all',
    event_id     UUID COMMENT 'of this event',
    number       Int64 COMMENT 'as the author of the policy counts',
    hash         String COMMENT 'SHA-256 over what it says',
    text         String COMMENT 'the whole file, YAML' CODEC(ZSTD(1)),
    actor        String COMMENT 'who put it in force',
    recorded_at  DateTime64(3, 'UTC') COMMENT 'when AWOOOI wrote it to the log',
    log_epoch    LowCardinality(String) COMMENT 'which life of the log',
    kafka_offset Int64 COMMENT 'order within the topic',
    version      Int64 COMMENT 'the negated offset: the lowest offset wins'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (project_id, event_id)
TTL toDateTime(recorded_at) + INTERVAL 400 DAY
COMMENT 'Revisions of the policy. Private: ask v_policies.';

CREATE MATERIALIZED VIEW IF NOT EXISTS policies_from_events TO policies AS
WITH JSONExtract(payload, 'Tuple(
    version Int64, hash String, text String)') AS told
SELECT
    project_id,
    event_id,
    told.version AS number,
    told.hash AS hash,
    told.text AS text,
    actor,
    recorded_at,
    log_epoch,
    kafka_offset,
    version
FROM events
WHERE type = 'policy.applied';

CREATE VIEW IF NOT EXISTS v_policies
(
    project_id  LowCardinality(String) COMMENT 'empty: a policy is for all',
    event_id    UUID COMMENT 'of this event',
    number      Int64 COMMENT 'as the author of the policy counts',
    hash        String COMMENT 'SHA-256 over what it says',
    text        String COMMENT 'the whole file, YAML',
    actor       String COMMENT 'who put it in force',
    recorded_at DateTime64(3, 'UTC') COMMENT 'when AWOOOI wrote it to the log',
    in_force    Bool COMMENT 'nothing was put in force after it'
) AS
SELECT
    project_id, event_id, number, hash, text, actor, recorded_at,
    toBool((log_epoch, kafka_offset) = max((log_epoch, kafka_offset)) OVER ()) AS in_force
FROM policies FINAL;

CREATE TABLE IF NOT EXISTS projects
(
    project_id    LowCardinality(String) COMMENT 'tenant',
    event_id      UUID COMMENT 'of this event',
    type          LowCardinality(String) COMMENT 'project.set or project.erased',
    display_name  String COMMENT 'as people call it',
    usd_limit     Float64 COMMENT 'what its models may cost a day, as agreed; 0: no limit',
    active        Bool COMMENT 'it is looked after',
    erased_before Nullable(DateTime64(3, 'UTC')) COMMENT 'of an erasure: rows up to then are gone',
    rows          UInt64 COMMENT 'of an erasure: how many events',
    reason        String COMMENT 'of an erasure: why',
    actor         String COMMENT 'who said so',
    recorded_at   DateTime64(3, 'UTC') COMMENT 'when AWOOOI wrote it to the log',
    log_epoch     LowCardinality(String) COMMENT 'which life of the log',
    kafka_offset  Int64 COMMENT 'order within the topic',
    version       Int64 COMMENT 'the negated offset: the lowest offset wins'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (project_id, event_id)
TTL toDateTime(recorded_at) + INTERVAL 400 DAY
COMMENT 'What was said of projects. Private: ask v_projects.';

CREATE MATERIALIZED VIEW IF NOT EXISTS projects_from_events TO projects AS
WITH JSONExtract(payload, 'Tuple(
    name String, display_name String, usd_limit Float64, active Bool, before String, rows UInt64,
    reason String)') AS told
SELECT
    project_id,
    event_id,
    type,
    told.display_name AS display_name,
    told.usd_limit AS usd_limit,
    told.active AS active,
    parseDateTime64BestEffortOrNull(told.before, 3, 'UTC') AS erased_before,
    told.rows AS rows,
    told.reason AS reason,
    actor,
    recorded_at,
    log_epoch,
    kafka_offset,
    version
FROM events
WHERE startsWith(type, 'project.');

-- Every project that anything was heard of. Whether it only watches is said by its switch.
CREATE VIEW IF NOT EXISTS v_projects
(
    project_id    LowCardinality(String) COMMENT 'tenant',
    display_name  String COMMENT 'as people call it; its name where nobody said',
    mode          String COMMENT 'shadow: everything runs and nothing executes; live',
    usd_limit     Float64 COMMENT 'what its models may cost a day, as agreed; 0: no limit',
    active        Bool COMMENT 'it is looked after',
    erased_before Nullable(DateTime64(3, 'UTC')) COMMENT 'rows up to then were deleted',
    created_at    DateTime64(3, 'UTC') COMMENT 'when it was first heard of'
) AS
SELECT
    project_id,
    if(argMaxIf(told.display_name, place, type = 'project.set') = '', project_id,
       argMaxIf(told.display_name, place, type = 'project.set')) AS display_name,
    if(argMaxIf(told.state, place, type = 'switch.set') = 'on', 'shadow', 'live') AS mode,
    argMaxIf(told.usd_limit, place, type = 'project.set') AS usd_limit,
    if(countIf(type = 'project.set') = 0, true, argMaxIf(told.active, place, type = 'project.set')) AS active,
    max(told.erased_before) AS erased_before,
    min(told.recorded_at) AS created_at
FROM
(
    SELECT project_id, type, display_name, '' AS state, usd_limit, active, erased_before, recorded_at,
           (log_epoch, kafka_offset) AS place
    FROM projects FINAL
    UNION ALL
    SELECT project_id, 'switch.set', '', state, 0, true, NULL, recorded_at, (log_epoch, kafka_offset)
    FROM switches FINAL
    WHERE kind = 'shadow'
    UNION ALL
    SELECT project_id, '', '', '', 0, true, NULL, min(recorded_at), ('', 0)
    FROM incidents
    GROUP BY project_id
) AS told
WHERE project_id != ''
GROUP BY project_id;
