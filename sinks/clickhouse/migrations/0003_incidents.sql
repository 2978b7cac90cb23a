-- What makes the state of an incident: its own events, and the runs that were started for it.
CREATE TABLE IF NOT EXISTS incidents
(
    project_id         LowCardinality(String) COMMENT 'tenant',
    incident_id        String COMMENT 'the incident',
    event_id           UUID COMMENT 'of this step',
    type               LowCardinality(String) COMMENT 'incident.opened, incident.hit, ..., run.started',
    run_id             String COMMENT 'empty where none',
    status             LowCardinality(String) COMMENT 'the state this step leads to, empty where it stays',
    severity           LowCardinality(String) COMMENT 'of the latest alert, empty where not said',
    highest_severity   LowCardinality(String) COMMENT 'highest seen so far, empty where not said',
    fingerprint        String COMMENT 'empty where not said',
    alert_type         LowCardinality(String) COMMENT 'empty where not said',
    source             LowCardinality(String) COMMENT 'empty where not said',
    message            String COMMENT 'empty where not said',
    cluster            LowCardinality(String) COMMENT 'empty where not said',
    namespace          LowCardinality(String) COMMENT 'empty where none',
    target_resource    String COMMENT 'empty where none',
    resource_type      LowCardinality(String) COMMENT 'empty where none',
    hit_count          UInt64 COMMENT 'alerts counted so far; cumulative',
    opened_at          Nullable(DateTime64(3, 'UTC')) COMMENT 'first sight',
    last_seen_at       Nullable(DateTime64(3, 'UTC')) COMMENT 'latest alert',
    resolved_at        Nullable(DateTime64(3, 'UTC')) COMMENT 'end, as the event says',
    last_occurrence_at Nullable(DateTime64(3, 'UTC')) COMMENT 'the alert before this incident (re)opened',
    generation         UInt32 COMMENT 'how often it was reopened',
    count_5m           UInt64 COMMENT 'alerts of the fingerprint in the last 5 minutes',
    count_1h           UInt64 COMMENT 'in the last hour',
    count_24h          UInt64 COMMENT 'in the last 24 hours',
    reason             String COMMENT 'why, where the event says',
    recorded_at        DateTime64(3, 'UTC') COMMENT 'when AWOOOI wrote it to the log',
    log_epoch          LowCardinality(String) COMMENT 'which life of the log',
    topic              LowCardinality(String) COMMENT 'of the log',
    kafka_offset       Int64 COMMENT 'order of the steps within one topic',
    version            Int64 COMMENT 'the negated offset: the lowest offset wins'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (project_id, incident_id, event_id)
TTL toDateTime(recorded_at) + INTERVAL 400 DAY
COMMENT 'The steps of every incident. Private: ask v_incidents.';

CREATE MATERIALIZED VIEW IF NOT EXISTS incidents_from_events TO incidents AS
WITH JSONExtract(payload, 'Tuple(
    status String, severity String, highest_severity String, fingerprint String, alert_type String,
    source String, message String, cluster String, namespace String, target_resource String,
    resource_type String, hit_count UInt64, opened_at String, last_seen_at String, resolved_at String,
    last_occurrence_at String, generation UInt32, count_5m UInt64, count_1h UInt64, count_24h UInt64,
    reason String)') AS step
SELECT
    project_id,
    incident_id,
    event_id,
    type,
    run_id,
    multiIf(
        type IN ('incident.opened', 'incident.reopened'), 'PENDING',
        type = 'incident.moved', step.status,
        type = 'incident.resolved', 'RESOLVED',
        type = 'incident.expired', 'EXPIRED',
        '') AS status,
    step.severity AS severity,
    step.highest_severity AS highest_severity,
    step.fingerprint AS fingerprint,
    step.alert_type AS alert_type,
    step.source AS source,
    step.message AS message,
    step.cluster AS cluster,
    step.namespace AS namespace,
    step.target_resource AS target_resource,
    step.resource_type AS resource_type,
    step.hit_count AS hit_count,
    parseDateTime64BestEffortOrNull(step.opened_at, 3, 'UTC') AS opened_at,
    parseDateTime64BestEffortOrNull(step.last_seen_at, 3, 'UTC') AS last_seen_at,
    parseDateTime64BestEffortOrNull(step.resolved_at, 3, 'UTC') AS resolved_at,
    parseDateTime64BestEffortOrNull(step.last_occurrence_at, 3, 'UTC') AS last_occurrence_at,
    step.generation AS generation,
    step.count_5m AS count_5m,
    step.count_1h AS count_1h,
    step.count_24h AS count_24h,
    step.reason AS reason,
    recorded_at,
    log_epoch,
    topic,
    kafka_offset,
    version
FROM events
WHERE incident_id != '' AND (startsWith(type, 'incident.') OR type = 'run.started');
