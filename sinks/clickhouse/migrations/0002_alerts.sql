-- Every normalised alert. `received_at` is the time of the raw record, which is the same whenever that
-- record is read again: so it may stand in the sorting key, and two copies of an alert still meet.
CREATE TABLE IF NOT EXISTS alerts
(
    project_id      LowCardinality(String) COMMENT 'tenant',
    received_at     DateTime64(3, 'UTC') COMMENT 'when the raw record was written',
    event_id        UUID COMMENT 'of its alert.normalized',
    alert_type      LowCardinality(String) COMMENT 'what kind of alert',
    severity        LowCardinality(String) COMMENT 'info, warning or critical',
    status          LowCardinality(String) COMMENT 'firing or resolved',
    source          LowCardinality(String) COMMENT 'the stack it came from',
    message         String COMMENT 'one line',
    description     String COMMENT 'the longer text, empty where none',
    cluster         LowCardinality(String) COMMENT 'where it fired',
    namespace       LowCardinality(String) COMMENT 'empty where none',
    target_resource String COMMENT 'what it is about, empty where unknown',
    resource_type   LowCardinality(String) COMMENT 'pod, deployment, node, ...',
    fingerprint     String COMMENT 'identity within the project',
    fired_at        Nullable(DateTime64(3, 'UTC')) COMMENT 'when it began, as the sender says',
    ends_at         Nullable(DateTime64(3, 'UTC')) COMMENT 'when it ended, as the sender says',
    metrics         String COMMENT 'numbers named in the text, as a JSON object',
    labels          Map(String, String) COMMENT 'as sent',
    annotations     Map(String, String) COMMENT 'as sent',
    generator_url   String COMMENT 'where the sender shows it',
    sanitized       Bool COMMENT 'hostile text was replaced',
    patterns        Array(String) COMMENT 'families of hostile text found',
    incomplete      Bool COMMENT 'the sender left alerts of this group out',
    truncated       Array(String) COMMENT 'fields that were cut',
    origin_epoch    LowCardinality(String) COMMENT 'log epoch of the raw record',
    origin_topic    LowCardinality(String) COMMENT 'topic of the raw record',
    origin_partition Int32 COMMENT 'partition of the raw record',
    origin_offset   Int64 COMMENT 'offset of the raw record',
    origin_index    Int32 COMMENT 'which alert of the record',
    recorded_at     DateTime64(3, 'UTC') COMMENT 'when AWOOOI wrote it to the log',
    version         Int64 COMMENT 'the negated offset: the lowest offset wins'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (project_id, received_at, event_id)
TTL toDateTime(received_at) + INTERVAL 400 DAY
COMMENT 'Normalised alerts. Private: ask v_alerts.';

CREATE MATERIALIZED VIEW IF NOT EXISTS alerts_from_events TO alerts AS
WITH JSONExtract(payload, 'Tuple(
    alert_type String, severity String, status String, source String, message String, description String,
    cluster String, namespace String, target_resource String, resource_type String, fingerprint String,
    fired_at String, ends_at String, received_at String, metrics String, labels Map(String, String),
    annotations Map(String, String), generator_url String, sanitized Bool, patterns Array(String),
    incomplete Bool, truncated Array(String),
    origin Tuple(epoch String, topic String, partition Int32, offset Int64, index Int32))') AS alert
SELECT
    project_id,
    ifNull(parseDateTime64BestEffortOrNull(alert.received_at, 3, 'UTC'), occurred_at) AS received_at,
    event_id,
    alert.alert_type AS alert_type,
    alert.severity AS severity,
    alert.status AS status,
    alert.source AS source,
    alert.message AS message,
    alert.description AS description,
    alert.cluster AS cluster,
    alert.namespace AS namespace,
    alert.target_resource AS target_resource,
    alert.resource_type AS resource_type,
    alert.fingerprint AS fingerprint,
    parseDateTime64BestEffortOrNull(alert.fired_at, 3, 'UTC') AS fired_at,
    parseDateTime64BestEffortOrNull(alert.ends_at, 3, 'UTC') AS ends_at,
    alert.metrics AS metrics,
    alert.labels AS labels,
    alert.annotations AS annotations,
    alert.generator_url AS generator_url,
    alert.sanitized AS sanitized,
    alert.patterns AS patterns,
    alert.incomplete AS incomplete,
    alert.truncated AS truncated,
    alert.origin.epoch AS origin_epoch,
    alert.origin.topic AS origin_topic,
    alert.origin.partition AS origin_partition,
    alert.origin.offset AS origin_offset,
    alert.origin.index AS origin_index,
    recorded_at,
    version
FROM events
WHERE type = 'alert.normalized';
