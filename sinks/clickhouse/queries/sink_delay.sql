-- How long events of the last day took from the log to the record, by topic.
SELECT
    topic,
    count() AS events,
    quantile(0.5)(dateDiff('millisecond', recorded_at, stored_at)) AS median_ms,
    quantile(0.99)(dateDiff('millisecond', recorded_at, stored_at)) AS p99_ms
FROM events
WHERE stored_at > now64(3, 'UTC') - INTERVAL 1 DAY
GROUP BY topic
ORDER BY topic
