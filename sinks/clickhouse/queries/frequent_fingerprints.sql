-- The fingerprints that open the most incidents. Parameter: limit.
SELECT
    project_id,
    fingerprint,
    any(alert_type) AS alert_type,
    any(target_resource) AS target_resource,
    count() AS incidents,
    sum(hit_count) AS alerts,
    max(last_seen_at) AS last_seen_at
FROM v_incidents
GROUP BY project_id, fingerprint
ORDER BY incidents DESC, alerts DESC
LIMIT {limit:UInt32}
