-- What stands on incidents until another word: a list of fifty asks for a few narrow rows, not for their events.

CREATE TABLE IF NOT EXISTS incident_marks
(
    project_id   LowCardinality(String) COMMENT 'tenant',
    incident_id  String COMMENT 'the incident',
    event_id     UUID COMMENT 'of this event',
    type         LowCardinality(String) COMMENT 'incident.acknowledged, assigned, silenced or linked',
    actor        String COMMENT 'the person, where one did it',
    assignee     String COMMENT 'of an assignment: whose it is; empty: nobody''s',
    quiet        Bool COMMENT 'of a silence: it is kept quiet from now on',
    quiet_kind   LowCardinality(String) COMMENT 'of a silence: silence, maintenance or inhibition',
    silence_id   String COMMENT 'of a silence: which',
    quiet_until  Nullable(DateTime64(3, 'UTC')) COMMENT 'of a silence: when it ends; empty: not known',
    parent_id    String COMMENT 'of a link: the older incident that it belongs to',
    recorded_at  DateTime64(3, 'UTC') COMMENT 'when AWOOOI wrote it to the log',
    log_epoch    LowCardinality(String) COMMENT 'which life of the log',
    kafka_offset Int64 COMMENT 'order within the topic',
    version      Int64 COMMENT 'the negated offset: the lowest offset wins'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (project_id, incident_id, event_id)
TTL toDateTime(recorded_at) + INTERVAL 400 DAY
COMMENT 'What people and others said of incidents that stands until another word. Private.';

CREATE MATERIALIZED VIEW IF NOT EXISTS incident_marks_from_events TO incident_marks AS
WITH JSONExtract(payload, 'Tuple(
    assignee String, active Bool, kind String, silence_id String, until String, parent_incident_id String)') AS told
SELECT
    project_id,
    incident_id,
    event_id,
    type,
    actor,
    told.assignee AS assignee,
    told.active AS quiet,
    told.kind AS quiet_kind,
    told.silence_id AS silence_id,
    parseDateTime64BestEffortOrNull(told.until, 3, 'UTC') AS quiet_until,
    told.parent_incident_id AS parent_id,
    recorded_at,
    log_epoch,
    kafka_offset,
    version
FROM events
WHERE type IN ('incident.acknowledged', 'incident.assigned', 'incident.silenced', 'incident.linked');

-- What was stored before. Said twice it is one row.
INSERT INTO incident_marks
WITH JSONExtract(payload, 'Tuple(
    assignee String, active Bool, kind String, silence_id String, until String, parent_incident_id String)') AS told
SELECT
    project_id, incident_id, event_id, type, actor, told.assignee, told.active, told.kind, told.silence_id,
    parseDateTime64BestEffortOrNull(told.until, 3, 'UTC'), told.parent_incident_id, recorded_at, log_epoch,
    kafka_offset, version
FROM events
WHERE type IN ('incident.acknowledged', 'incident.assigned', 'incident.silenced', 'incident.linked');
