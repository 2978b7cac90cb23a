-- What never became an event, or what a stage could not process: where it lies and why, never its bytes.
CREATE TABLE IF NOT EXISTS rejected
(
    project_id      LowCardinality(String) COMMENT 'tenant',
    event_id        UUID COMMENT 'of its alert.rejected or stage.failed',
    type            LowCardinality(String) COMMENT 'alert.rejected or stage.failed',
    stage           LowCardinality(String) COMMENT 'which stage gave it up',
    source          LowCardinality(String) COMMENT 'the alert source, empty for a stage',
    reason          LowCardinality(String) COMMENT 'short constant, for counting',
    detail          String COMMENT 'what is wrong, in words',
    log_epoch       LowCardinality(String) COMMENT 'of the original',
    topic           LowCardinality(String) COMMENT 'of the original',
    kafka_partition Int32 COMMENT 'of the original',
    kafka_offset    Int64 COMMENT 'of the original',
    size            UInt64 COMMENT 'bytes of the original',
    sha256          String COMMENT 'of the original, in hex',
    recorded_at     DateTime64(3, 'UTC') COMMENT 'when it was rejected',
    version         Int64 COMMENT 'the negated offset: the lowest offset wins'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (project_id, event_id)
TTL toDateTime(recorded_at) + INTERVAL 400 DAY
COMMENT 'Rejected records. Private: ask v_rejected.';

CREATE MATERIALIZED VIEW IF NOT EXISTS rejected_from_events TO rejected AS
WITH JSONExtract(payload, 'Tuple(
    stage String, source String, reason String, detail String, epoch String, topic String,
    partition Int32, offset Int64, size UInt64, sha256 String)') AS original
SELECT
    project_id,
    event_id,
    type,
    if(original.stage != '', original.stage, stage) AS stage,
    original.source AS source,
    original.reason AS reason,
    original.detail AS detail,
    original.epoch AS log_epoch,
    original.topic AS topic,
    original.partition AS kafka_partition,
    original.offset AS kafka_offset,
    original.size AS size,
    original.sha256 AS sha256,
    recorded_at,
    version
FROM events
WHERE type IN ('alert.rejected', 'stage.failed');

-- Rows that ClickHouse itself refused: named here, while the others are stored.
CREATE TABLE IF NOT EXISTS set_aside
(
    log_epoch       LowCardinality(String) COMMENT 'which life of the log',
    topic           LowCardinality(String) COMMENT 'where the event lies',
    kafka_partition Int32 COMMENT 'where the event lies',
    kafka_offset    Int64 COMMENT 'where the event lies',
    project_id      LowCardinality(String) COMMENT 'tenant, empty where unknown',
    event_id        String COMMENT 'empty where unknown',
    reason          String COMMENT 'what ClickHouse, or the way to it, said',
    at              DateTime64(3, 'UTC') COMMENT 'when it was set aside'
)
ENGINE = ReplacingMergeTree(at)
ORDER BY (log_epoch, topic, kafka_partition, kafka_offset)
TTL toDateTime(at) + INTERVAL 400 DAY
COMMENT 'Rows that ClickHouse refused, by their place in the log.';
