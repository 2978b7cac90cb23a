-- Revisions of playbooks, and all contracts in one list.

CREATE TABLE IF NOT EXISTS playbooks
(
    project_id   LowCardinality(String) COMMENT 'empty: a playbook is for all',
    event_id     UUID COMMENT 'of this event',
    name         LowCardinality(String) COMMENT 'of the playbook',
    number       Int64 COMMENT 'of this revision, from 1',
    hash         String COMMENT 'SHA-256 of its text; empty: withdrawn',
    text         String COMMENT 'what it says, as JSON; empty: withdrawn' CODEC(ZSTD(1)),
    family       LowCardinality(String) COMMENT 'what kind of cause it is about',
    source       LowCardinality(String) COMMENT 'shipped, or installation',
    withdrawn    Bool COMMENT 'no longer there',
    recorded_at  DateTime64(3, 'UTC') COMMENT 'when AWOOOI wrote it to the log',
    log_epoch    LowCardinality(String) COMMENT 'which life of the log',
    kafka_offset Int64 COMMENT 'order within the topic',
    version      Int64 COMMENT 'the negated offset: the lowest offset wins'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (project_id, event_id)
TTL toDateTime(recorded_at) + INTERVAL 400 DAY
COMMENT 'Revisions of playbooks. Private: ask v_playbooks.';

CREATE MATERIALIZED VIEW IF NOT EXISTS playbooks_from_events TO playbooks AS
WITH JSONExtract(payload, 'Tuple(
    name String, number Int64, hash String, text String, family String, source String, withdrawn Bool)') AS told
SELECT
    project_id,
    event_id,
    told.name AS name,
    told.number AS number,
    told.hash AS hash,
    told.text AS text,
    told.family AS family,
    told.source AS source,
    told.withdrawn AS withdrawn,
    recorded_at,
    log_epoch,
    kafka_offset,
    version
FROM events
WHERE type = 'playbook.revised';

CREATE VIEW IF NOT EXISTS v_playbooks
(
    project_id  LowCardinality(String) COMMENT 'empty: a playbook is for all',
    event_id    UUID COMMENT 'of this event',
    name        LowCardinality(String) COMMENT 'of the playbook',
    number      Int64 COMMENT 'of this revision, from 1',
    hash        String COMMENT 'SHA-256 of its text; empty: withdrawn',
    text        String COMMENT 'what it says, as JSON; empty: withdrawn',
    family      LowCardinality(String) COMMENT 'what kind of cause it is about',
    source      LowCardinality(String) COMMENT 'shipped, or installation',
    withdrawn   Bool COMMENT 'no longer there',
    recorded_at DateTime64(3, 'UTC') COMMENT 'when AWOOOI wrote it to the log',
    in_force    Bool COMMENT 'nothing was said of it afterwards, and it is there'
) AS
SELECT
    project_id, event_id, name, number, hash, text, family, source, withdrawn, recorded_at,
    toBool(NOT withdrawn
        AND (log_epoch, kafka_offset) = max((log_epoch, kafka_offset)) OVER (PARTITION BY name)) AS in_force
FROM playbooks FINAL;

CREATE VIEW IF NOT EXISTS v_contracts
(
    revision    UUID COMMENT 'of its event',
    contract_id String COMMENT 'policy, or the name of a playbook',
    project_id  LowCardinality(String) COMMENT 'empty: for all',
    family      String COMMENT 'policy or playbook',
    number      Int64 COMMENT 'of the revision',
    hash        String COMMENT 'of what it says; empty: withdrawn',
    life_cycle  String COMMENT 'in_force, superseded or withdrawn',
    actor       String COMMENT 'who put it in force; empty: it came with the installation',
    recorded_at DateTime64(3, 'UTC') COMMENT 'when AWOOOI wrote it to the log'
) AS
SELECT
    event_id AS revision, 'policy' AS contract_id, project_id, 'policy' AS family, number, hash,
    if(in_force, 'in_force', 'superseded') AS life_cycle, actor, recorded_at
FROM v_policies
UNION ALL
SELECT
    event_id, toString(name), project_id, 'playbook', number, hash,
    multiIf(in_force, 'in_force', withdrawn, 'withdrawn', 'superseded'), '', recorded_at
FROM v_playbooks;
