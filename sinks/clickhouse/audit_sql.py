"""What an audit asks of ClickHouse. Every value is a parameter."""

# ruff: noqa: S608 (our own text)

from __future__ import annotations

MOST = 1000
TEXTS = ("type", "project_id", "incident_id", "run_id", "stage", "actor")
ODD = " OR ".join(rf"match({name}, '[\"\\\\\\x00-\\x1f]')" for name in TEXTS)
"""what JSON writes with a backslash"""
CANONICAL = """concat(
    '["', toString(event_id), '","', type, '",', toString(schema_version), ',"', project_id, '","',
    incident_id, '","', run_id, '",', toString(toUnixTimestamp64Milli(occurred_at)), ',',
    toString(toUnixTimestamp64Milli(recorded_at)), ',"', stage, '","', actor, '",[',
    arrayStringConcat(arrayMap(cause -> concat('"', toString(cause), '"'), causes), ','),
    '],', if(has_sealed, 'true', 'false'), ']', payload)"""
IDS = "event_id >= {low:UUID} AND ({last:Bool} OR event_id < {high:UUID})"
PLACE = "log_epoch, topic, kafka_partition, kafka_offset"
IN_SCOPE = """({project:String} = '' OR project_id = {project:String})
    AND ({topic:String} = '' OR topic = {topic:String})
    AND recorded_at >= fromUnixTimestamp64Milli({since:Int64})
    AND recorded_at < fromUnixTimestamp64Milli({until:Int64})"""
WANTED = f"""({IN_SCOPE}
    OR event_id IN (SELECT event_id FROM audit_chain WHERE {IDS} AND {IN_SCOPE}))"""
"""also what was moved out of the scope: what it was linked as counts"""
PINNED_LINK = """kafka_offset <= transform(
            concat(log_epoch, ' ', topic, ' ', toString(kafka_partition)),
            {places:Array(String)}, {pinned:Array(Int64)}, toInt64(-1))"""
"""what lies behind the last head of its chain, anybody may have put there: it excuses nothing"""
MAY_BE_GONE = f"""((
        toUnixTimestamp64Milli(recorded_at) < {{kept_since:Int64}}
        OR toUnixTimestamp64Milli(recorded_at) <= transform(
            toString(project_id), {{erased:Array(String)}}, {{erased_before:Array(Int64)}}, toInt64(0)))
        AND {PINNED_LINK})"""
"""the slow question last: it is asked of the few for which the first is true"""
NOT_SAID_YET = """(
        toUnixTimestamp64Milli(recorded_at) < {expired_since:Int64}
        OR toUnixTimestamp64Milli(recorded_at) <= transform(
            toString(project_id), {said:Array(String)}, {said_before:Array(Int64)}, toInt64(0)))"""
"""such a row may be gone for a reason which is not pinned"""
TIPS = """
    SELECT log_epoch, topic, kafka_partition, max(kafka_offset) AS tip, 1 AS begun
    FROM audit_chain GROUP BY log_epoch, topic, kafka_partition
"""
TOTALS = f"""
SELECT count() AS rows, countIf({ODD}) AS odd, min(recorded_at) AS first_at, max(recorded_at) AS last_at
FROM events WHERE {IN_SCOPE}
"""
FAULTY = f"""
SELECT {PLACE}, toString(event_id) AS id, own, version = -kafka_offset AS versioned, linked
FROM
(
    SELECT {PLACE}, event_id, hash, version, ({ODD}) OR lower(hex(SHA256({CANONICAL}))) = hash AS own
    FROM events WHERE {IDS} AND {WANTED}
) AS row
LEFT JOIN (SELECT {PLACE}, event_id, hash AS link_hash, 1 AS linked FROM audit_chain WHERE {IDS}) AS link
    USING (event_id, {PLACE})
LEFT JOIN ({TIPS}) AS chain USING (log_epoch, topic, kafka_partition)
WHERE NOT own OR NOT versioned OR (linked AND link_hash != hash)
   OR (NOT linked AND begun AND kafka_offset <= tip)
LIMIT {MOST}
"""
"""rows that are not what was linked; those that the chains have not come to yet are none"""
MISSING = f"""
SELECT {PLACE}, toString(event_id) AS id, there, excusable
FROM
(
    SELECT {PLACE}, project_id, event_id, {NOT_SAID_YET} AS excusable
    FROM audit_chain
    WHERE {IDS} AND kind != 'aside' AND {IN_SCOPE} AND NOT {MAY_BE_GONE}
      AND event_id NOT IN (SELECT event_id FROM audit_chain WHERE {IDS} AND kind != 'aside' AND {MAY_BE_GONE})
) AS link
LEFT JOIN
(
    SELECT project_id, event_id, min(kafka_offset) AS first, 1 AS there
    FROM events WHERE {IDS} GROUP BY project_id, event_id
) AS row USING (project_id, event_id)
WHERE NOT there OR first > kafka_offset
ORDER BY excusable
LIMIT {MOST}
"""
"""links without their event; a repeat has no row of its own, and goes with the first"""
WHOLE_ROW = f"""project_id, toString(event_id) AS event_id_, type, schema_version, stage, actor,
       incident_id, run_id, toUnixTimestamp64Milli(occurred_at) AS occurred,
       toUnixTimestamp64Milli(recorded_at) AS recorded,
       arrayMap(cause -> toString(cause), causes) AS because, has_sealed, {PLACE}, hex(payload), hash"""
ODD_ROWS = f"""
SELECT {WHOLE_ROW}
FROM events
WHERE ({ODD}) AND {IN_SCOPE}
ORDER BY project_id, event_id, kafka_offset
LIMIT {{most:UInt32}} OFFSET {{after:UInt64}}
"""
LINKED = f"""
SELECT {PLACE}, toString(event_id) AS id FROM audit_chain WHERE event_id IN {{ids:Array(UUID)}}
"""
UNLINKED = f"""
SELECT log_epoch, topic, kafka_partition, 'events' AS what, count() AS rows, min(kafka_offset) AS first,
       toString(argMin(event_id, kafka_offset)) AS id, toUnixTimestamp64Milli(min(stored_at)) AS since
FROM events LEFT JOIN ({TIPS}) AS chain USING (log_epoch, topic, kafka_partition)
WHERE {IN_SCOPE} AND (NOT begun OR kafka_offset > tip)
GROUP BY log_epoch, topic, kafka_partition
ORDER BY log_epoch, topic, kafka_partition
"""
UNLINKED_ASIDE = f"""
SELECT log_epoch, topic, kafka_partition, 'set_aside' AS what, count() AS rows, min(kafka_offset) AS first,
       argMin(event_id, kafka_offset) AS id,
       min(if(at > now() + INTERVAL 1 DAY, 0, toUnixTimestamp64Milli(at))) AS since
FROM set_aside LEFT JOIN ({TIPS}) AS chain USING (log_epoch, topic, kafka_partition)
WHERE {IN_SCOPE} AND (NOT begun OR kafka_offset > tip)
GROUP BY log_epoch, topic, kafka_partition
ORDER BY log_epoch, topic, kafka_partition
"""
ASIDE_FAULTY = f"""
SELECT {PLACE}, event_id AS id, linked
FROM (SELECT {PLACE}, project_id, event_id, recorded_at, sha256, {IN_SCOPE} AS ours FROM set_aside) AS row
LEFT JOIN
(
    SELECT {PLACE}, hash, ({IN_SCOPE}) AS theirs, 1 AS linked,
           (project_id, if(event_id = toUUIDOrZero(''), '', toString(event_id)), recorded_at, hash) AS told
    FROM audit_chain WHERE kind = 'aside'
) AS link USING ({PLACE})
LEFT JOIN
(
    SELECT log_epoch, topic, kafka_partition, max(kafka_offset) AS tip, 1 AS begun,
           greatest(min(kafka_offset) - 1, ifNull(maxOrNullIf(kafka_offset, kind = 'adopted'), -1)) AS without
    FROM audit_chain GROUP BY log_epoch, topic, kafka_partition
) AS chain USING (log_epoch, topic, kafka_partition)
WHERE (ours OR theirs) AND if(linked, told != (project_id, event_id, recorded_at, sha256),
    begun AND kafka_offset <= tip AND (sha256 != '' OR kafka_offset > without))
LIMIT {MOST}
"""
"""what was set aside before there were chains has neither a link nor a hash"""
ASIDE_MISSING = f"""
SELECT {PLACE}, toString(event_id) AS id, excusable
FROM
(
    SELECT {PLACE}, event_id, {NOT_SAID_YET} AS excusable FROM audit_chain
    WHERE kind = 'aside' AND {IN_SCOPE} AND NOT {MAY_BE_GONE}
) AS link
LEFT ANTI JOIN set_aside AS row USING ({PLACE})
ORDER BY excusable
LIMIT {MOST}
"""
STRETCHES = """
SELECT log_epoch, topic, kafka_partition, min(kafka_offset) AS begin, max(kafka_offset) AS end,
       count() AS links
FROM audit_chain
WHERE {topic:String} = '' OR topic = {topic:String}
   OR concat(log_epoch, ' ', topic, ' ', toString(kafka_partition)) IN {excusing:Array(String)}
GROUP BY log_epoch, topic, kafka_partition
ORDER BY log_epoch, topic, kafka_partition
"""
"""whole: a range rests on what all links say of their time, and on the tombstones that excuse what is gone"""
LINKS = """
SELECT log_epoch, topic, kafka_partition, kafka_offset, number, link, kind, toString(event_id) AS id,
       concat(toString(toUnixTimestamp64Milli(recorded_at)), ' ', kind, ' ', id, ' ', hash, ' ', project_id)
FROM audit_chain
WHERE (log_epoch, topic, kafka_partition) >= ({epoch:String}, {topic:String}, {partition:Int32})
  AND (log_epoch, topic, kafka_partition) <= ({last_epoch:String}, {last_topic:String}, {last_part:Int32})
  AND kafka_offset >= {first:Int64} AND kafka_offset <= {last:Int64}
ORDER BY log_epoch, topic, kafka_partition, kafka_offset, link
"""
PINNED = """
SELECT argMax(payload, recorded_at) AS pinned FROM events
WHERE type IN ('audit.head', 'audit.checkpoint')
GROUP BY JSONExtractString(payload, 'subject'), toDate(recorded_at)
"""
ERASED = f"""
SELECT {WHOLE_ROW}
FROM events
WHERE type = 'project.erased' AND (event_id, hash, {PLACE}) IN
(
    SELECT event_id, hash, {PLACE} FROM audit_chain
    WHERE event_id IN (SELECT event_id FROM events WHERE type = 'project.erased')
)
"""
UNPINNED = f"""
SELECT log_epoch, topic, kafka_partition, min(kafka_offset) AS first,
       toString(argMin(event_id, kafka_offset)) AS id,
       min(if(stored_at > now() + INTERVAL 1 DAY, 0, toUnixTimestamp64Milli(stored_at))) AS since
FROM audit_chain
WHERE ({{topic:String}} = '' OR topic = {{topic:String}}) AND NOT {PINNED_LINK}
GROUP BY log_epoch, topic, kafka_partition
"""
