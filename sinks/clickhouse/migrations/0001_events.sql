-- The record: every event of every topic, once.
--
-- An event may be delivered again, at a later offset and, by a stage that is not deterministic, with
-- other content. The first one wins: rows are replaced by project and event id, and `version` is the
-- negated offset. So the sorting key is exactly that pair, and there is no PARTITION BY: two rows of
-- one id must always meet in one partition, and an id (a UUIDv5) knows nothing of time.
-- Read it with FINAL.
CREATE TABLE IF NOT EXISTS events
(
    project_id      LowCardinality(String) COMMENT 'tenant',
    event_id        UUID COMMENT 'derived from the cause; the first event with an id wins',
    type            LowCardinality(String) COMMENT 'what happened, in the past tense: incident.opened',
    schema_version  UInt16 COMMENT 'of the payload',
    stage           LowCardinality(String) COMMENT 'which stage wrote it',
    actor           String COMMENT 'the person behind it, where there is one',
    incident_id     String COMMENT 'empty where none',
    run_id          String COMMENT 'empty where none',
    occurred_at     DateTime64(3, 'UTC') COMMENT 'when it happened at the source',
    recorded_at     DateTime64(3, 'UTC') COMMENT 'when AWOOOI wrote it to the log',
    causes          Array(UUID) COMMENT 'the events it follows from',
    has_sealed      Bool COMMENT 'whether real values lie sealed in the log; the ciphertext is not here',
    log_epoch       LowCardinality(String) COMMENT 'which life of the log; empty on a real cluster',
    topic           LowCardinality(String) COMMENT 'of the log',
    kafka_partition Int32 COMMENT 'of the topic',
    kafka_offset    Int64 COMMENT 'in the partition',
    payload         String COMMENT 'JSON, typed by `type`' CODEC(ZSTD(1)),
    hash            String COMMENT 'of the event itself, in hex',
    version         Int64 DEFAULT -kafka_offset COMMENT 'the negated offset: the lowest offset wins',
    stored_at       DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'when ClickHouse got it'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (project_id, event_id)
TTL toDateTime(recorded_at) + INTERVAL 400 DAY
SETTINGS index_granularity = 2048
COMMENT 'Every event of every topic, once. Private: ask the views.';

-- Which events an incident has, so that its timeline is a few point look-ups in `events`.
CREATE TABLE IF NOT EXISTS incident_events
(
    project_id  LowCardinality(String) COMMENT 'tenant',
    incident_id String COMMENT 'the incident',
    event_id    UUID COMMENT 'an event of it',
    run_id      String COMMENT 'empty where none',
    type        LowCardinality(String) COMMENT 'what happened',
    recorded_at DateTime64(3, 'UTC') COMMENT 'when AWOOOI wrote it to the log',
    version     Int64 COMMENT 'the negated offset: the lowest offset wins'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (project_id, incident_id, event_id)
TTL toDateTime(recorded_at) + INTERVAL 400 DAY
COMMENT 'Index of events by incident. Private.';

CREATE MATERIALIZED VIEW IF NOT EXISTS incident_events_from_events TO incident_events AS
SELECT project_id, incident_id, event_id, run_id, type, recorded_at, version
FROM events
WHERE incident_id != '';
