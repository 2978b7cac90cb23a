-- Who wants quiet: silences, windows and freezes as they stand, and which incidents each of them marked.

CREATE TABLE IF NOT EXISTS silences
(
    project_id   LowCardinality(String) COMMENT 'tenant',
    event_id     UUID COMMENT 'of this word on it',
    silence_id   String COMMENT 'its id; another system''s stands behind that system''s name',
    kind         LowCardinality(String) COMMENT 'silence, maintenance or freeze',
    matchers     String COMMENT 'what it covers, as a JSON list of name, value, regex, negated',
    everything   Bool COMMENT 'without any matcher: all of the project',
    starts_at    Nullable(DateTime64(3, 'UTC')) COMMENT 'from when on',
    ends_at      Nullable(DateTime64(3, 'UTC')) COMMENT 'until when; ended early: when that was; empty: it lasts',
    comment      String COMMENT 'why, in the words of who set it',
    set_by       String COMMENT 'who set it, personal values covered',
    source       LowCardinality(String) COMMENT 'awoooi, or the system that it was set in',
    url          String COMMENT 'where it can be looked at',
    actor        String COMMENT 'the person whose word this is, where one acted here',
    updated_at   Nullable(DateTime64(3, 'UTC')) COMMENT 'when it was last set',
    recorded_at  DateTime64(3, 'UTC') COMMENT 'when AWOOOI wrote it to the log',
    log_epoch    LowCardinality(String) COMMENT 'which life of the log',
    kafka_offset Int64 COMMENT 'order within the topic',
    version      Int64 COMMENT 'the negated offset: the lowest offset wins'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (project_id, event_id)
TTL toDateTime(recorded_at) + INTERVAL 400 DAY
COMMENT 'Every word on a silence, a window or a freeze. Private: ask v_silences.';

CREATE MATERIALIZED VIEW IF NOT EXISTS silences_from_events TO silences AS
WITH JSONExtract(payload, 'Tuple(
    id String, kind String, everything Bool, starts_at String, ends_at String, comment String, by String,
    source String, url String, updated_at String)') AS told
SELECT
    project_id,
    event_id,
    told.id AS silence_id,
    told.kind AS kind,
    JSONExtractRaw(payload, 'matchers') AS matchers,
    told.everything AS everything,
    parseDateTime64BestEffortOrNull(told.starts_at, 3, 'UTC') AS starts_at,
    parseDateTime64BestEffortOrNull(told.ends_at, 3, 'UTC') AS ends_at,
    told.comment AS comment,
    told.by AS set_by,
    told.source AS source,
    told.url AS url,
    actor,
    parseDateTime64BestEffortOrNull(told.updated_at, 3, 'UTC') AS updated_at,
    recorded_at,
    log_epoch,
    kafka_offset,
    version
FROM events
WHERE type = 'silence.set';

-- As each stands. What acts reads the log, not this.
CREATE VIEW IF NOT EXISTS v_silences
(
    project_id LowCardinality(String) COMMENT 'tenant',
    silence_id String COMMENT 'its id; another system''s stands behind that system''s name',
    kind       String COMMENT 'silence, maintenance or freeze',
    state      String COMMENT 'pending, active or expired, as of now',
    matchers   String COMMENT 'what it covers, as a JSON list of name, value, regex, negated',
    everything Bool COMMENT 'without any matcher: all of the project',
    starts_at  Nullable(DateTime64(3, 'UTC')) COMMENT 'from when on',
    ends_at    Nullable(DateTime64(3, 'UTC')) COMMENT 'until when; empty: it lasts',
    comment    String COMMENT 'why, in the words of who set it',
    set_by     String COMMENT 'who set it, personal values covered',
    source     String COMMENT 'awoooi, or the system that it was set in',
    url        String COMMENT 'where it can be looked at',
    actor      String COMMENT 'the person whose word was the last, where one acted here',
    updated_at Nullable(DateTime64(3, 'UTC')) COMMENT 'when it was last set',
    times      UInt64 COMMENT 'how often it was set'
) AS
SELECT
    project_id,
    silence_id,
    last.1 AS kind,
    multiIf(now64(3, 'UTC') < last.4, 'pending', last.5 IS NULL OR now64(3, 'UTC') < last.5, 'active', 'expired')
        AS state,
    last.2 AS matchers,
    last.3 AS everything,
    last.4 AS starts_at,
    last.5 AS ends_at,
    last.6 AS comment,
    last.7 AS set_by,
    last.8 AS source,
    last.9 AS url,
    last.10 AS actor,
    last.11 AS updated_at,
    times
FROM
(
    SELECT
        project_id,
        silence_id,
        argMax(
            (kind, matchers, everything, starts_at, ends_at, comment, set_by, source, url, actor, updated_at),
            (log_epoch, kafka_offset)) AS last,
        uniqExact(event_id) AS times
    FROM silences FINAL
    GROUP BY project_id, silence_id
);

CREATE VIEW IF NOT EXISTS v_quiet
(
    project_id  LowCardinality(String) COMMENT 'tenant',
    incident_id String COMMENT 'the incident',
    silence_id  String COMMENT 'of the silence or window; of an inhibition its rule',
    kind        String COMMENT 'silence, maintenance or inhibition',
    active      Bool COMMENT 'it was not heard to have ended, and its end is not past',
    set_by      String COMMENT 'who set it; of an inhibition the rule',
    comment     String COMMENT 'why, in the words of who set it',
    until       Nullable(DateTime64(3, 'UTC')) COMMENT 'when it ends, where that is known',
    set_in      String COMMENT 'awoooi, or the system that it was set in',
    since       DateTime64(3, 'UTC') COMMENT 'when the incident was first told of it',
    changed_at  DateTime64(3, 'UTC') COMMENT 'when it was last told of it'
) AS
SELECT
    project_id,
    incident_id,
    silence_id,
    kind,
    toBool(last.1 AND (last.4 IS NULL OR now64(3, 'UTC') < last.4)) AS active,
    last.2 AS set_by,
    last.3 AS comment,
    last.4 AS until,
    last.5 AS set_in,
    since,
    changed_at
FROM
(
    SELECT
        project_id,
        incident_id,
        silence_id,
        toString(any(kind)) AS kind,
        argMax((active, set_by, comment, until, set_in), (log_epoch, kafka_offset)) AS last,
        min(recorded_at) AS since,
        max(recorded_at) AS changed_at
    FROM
    (
        WITH JSONExtract(payload, 'Tuple(
            silence_id String, kind String, active Bool, by String, comment String, until String,
            set_in String)') AS told
        SELECT
            project_id, incident_id, event_id, told.silence_id AS silence_id, told.kind AS kind,
            told.active AS active, told.by AS set_by, told.comment AS comment, told.set_in AS set_in,
            parseDateTime64BestEffortOrNull(told.until, 3, 'UTC') AS until, recorded_at, log_epoch,
            kafka_offset
        FROM events
        WHERE (project_id, event_id) IN (
            SELECT project_id, event_id FROM incident_marks WHERE type = 'incident.silenced')
        ORDER BY version DESC
        LIMIT 1 BY project_id, event_id
    )
    GROUP BY project_id, incident_id, silence_id
);
