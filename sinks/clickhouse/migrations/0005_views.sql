-- The analysts' contract: columns are added, never renamed or dropped. Tables are private.

CREATE VIEW IF NOT EXISTS v_alerts
(
    project_id      LowCardinality(String) COMMENT 'tenant',
    event_id        UUID COMMENT 'of its alert.normalized',
    received_at     DateTime64(3, 'UTC') COMMENT 'when the raw record was written',
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
    sanitized       Bool COMMENT 'hostile text was replaced',
    incomplete      Bool COMMENT 'the sender left alerts of this group out',
    truncated       Array(String) COMMENT 'fields that were cut',
    recorded_at     DateTime64(3, 'UTC') COMMENT 'when AWOOOI wrote it to the log'
) AS
SELECT
    project_id, event_id, received_at, alert_type, severity, status, source, message, description, cluster,
    namespace, target_resource, resource_type, fingerprint, fired_at, ends_at, metrics, labels, annotations,
    sanitized, incomplete, truncated, recorded_at
FROM alerts FINAL;

-- Steps of one incident lie in one partition of one topic: there the offset is their order. Steps that
-- other topics add (run.started) carry no state.
CREATE VIEW IF NOT EXISTS v_incidents
(
    project_id      LowCardinality(String) COMMENT 'tenant',
    incident_id     String COMMENT 'the incident',
    fingerprint     String COMMENT 'whose alerts it counts',
    alert_type      String COMMENT 'what kind of alert opened it',
    severity        String COMMENT 'highest seen: info, warning or critical',
    status          String COMMENT 'PENDING, INVESTIGATING, WAITING_APPROVAL, ..., RESOLVED, EXPIRED',
    cluster         String COMMENT 'where it fires',
    namespace       String COMMENT 'empty where none',
    target_resource String COMMENT 'what it is about, empty where unknown',
    message         String COMMENT 'of its latest alert that says one',
    hit_count       UInt64 COMMENT 'alerts counted on it',
    opened_at       Nullable(DateTime64(3, 'UTC')) COMMENT 'first sight',
    last_seen_at    Nullable(DateTime64(3, 'UTC')) COMMENT 'latest alert',
    resolved_at     Nullable(DateTime64(3, 'UTC')) COMMENT 'when it resolved or expired; empty while open',
    generation      UInt32 COMMENT 'how often it was reopened',
    runs            UInt64 COMMENT 'runs started for it',
    updated_at      DateTime64(3, 'UTC') COMMENT 'its latest step'
) AS
SELECT
    project_id,
    incident_id,
    argMaxIf(fingerprint, place, fingerprint != '') AS fingerprint,
    argMaxIf(alert_type, place, alert_type != '') AS alert_type,
    ['', 'info', 'warning', 'critical'][1 + max(rank)] AS severity,
    argMaxIf(status, place, status != '') AS status,
    argMaxIf(cluster, place, cluster != '') AS cluster,
    argMaxIf(namespace, place, namespace != '') AS namespace,
    argMaxIf(target_resource, place, target_resource != '') AS target_resource,
    argMaxIf(message, place, message != '') AS message,
    max(hit_count) AS hit_count,
    min(opened_at) AS opened_at,
    max(last_seen_at) AS last_seen_at,
    if(
        argMaxIf(type, place, type IN ('incident.opened', 'incident.reopened', 'incident.resolved', 'incident.expired'))
            IN ('incident.resolved', 'incident.expired'),
        argMaxIf(ended_at, place, type IN ('incident.resolved', 'incident.expired')),
        NULL) AS resolved_at,
    max(generation) AS generation,
    uniqExactIf(run_id, type = 'run.started') AS runs,
    max(recorded_at) AS updated_at
FROM
(
    SELECT
        *,
        (log_epoch, kafka_offset) AS place,
        ifNull(resolved_at, recorded_at) AS ended_at,
        indexOf(['info', 'warning', 'critical'], if(highest_severity != '', highest_severity, severity)) AS rank
    FROM incidents FINAL
)
GROUP BY project_id, incident_id;

CREATE VIEW IF NOT EXISTS v_daily
(
    day                 Date COMMENT 'UTC',
    project_id          LowCardinality(String) COMMENT 'tenant',
    alerts              UInt64 COMMENT 'alerts received',
    incidents           UInt64 COMMENT 'incidents opened',
    alerts_per_incident Nullable(Float64) COMMENT 'noise reduction; empty on a day without incidents'
) AS
SELECT
    day,
    project_id,
    sum(alert) AS alerts,
    sum(incident) AS incidents,
    if(incidents = 0, NULL, round(alerts / incidents, 2)) AS alerts_per_incident
FROM
(
    SELECT toDate(received_at, 'UTC') AS day, project_id, 1 AS alert, 0 AS incident FROM alerts FINAL
    UNION ALL
    SELECT toDate(recorded_at, 'UTC') AS day, project_id, 0 AS alert, 1 AS incident
    FROM incidents FINAL
    WHERE type = 'incident.opened'
)
GROUP BY day, project_id;

CREATE VIEW IF NOT EXISTS v_rejected
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
    recorded_at     DateTime64(3, 'UTC') COMMENT 'when it was rejected'
) AS
SELECT
    project_id, event_id, type, stage, source, reason, detail, log_epoch, topic, kafka_partition,
    kafka_offset, size, sha256, recorded_at
FROM rejected FINAL;
