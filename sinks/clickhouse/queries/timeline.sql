-- Everything that is recorded about one incident, in the order of time. Parameters: project, incident.
SELECT recorded_at, type, stage, actor, run_id, event_id, causes, payload
FROM events FINAL
WHERE (project_id, event_id) IN
(
    SELECT project_id, event_id
    FROM incident_events FINAL
    WHERE project_id = {project:String} AND incident_id = {incident:String}
)
ORDER BY recorded_at, kafka_offset
