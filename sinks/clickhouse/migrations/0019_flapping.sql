-- Which incidents' alerts go on and off. A settled one says so in its last word.

ALTER TABLE incident_marks
    ADD COLUMN IF NOT EXISTS flapping Bool COMMENT 'of a flapping alert: it goes on and off from now on',
    ADD COLUMN IF NOT EXISTS changes UInt32 COMMENT 'of a flapping alert: changes counted so far',
    ADD COLUMN IF NOT EXISTS flaps_since Nullable(DateTime64(3, 'UTC')) COMMENT 'of a flapping alert: since when';

CREATE MATERIALIZED VIEW IF NOT EXISTS incident_flaps_from_events TO incident_marks AS
WITH JSONExtract(payload, 'Tuple(state String, changes UInt32, began_at String)') AS told
SELECT
    project_id,
    incident_id,
    event_id,
    type,
    told.state != 'settled' AS flapping,
    told.changes AS changes,
    parseDateTime64BestEffortOrNull(told.began_at, 3, 'UTC') AS flaps_since,
    recorded_at,
    log_epoch,
    kafka_offset,
    version
FROM events
WHERE type = 'incident.flapping';

-- What was stored before. Said twice it is one row.
INSERT INTO incident_marks
    (project_id, incident_id, event_id, type, flapping, changes, flaps_since, recorded_at, log_epoch, kafka_offset,
    version)
WITH JSONExtract(payload, 'Tuple(state String, changes UInt32, began_at String)') AS told
SELECT
    project_id, incident_id, event_id, type, told.state != 'settled', told.changes,
    parseDateTime64BestEffortOrNull(told.began_at, 3, 'UTC'), recorded_at, log_epoch, kafka_offset, version
FROM events
WHERE type = 'incident.flapping';

CREATE VIEW IF NOT EXISTS v_flapping
(
    project_id  LowCardinality(String) COMMENT 'tenant',
    incident_id String COMMENT 'the incident',
    flapping    Bool COMMENT 'its alert goes on and off still: only people ask for runs',
    changes     UInt32 COMMENT 'changes of its state counted, those that showed it among them',
    since       Nullable(DateTime64(3, 'UTC')) COMMENT 'since when it flapped, the last time',
    changed_at  DateTime64(3, 'UTC') COMMENT 'when that was told last: that it began, or has settled'
) AS
SELECT
    project_id,
    incident_id,
    argMax(flapping, (log_epoch, kafka_offset)) AS flapping,
    argMax(changes, (log_epoch, kafka_offset)) AS changes,
    argMax(flaps_since, (log_epoch, kafka_offset)) AS since,
    max(recorded_at) AS changed_at
FROM incident_marks FINAL
WHERE type = 'incident.flapping'
GROUP BY project_id, incident_id;
