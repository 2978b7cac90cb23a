-- What people were asked to approve, and every signature.

CREATE TABLE IF NOT EXISTS approvals
(
    project_id     LowCardinality(String) COMMENT 'tenant',
    incident_id    String COMMENT 'the incident',
    run_id         String COMMENT 'the run',
    event_id       UUID COMMENT 'of this event',
    type           LowCardinality(String) COMMENT 'approval.requested, vote.counted, approval.approved, ...',
    approval_id    String COMMENT 'incident, -A, number of the run',
    rank           UInt8 COMMENT '1 asked, 2 a vote, 3 ended',
    state          LowCardinality(String) COMMENT 'WAITING, or how it ended; empty for a vote',
    rule           LowCardinality(String) COMMENT 'of the policy that asked, or what closed it',
    reason         String COMMENT 'of the request, its end or the vote, in words',
    operation      LowCardinality(String) COMMENT 'what is to be done: DELETE_POD, SCALE_DEPLOYMENT, ...',
    cluster        LowCardinality(String) COMMENT 'of its target',
    namespace      LowCardinality(String) COMMENT 'of its target, empty where none',
    target_kind    LowCardinality(String) COMMENT 'pod, deployment, node, ...',
    target_name    String COMMENT 'its name; a label where the name is a personal value',
    description    String COMMENT 'the action in one sentence',
    blast_radius   UInt8 COMMENT '0 to 100, from the topology',
    action_hash    String COMMENT 'of exactly this action',
    risk           LowCardinality(String) COMMENT 'the highest of its parts',
    effective_risk LowCardinality(String) COMMENT 'after trust',
    required       UInt32 COMMENT 'signatures of different people',
    roles          Array(String) COMMENT 'any of these count',
    roles_each     Array(String) COMMENT 'one person for each of these must be among them',
    cause          String COMMENT 'the top hypothesis, in one sentence',
    confidence     Nullable(Float64) COMMENT 'in it, after the critic',
    money_at_stake String COMMENT 'an amount with its currency, or unknown',
    proposed_by    String COMMENT 'agents, rules, or the name of a person',
    policy_version Int64 COMMENT 'as the author of the policy counts',
    policy_hash    String COMMENT 'of the policy that asked',
    person         String COMMENT 'of a vote: who signed',
    decision       LowCardinality(String) COMMENT 'of a vote: approve or reject',
    expires_at     Nullable(DateTime64(3, 'UTC')) COMMENT 'when the request ends unanswered',
    recorded_at    DateTime64(3, 'UTC') COMMENT 'when AWOOOI wrote it to the log',
    request        String COMMENT 'all of it, as JSON; empty for a vote or an end' CODEC(ZSTD(1)),
    version        Int64 COMMENT 'the negated offset: the lowest offset wins'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (project_id, incident_id, event_id)
TTL toDateTime(recorded_at) + INTERVAL 400 DAY
COMMENT 'The steps of every approval. Private: ask v_approvals.';

CREATE MATERIALIZED VIEW IF NOT EXISTS approvals_from_events TO approvals AS
WITH JSONExtract(payload, 'Tuple(
    approval_id String, state String, rule String, reason String, action_hash String, expires_at String,
    action Tuple(description String, blast_radius UInt8, step Tuple(operation String,
        target Tuple(cluster String, namespace String, kind String, name String))),
    assessment Tuple(risk String, effective String), needed Tuple(signatures UInt32, roles Array(String),
        each Array(String)),
    policy Tuple(version Int64, hash String), root_cause String, confidence Nullable(Float64),
    money_at_stake String, proposed_by String, person String, decision String, jti String)') AS step
SELECT
    project_id,
    incident_id,
    run_id,
    event_id,
    type,
    step.approval_id AS approval_id,
    if(type = 'approval.requested', 1, if(type = 'vote.counted', 2, 3)) AS rank,
    if(type = 'approval.requested', 'WAITING', if(type = 'vote.counted', '', step.state)) AS state,
    step.rule AS rule,
    step.reason AS reason,
    step.action.step.operation AS operation,
    step.action.step.target.cluster AS cluster,
    step.action.step.target.namespace AS namespace,
    step.action.step.target.kind AS target_kind,
    step.action.step.target.name AS target_name,
    step.action.description AS description,
    step.action.blast_radius AS blast_radius,
    step.action_hash AS action_hash,
    step.assessment.risk AS risk,
    step.assessment.effective AS effective_risk,
    step.needed.signatures AS required,
    step.needed.roles AS roles,
    step.needed.each AS roles_each,
    step.root_cause AS cause,
    step.confidence AS confidence,
    step.money_at_stake AS money_at_stake,
    step.proposed_by AS proposed_by,
    step.policy.version AS policy_version,
    step.policy.hash AS policy_hash,
    step.person AS person,
    step.decision AS decision,
    parseDateTime64BestEffortOrNull(step.expires_at, 3, 'UTC') AS expires_at,
    recorded_at,
    if(type = 'approval.requested', payload, '') AS request,
    version
FROM events
WHERE type IN ('approval.requested', 'approval.approved', 'approval.rejected', 'approval.expired', 'approval.voided',
    'vote.counted');

-- One row an approval; as in v_runs the lowest offset counts.
CREATE VIEW IF NOT EXISTS v_approvals
(
    project_id     LowCardinality(String) COMMENT 'tenant',
    incident_id    String COMMENT 'the incident',
    approval_id    String COMMENT 'incident, -A, number of the run',
    run_id         String COMMENT 'the run',
    state          String COMMENT 'WAITING, APPROVED, REJECTED, EXPIRED or VOIDED',
    state_rule     String COMMENT 'what closed it: quorum, rejection, expiry, resolved, cancelled or other_policy',
    state_reason   String COMMENT 'the same in one sentence',
    rule           String COMMENT 'the line of the policy that asked',
    reason         String COMMENT 'why it was asked, in one sentence',
    operation      String COMMENT 'what is to be done',
    cluster        String COMMENT 'of its target',
    namespace      String COMMENT 'of its target, empty where none',
    target_kind    String COMMENT 'pod, deployment, node, ...',
    target_name    String COMMENT 'its name',
    description    String COMMENT 'the action in one sentence',
    blast_radius   UInt8 COMMENT '0 to 100, from the topology',
    action_hash    String COMMENT 'what a signature is over',
    risk           String COMMENT 'the highest of its parts',
    effective_risk String COMMENT 'after trust',
    required       UInt32 COMMENT 'signatures of different people',
    roles          Array(String) COMMENT 'any of these count',
    roles_each     Array(String) COMMENT 'one person for each of these must be among them',
    signed_by      Array(String) COMMENT 'whose approval counts, in the order of the alphabet',
    rejected_by    String COMMENT 'who rejected it',
    cause          String COMMENT 'the top hypothesis, in one sentence',
    confidence     Nullable(Float64) COMMENT 'in it, after the critic',
    money_at_stake String COMMENT 'an amount with its currency, or unknown',
    proposed_by    String COMMENT 'agents, rules, or the name of a person',
    policy_version Int64 COMMENT 'as the author of the policy counts',
    policy_hash    String COMMENT 'of the policy that asked',
    created_at     Nullable(DateTime64(3, 'UTC')) COMMENT 'when it was asked',
    expires_at     Nullable(DateTime64(3, 'UTC')) COMMENT 'when it ends unanswered',
    closed_at      Nullable(DateTime64(3, 'UTC')) COMMENT 'when it ended; empty while it waits',
    request        String COMMENT 'the whole request, as JSON'
) AS
SELECT
    project_id,
    incident_id,
    approval_id,
    max(run_id) AS run_id,
    if(max(rank) < 3, 'WAITING', argMaxIf(approvals.state, version, rank = 3)) AS state,
    argMaxIf(approvals.rule, version, rank = 3) AS state_rule,
    argMaxIf(approvals.reason, version, rank = 3) AS state_reason,
    argMaxIf(approvals.rule, version, rank = 1) AS rule,
    argMaxIf(approvals.reason, version, rank = 1) AS reason,
    argMaxIf(operation, version, rank = 1) AS operation,
    argMaxIf(cluster, version, rank = 1) AS cluster,
    argMaxIf(namespace, version, rank = 1) AS namespace,
    argMaxIf(target_kind, version, rank = 1) AS target_kind,
    argMaxIf(target_name, version, rank = 1) AS target_name,
    argMaxIf(description, version, rank = 1) AS description,
    argMaxIf(blast_radius, version, rank = 1) AS blast_radius,
    argMaxIf(action_hash, version, rank = 1) AS action_hash,
    argMaxIf(risk, version, rank = 1) AS risk,
    argMaxIf(effective_risk, version, rank = 1) AS effective_risk,
    argMaxIf(required, version, rank = 1) AS required,
    argMaxIf(roles, version, rank = 1) AS roles,
    argMaxIf(roles_each, version, rank = 1) AS roles_each,
    arraySort(groupUniqArrayIf(person, rank = 2 AND decision = 'approve')) AS signed_by,
    argMaxIf(person, version, rank = 2 AND decision = 'reject') AS rejected_by,
    argMaxIf(cause, version, rank = 1) AS cause,
    argMaxIf(confidence, version, rank = 1) AS confidence,
    argMaxIf(money_at_stake, version, rank = 1) AS money_at_stake,
    argMaxIf(proposed_by, version, rank = 1) AS proposed_by,
    argMaxIf(policy_version, version, rank = 1) AS policy_version,
    argMaxIf(policy_hash, version, rank = 1) AS policy_hash,
    argMaxOrNullIf(recorded_at, version, rank = 1) AS created_at,
    argMaxIf(expires_at, version, rank = 1) AS expires_at,
    argMaxOrNullIf(recorded_at, version, rank = 3) AS closed_at,
    argMaxIf(request, version, rank = 1) AS request
FROM approvals
GROUP BY project_id, incident_id, approval_id;

CREATE TABLE IF NOT EXISTS votes
(
    project_id  LowCardinality(String) COMMENT 'tenant',
    incident_id String COMMENT 'the incident',
    run_id      String COMMENT 'the run',
    event_id    UUID COMMENT 'of this event',
    type        LowCardinality(String) COMMENT 'vote.verified, vote.refused, vote.counted, ...',
    result      LowCardinality(String) COMMENT 'verified, refused, turned_away, counted or late',
    approval_id String COMMENT 'what it is for; empty where that is not known',
    person      String COMMENT 'whose it is, where that is known',
    roles       Array(String) COMMENT 'those signed with that the registry gives',
    decision    LowCardinality(String) COMMENT 'approve or reject; empty where it was refused',
    reason      String COMMENT 'in the words of the person',
    refusal     LowCardinality(String) COMMENT 'why it does not count, a constant',
    sentence    String COMMENT 'the same for people, with what would be right',
    state       LowCardinality(String) COMMENT 'of the approval after it',
    jti         String COMMENT 'the own id of the token',
    issuer      String COMMENT 'who vouches for the key',
    kid         String COMMENT 'the id of the key',
    signature   String COMMENT 'SHA-256 of the record as it came',
    times       UInt32 COMMENT 'how many it stands for: refusals of a flood are counted together',
    recorded_at DateTime64(3, 'UTC') COMMENT 'when AWOOOI wrote it to the log',
    version     Int64 COMMENT 'the negated offset: the lowest offset wins'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (project_id, incident_id, event_id)
TTL toDateTime(recorded_at) + INTERVAL 400 DAY
COMMENT 'What became of every signature. Private: ask v_votes.';

CREATE MATERIALIZED VIEW IF NOT EXISTS votes_from_events TO votes AS
WITH JSONExtract(payload, 'Tuple(
    approval_id String, signature String, jti String, person String, roles Array(String), decision String,
    reason String, refusal String, sentence String, state String, issuer String, kid String, times UInt32)') AS vote
SELECT
    project_id,
    incident_id,
    run_id,
    event_id,
    type,
    substring(type, 6) AS result,
    vote.approval_id AS approval_id,
    vote.person AS person,
    vote.roles AS roles,
    vote.decision AS decision,
    vote.reason AS reason,
    vote.refusal AS refusal,
    vote.sentence AS sentence,
    vote.state AS state,
    vote.jti AS jti,
    vote.issuer AS issuer,
    vote.kid AS kid,
    vote.signature AS signature,
    greatest(vote.times, 1) AS times,
    recorded_at,
    version
FROM events
WHERE startsWith(type, 'vote.');

CREATE VIEW IF NOT EXISTS v_votes
(
    project_id  LowCardinality(String) COMMENT 'tenant',
    incident_id String COMMENT 'the incident',
    run_id      String COMMENT 'the run',
    event_id    UUID COMMENT 'of this event',
    type        LowCardinality(String) COMMENT 'vote.verified, vote.refused, vote.counted, ...',
    result      LowCardinality(String) COMMENT 'verified, refused, turned_away, counted or late',
    approval_id String COMMENT 'what it is for; empty where that is not known',
    person      String COMMENT 'whose it is, where that is known',
    roles       Array(String) COMMENT 'those signed with that the registry gives',
    decision    LowCardinality(String) COMMENT 'approve or reject; empty where it was refused',
    reason      String COMMENT 'in the words of the person',
    refusal     LowCardinality(String) COMMENT 'why it does not count, a constant',
    sentence    String COMMENT 'the same for people, with what would be right',
    state       LowCardinality(String) COMMENT 'of the approval after it',
    jti         String COMMENT 'the own id of the token',
    issuer      String COMMENT 'who vouches for the key',
    kid         String COMMENT 'the id of the key',
    signature   String COMMENT 'SHA-256 of the record as it came',
    times       UInt32 COMMENT 'how many it stands for: refusals of a flood are counted together',
    recorded_at DateTime64(3, 'UTC') COMMENT 'when AWOOOI wrote it to the log'
) AS
SELECT
    project_id, incident_id, run_id, event_id, type, result, approval_id, person, roles, decision,
    reason, refusal, sentence, state, jti, issuer, kid, signature, times, recorded_at
FROM votes FINAL;
