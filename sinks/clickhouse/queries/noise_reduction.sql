-- Alerts per incident, by project and day, newest first.
SELECT day, project_id, alerts, incidents, alerts_per_incident
FROM v_daily
ORDER BY day DESC, project_id
