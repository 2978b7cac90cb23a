-- What people were told, and what channels brought.

CREATE TABLE IF NOT EXISTS notifications
(
    project_id  LowCardinality(String) COMMENT 'tenant',
    incident_id String COMMENT 'the incident',
    run_id      String COMMENT 'the run, empty where none',
    event_id    UUID COMMENT 'of this event',
    result      LowCardinality(String) COMMENT 'queued, sent, failed or skipped',
    message_id  String COMMENT 'one an incident and channel: updates keep it',
    channel     LowCardinality(String) COMMENT 'slack, discord, telegram, mail, webhook, ...',
    recipient   String COMMENT 'where in the channel',
    kind        LowCardinality(String) COMMENT 'interim, approval_request, final or error',
    state       LowCardinality(String) COMMENT 'of the incident or the run that caused it',
    title       String COMMENT 'one line',
    text        String COMMENT 'the whole of it',
    attempt     UInt32 COMMENT 'which try at this state of the message',
    channel_ref String COMMENT 'as the channel calls the message',
    code        LowCardinality(String) COMMENT 'why it failed or was skipped: a constant',
    reason      String COMMENT 'the same in one sentence',
    duplicate   Bool COMMENT 'said again: nobody knew whether it had been sent',
    recorded_at DateTime64(3, 'UTC') COMMENT 'when AWOOOI wrote it to the log',
    version     Int64 COMMENT 'the negated offset: the lowest offset wins'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (project_id, incident_id, event_id)
TTL toDateTime(recorded_at) + INTERVAL 400 DAY
COMMENT 'What became of each notification. Private: ask v_notifications.';

CREATE MATERIALIZED VIEW IF NOT EXISTS notifications_from_events TO notifications AS
WITH JSONExtract(payload, 'Tuple(
    message_id String, channel String, recipient String, kind String, state String, title String, text String,
    attempt UInt32, channel_ref String, code String, reason String, duplicate Bool)') AS said
SELECT
    project_id,
    incident_id,
    run_id,
    event_id,
    substring(toString(type), 14) AS result,
    said.message_id AS message_id,
    said.channel AS channel,
    said.recipient AS recipient,
    said.kind AS kind,
    said.state AS state,
    said.title AS title,
    said.text AS text,
    said.attempt AS attempt,
    said.channel_ref AS channel_ref,
    said.code AS code,
    said.reason AS reason,
    said.duplicate AS duplicate,
    recorded_at,
    version
FROM events
WHERE startsWith(type, 'notification.');

CREATE VIEW IF NOT EXISTS v_notifications
(
    project_id  LowCardinality(String) COMMENT 'tenant',
    incident_id String COMMENT 'the incident',
    run_id      String COMMENT 'the run, empty where none',
    event_id    UUID COMMENT 'of this event',
    result      LowCardinality(String) COMMENT 'queued, sent, failed or skipped',
    message_id  String COMMENT 'one an incident and channel: updates keep it',
    channel     LowCardinality(String) COMMENT 'slack, discord, telegram, mail, webhook, ...',
    recipient   String COMMENT 'where in the channel',
    kind        LowCardinality(String) COMMENT 'interim, approval_request, final or error',
    state       LowCardinality(String) COMMENT 'of the incident or the run that caused it',
    title       String COMMENT 'one line',
    text        String COMMENT 'the whole of it',
    attempt     UInt32 COMMENT 'which try at this state of the message',
    channel_ref String COMMENT 'as the channel calls the message',
    code        LowCardinality(String) COMMENT 'why it failed or was skipped: a constant',
    reason      String COMMENT 'the same in one sentence',
    duplicate   Bool COMMENT 'said again: nobody knew whether it had been sent',
    recorded_at DateTime64(3, 'UTC') COMMENT 'when AWOOOI wrote it to the log'
) AS
SELECT
    project_id, incident_id, run_id, event_id, result, message_id, channel, recipient, kind, state,
    title, text, attempt, channel_ref, code, reason, duplicate, recorded_at
FROM notifications FINAL;

CREATE TABLE IF NOT EXISTS channel_messages
(
    project_id  LowCardinality(String) COMMENT 'tenant',
    incident_id String COMMENT 'the incident',
    run_id      String COMMENT 'the run, empty where none',
    event_id    UUID COMMENT 'of this event',
    direction   LowCardinality(String) COMMENT 'inbound or outbound',
    message_id  String COMMENT 'one an incident and channel: updates keep it',
    channel     LowCardinality(String) COMMENT 'slack, discord, telegram, mail, webhook, ...',
    recipient   String COMMENT 'where in the channel',
    kind        LowCardinality(String) COMMENT 'interim, approval_request, final or error',
    state       LowCardinality(String) COMMENT 'of the incident or the run that caused it',
    title       String COMMENT 'one line',
    text        String COMMENT 'the whole of it',
    channel_ref String COMMENT 'as the channel calls the message',
    reply_to    String COMMENT 'the message that it answers, as the channel calls it',
    sender      String COMMENT 'as the channel calls whom it comes from',
    actor       String COMMENT 'who that is, where it is known',
    duplicate   Bool COMMENT 'the channel had brought, or been given, the same before',
    recorded_at DateTime64(3, 'UTC') COMMENT 'when AWOOOI wrote it to the log',
    version     Int64 COMMENT 'the negated offset: the lowest offset wins'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (project_id, incident_id, event_id)
TTL toDateTime(recorded_at) + INTERVAL 400 DAY
COMMENT 'Messages of channels, both ways. Private: ask v_channel_messages.';

CREATE MATERIALIZED VIEW IF NOT EXISTS channel_messages_from_events TO channel_messages AS
WITH JSONExtract(payload, 'Tuple(
    message_id String, channel String, recipient String, kind String, state String, title String, text String,
    channel_ref String, reply_to String, sender String, duplicate Bool)') AS said
SELECT
    project_id,
    incident_id,
    run_id,
    event_id,
    if(type = 'channel.received', 'inbound', 'outbound') AS direction,
    said.message_id AS message_id,
    said.channel AS channel,
    said.recipient AS recipient,
    said.kind AS kind,
    said.state AS state,
    said.title AS title,
    said.text AS text,
    said.channel_ref AS channel_ref,
    said.reply_to AS reply_to,
    said.sender AS sender,
    actor,
    said.duplicate AS duplicate,
    recorded_at,
    version
FROM events
WHERE startsWith(type, 'channel.');

CREATE VIEW IF NOT EXISTS v_channel_messages
(
    project_id  LowCardinality(String) COMMENT 'tenant',
    incident_id String COMMENT 'the incident',
    run_id      String COMMENT 'the run, empty where none',
    event_id    UUID COMMENT 'of this event',
    direction   LowCardinality(String) COMMENT 'inbound or outbound',
    message_id  String COMMENT 'one an incident and channel: updates keep it',
    channel     LowCardinality(String) COMMENT 'slack, discord, telegram, mail, webhook, ...',
    recipient   String COMMENT 'where in the channel',
    kind        LowCardinality(String) COMMENT 'interim, approval_request, final or error',
    state       LowCardinality(String) COMMENT 'of the incident or the run that caused it',
    title       String COMMENT 'one line',
    text        String COMMENT 'the whole of it',
    channel_ref String COMMENT 'as the channel calls the message',
    reply_to    String COMMENT 'the message that it answers, as the channel calls it',
    sender      String COMMENT 'as the channel calls whom it comes from',
    actor       String COMMENT 'who that is, where it is known',
    duplicate   Bool COMMENT 'the channel had brought, or been given, the same before',
    recorded_at DateTime64(3, 'UTC') COMMENT 'when AWOOOI wrote it to the log'
) AS
SELECT
    project_id, incident_id, run_id, event_id, direction, message_id, channel, recipient, kind, state,
    title, text, channel_ref, reply_to, sender, actor, duplicate, recorded_at
FROM channel_messages FINAL;
