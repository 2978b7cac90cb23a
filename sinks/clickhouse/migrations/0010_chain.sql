-- Tamper evidence: each event of a partition is linked to the one before it, in a table of its own.
--
-- Nothing is ever deleted here, also not by a TTL: where an event's row is gone for a good reason, its link still
-- says that it was there. A repeated batch writes the same links again, which are merged into one; two links of
-- one place that differ both stay, and the audit tells them.
CREATE TABLE IF NOT EXISTS audit_chain
(
    log_epoch       LowCardinality(String) COMMENT 'which life of the log; empty on a real cluster',
    topic           LowCardinality(String) COMMENT 'of the log',
    kafka_partition Int32 COMMENT 'of the topic',
    kafka_offset    Int64 COMMENT 'in the partition',
    number          Int64 COMMENT 'of the link in its chain, from 1',
    kind            LowCardinality(String) COMMENT 'event; aside: it is in set_aside; adopted: linked later',
    project_id      LowCardinality(String) COMMENT 'tenant',
    event_id        UUID COMMENT 'of the event; zero where the record could not be read',
    recorded_at     DateTime64(3, 'UTC') COMMENT 'when AWOOOI wrote it to the log',
    hash            String COMMENT 'of the event, or of a record that could not be read, in hex' CODEC(ZSTD(1)),
    link            String COMMENT 'SHA-256, in hex, over the link before and what is here' CODEC(ZSTD(1)),
    stored_at       DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'when ClickHouse got it'
)
ENGINE = ReplacingMergeTree
ORDER BY (log_epoch, topic, kafka_partition, kafka_offset, link)
SETTINGS index_granularity = 2048
COMMENT 'The hash chain of each partition. Private: `awoooi audit verify` reads it.';

ALTER TABLE set_aside
    ADD COLUMN IF NOT EXISTS recorded_at DateTime64(3, 'UTC') COMMENT 'when it was written to the log',
    ADD COLUMN IF NOT EXISTS sha256 String COMMENT 'of the event, or of the bytes of what is none, in hex';
