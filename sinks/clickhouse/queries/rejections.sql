-- What was rejected, by reason and place, most frequent first.
SELECT project_id, type, stage, source, topic, reason, count() AS records, max(recorded_at) AS latest,
    any(detail) AS example
FROM v_rejected
GROUP BY project_id, type, stage, source, topic, reason
ORDER BY records DESC
