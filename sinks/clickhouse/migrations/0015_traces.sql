-- The trace that a record belongs to, from its header `traceparent`: the spans of an event are found by it.
ALTER TABLE events ADD COLUMN IF NOT EXISTS
    trace_id String DEFAULT '' COMMENT 'W3C trace, 32 hex digits; empty: not known' CODEC(ZSTD(1)) AFTER hash;
