-- The argument: what each agent said, and what the debate came to.

-- The day of an incident stands in its id, so rows that are sorted by incident are sorted by time, nearly;
-- two copies of an event agree about their incident, not about when they were written.
CREATE TABLE IF NOT EXISTS agent_turns
(
    project_id     LowCardinality(String) COMMENT 'tenant',
    incident_id    String COMMENT 'the incident',
    run_id         String COMMENT 'the run',
    event_id       UUID COMMENT 'of this event',
    type           LowCardinality(String) COMMENT 'rca.diagnosed, rca.planned, ..., rca.decided',
    agent          LowCardinality(String) COMMENT 'diagnostician, solver, reviewer, critic or coordinator',
    vote           LowCardinality(String) COMMENT 'APPROVE, REJECT, ABSTAIN or REQUEST_REVISION',
    degraded       Bool COMMENT 'it speaks from rules, or from less than it was to have',
    failed         String COMMENT 'why it gave up; empty where it did not',
    headline       String COMMENT 'what it says, in up to 200 characters',
    confidence     Nullable(Float64) COMMENT 'in the top hypothesis, of those who say one',
    latency_ms     UInt64 COMMENT 'from taking the input to the answer',
    provider       LowCardinality(String) COMMENT 'which model provider; rules where none was asked or none answered',
    model          LowCardinality(String) COMMENT 'its model',
    tokens_in      UInt64 COMMENT 'of all questions, retries and repairs among them',
    tokens_out     UInt64 COMMENT 'of all answers',
    cost_usd       Float64 COMMENT 'by the configured price',
    calls          UInt32 COMMENT 'calls to providers, failed ones among them',
    repaired       Bool COMMENT 'its first answer was invalid and it was asked again',
    failures       Array(String) COMMENT 'provider: reason, of each that gave no answer',
    dropped_claims UInt32 COMMENT 'claims that cited nothing, or nothing that exists',
    notes          Array(String) COMMENT 'what a reader should know',
    input_hash     String COMMENT 'of the input that matters: the same input, the same hash',
    recorded_at    DateTime64(3, 'UTC') COMMENT 'when AWOOOI wrote it to the log',
    payload        String COMMENT 'all that it said, as JSON' CODEC(ZSTD(1)),
    version        Int64 COMMENT 'the negated offset: the lowest offset wins'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (project_id, incident_id, event_id)
TTL toDateTime(recorded_at) + INTERVAL 400 DAY
COMMENT 'Turns of the agents. Private: ask v_agent_turns.';

CREATE MATERIALIZED VIEW IF NOT EXISTS agent_turns_from_events TO agent_turns AS
WITH JSONExtract(payload, 'Tuple(
    turn Tuple(agent String, input_hash String, vote String, degraded Bool, failed String, latency_ms UInt64,
        usage Tuple(provider String, model String, tokens_in UInt64, tokens_out UInt64, cost_usd Float64,
            calls UInt32, repaired Bool, failures Array(String)),
        dropped_claims UInt32, notes Array(String)),
    diagnosis Tuple(summary String, hypotheses Array(Tuple(cause String, confidence Float64))),
    plan Tuple(summary String, actions Array(Tuple(description String))),
    concerns Array(String), violations Array(Tuple(why String)), challenges Array(Tuple(question String)),
    debate_summary String, confidence Nullable(Float64))') AS said
SELECT
    project_id,
    incident_id,
    run_id,
    event_id,
    type,
    said.turn.agent AS agent,
    said.turn.vote AS vote,
    said.turn.degraded AS degraded,
    said.turn.failed AS failed,
    leftUTF8(multiIf(
        said.turn.failed != '', said.turn.failed,
        type = 'rca.diagnosed', if(notEmpty(said.diagnosis.hypotheses), (said.diagnosis.hypotheses[1]).cause,
            said.diagnosis.summary),
        type = 'rca.planned', if(notEmpty(said.plan.actions), (said.plan.actions[1]).description,
            said.plan.summary),
        type = 'rca.reviewed', if(notEmpty(said.violations), (said.violations[1]).why, said.concerns[1]),
        type = 'rca.critiqued', (said.challenges[1]).question,
        said.debate_summary), 200) AS headline,
    if(type = 'rca.diagnosed', (said.diagnosis.hypotheses[1]).confidence, said.confidence) AS confidence,
    said.turn.latency_ms AS latency_ms,
    said.turn.usage.provider AS provider,
    said.turn.usage.model AS model,
    said.turn.usage.tokens_in AS tokens_in,
    said.turn.usage.tokens_out AS tokens_out,
    said.turn.usage.cost_usd AS cost_usd,
    said.turn.usage.calls AS calls,
    said.turn.usage.repaired AS repaired,
    said.turn.usage.failures AS failures,
    said.turn.dropped_claims AS dropped_claims,
    said.turn.notes AS notes,
    said.turn.input_hash AS input_hash,
    recorded_at,
    payload,
    version
FROM events
WHERE type IN ('rca.diagnosed', 'rca.planned', 'rca.reviewed', 'rca.critiqued', 'rca.decided');

CREATE VIEW IF NOT EXISTS v_agent_turns
(
    project_id     LowCardinality(String) COMMENT 'tenant',
    incident_id    String COMMENT 'the incident',
    run_id         String COMMENT 'the run',
    event_id       UUID COMMENT 'of this event',
    type           LowCardinality(String) COMMENT 'rca.diagnosed, rca.planned, ..., rca.decided',
    agent          LowCardinality(String) COMMENT 'diagnostician, solver, reviewer, critic or coordinator',
    vote           LowCardinality(String) COMMENT 'APPROVE, REJECT, ABSTAIN or REQUEST_REVISION',
    degraded       Bool COMMENT 'it speaks from rules, or from less than it was to have',
    failed         String COMMENT 'why it gave up; empty where it did not',
    headline       String COMMENT 'what it says, in up to 200 characters',
    confidence     Nullable(Float64) COMMENT 'in the top hypothesis, of those who say one',
    latency_ms     UInt64 COMMENT 'from taking the input to the answer',
    provider       LowCardinality(String) COMMENT 'which model provider; rules where none was asked or none answered',
    model          LowCardinality(String) COMMENT 'its model',
    tokens_in      UInt64 COMMENT 'of all questions, retries and repairs among them',
    tokens_out     UInt64 COMMENT 'of all answers',
    cost_usd       Float64 COMMENT 'by the configured price',
    calls          UInt32 COMMENT 'calls to providers, failed ones among them',
    repaired       Bool COMMENT 'its first answer was invalid and it was asked again',
    failures       Array(String) COMMENT 'provider: reason, of each that gave no answer',
    dropped_claims UInt32 COMMENT 'claims that cited nothing, or nothing that exists',
    notes          Array(String) COMMENT 'what a reader should know',
    input_hash     String COMMENT 'of the input that matters: the same input, the same hash',
    recorded_at    DateTime64(3, 'UTC') COMMENT 'when AWOOOI wrote it to the log',
    payload        String COMMENT 'all that it said, as JSON'
) AS
SELECT
    project_id, incident_id, run_id, event_id, type, agent, vote, degraded, failed, headline,
    confidence, latency_ms, provider, model, tokens_in, tokens_out, cost_usd, calls, repaired, failures,
    dropped_claims, notes, input_hash, recorded_at, payload
FROM agent_turns FINAL;

CREATE TABLE IF NOT EXISTS decisions
(
    project_id          LowCardinality(String) COMMENT 'tenant',
    incident_id         String COMMENT 'the incident',
    run_id              String COMMENT 'the run',
    event_id            UUID COMMENT 'of this event',
    session_status      LowCardinality(String) COMMENT 'COMPLETED, TIMEOUT or FAILED',
    branch              LowCardinality(String) COMMENT 'which line of the coordinator decided',
    requires_human      Bool COMMENT 'whether a person must decide, as the argument goes',
    confidence          Float64 COMMENT 'in the top hypothesis, after the critic',
    cause               String COMMENT 'the top hypothesis, in one sentence',
    service             String COMMENT 'whose fault it would be; empty: not said',
    playbook            LowCardinality(String) COMMENT 'that the action comes from, empty where none',
    operation           LowCardinality(String) COMMENT 'what is to be done: DELETE_POD, SCALE_DEPLOYMENT, ...',
    cluster             LowCardinality(String) COMMENT 'of its target',
    namespace           LowCardinality(String) COMMENT 'of its target, empty where none',
    target_kind         LowCardinality(String) COMMENT 'pod, deployment, node, ...',
    target_name         String COMMENT 'its name; a label where the name is a personal value',
    risk                LowCardinality(String) COMMENT 'of the recommended action; empty: nothing is recommended',
    blast_radius        UInt8 COMMENT '0 to 100, from the topology',
    violations          Array(String) COMMENT 'hard rules that are broken',
    challenges          UInt32 COMMENT 'how many the critic made',
    debate_summary      String COMMENT 'the argument in a few sentences',
    blocked_reason      String COMMENT 'why it is blocked, or why no action is recommended',
    all_agents_degraded Bool COMMENT 'nobody spoke from what it was to have',
    missing             Array(String) COMMENT 'who had not spoken when the deadline passed',
    latency_ms          UInt64 COMMENT 'from the start of the run to its decision',
    tokens_in           UInt64 COMMENT 'of all turns together',
    tokens_out          UInt64 COMMENT 'of all turns together',
    cost_usd            Float64 COMMENT 'of all turns together',
    recorded_at         DateTime64(3, 'UTC') COMMENT 'when AWOOOI wrote it to the log',
    payload             String COMMENT 'the whole package, as JSON' CODEC(ZSTD(1)),
    version             Int64 COMMENT 'the negated offset: the lowest offset wins'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (project_id, incident_id, event_id)
TTL toDateTime(recorded_at) + INTERVAL 400 DAY
COMMENT 'How each debate ended. Private: ask v_decisions.';

CREATE MATERIALIZED VIEW IF NOT EXISTS decisions_from_events TO decisions AS
WITH JSONExtract(payload, 'Tuple(
    session_status String, branch String, requires_human_approval Bool, confidence Float64,
    hypothesis Tuple(cause String, service String, playbook String),
    recommended_action Tuple(risk String, blast_radius UInt8, playbook String,
        step Tuple(operation String,
        target Tuple(cluster String, namespace String, kind String, name String))),
    violations Array(Tuple(rule String)), challenges Array(Tuple(about String)), debate_summary String,
    blocked_reason String, all_agents_degraded Bool, latency_ms UInt64, missing Array(String),
    usage Tuple(cost_usd Float64, tokens_in UInt64, tokens_out UInt64))') AS package
SELECT
    project_id,
    incident_id,
    run_id,
    event_id,
    package.session_status AS session_status,
    package.branch AS branch,
    package.requires_human_approval AS requires_human,
    package.confidence AS confidence,
    package.hypothesis.cause AS cause,
    package.hypothesis.service AS service,
    package.recommended_action.playbook AS playbook,
    package.recommended_action.step.operation AS operation,
    package.recommended_action.step.target.cluster AS cluster,
    package.recommended_action.step.target.namespace AS namespace,
    package.recommended_action.step.target.kind AS target_kind,
    package.recommended_action.step.target.name AS target_name,
    package.recommended_action.risk AS risk,
    package.recommended_action.blast_radius AS blast_radius,
    package.violations.rule AS violations,
    length(package.challenges) AS challenges,
    package.debate_summary AS debate_summary,
    package.blocked_reason AS blocked_reason,
    package.all_agents_degraded AS all_agents_degraded,
    package.missing AS missing,
    package.latency_ms AS latency_ms,
    package.usage.tokens_in AS tokens_in,
    package.usage.tokens_out AS tokens_out,
    package.usage.cost_usd AS cost_usd,
    recorded_at,
    payload,
    version
FROM events
WHERE type = 'rca.decided';

CREATE VIEW IF NOT EXISTS v_decisions
(
    project_id          LowCardinality(String) COMMENT 'tenant',
    incident_id         String COMMENT 'the incident',
    run_id              String COMMENT 'the run',
    event_id            UUID COMMENT 'of this event',
    session_status      LowCardinality(String) COMMENT 'COMPLETED, TIMEOUT or FAILED',
    branch              LowCardinality(String) COMMENT 'which line of the coordinator decided',
    requires_human      Bool COMMENT 'whether a person must decide, as the argument goes',
    confidence          Float64 COMMENT 'in the top hypothesis, after the critic',
    cause               String COMMENT 'the top hypothesis, in one sentence',
    service             String COMMENT 'whose fault it would be; empty: not said',
    playbook            LowCardinality(String) COMMENT 'that the action comes from, empty where none',
    operation           LowCardinality(String) COMMENT 'what is to be done: DELETE_POD, SCALE_DEPLOYMENT, ...',
    cluster             LowCardinality(String) COMMENT 'of its target',
    namespace           LowCardinality(String) COMMENT 'of its target, empty where none',
    target_kind         LowCardinality(String) COMMENT 'pod, deployment, node, ...',
    target_name         String COMMENT 'its name; a label where the name is a personal value',
    risk                LowCardinality(String) COMMENT 'of the recommended action; empty: nothing is recommended',
    blast_radius        UInt8 COMMENT '0 to 100, from the topology',
    violations          Array(String) COMMENT 'hard rules that are broken',
    challenges          UInt32 COMMENT 'how many the critic made',
    debate_summary      String COMMENT 'the argument in a few sentences',
    blocked_reason      String COMMENT 'why it is blocked, or why no action is recommended',
    all_agents_degraded Bool COMMENT 'nobody spoke from what it was to have',
    missing             Array(String) COMMENT 'who had not spoken when the deadline passed',
    latency_ms          UInt64 COMMENT 'from the start of the run to its decision',
    tokens_in           UInt64 COMMENT 'of all turns together',
    tokens_out          UInt64 COMMENT 'of all turns together',
    cost_usd            Float64 COMMENT 'of all turns together',
    recorded_at         DateTime64(3, 'UTC') COMMENT 'when AWOOOI wrote it to the log',
    payload             String COMMENT 'the whole package, as JSON'
) AS
SELECT
    project_id, incident_id, run_id, event_id, session_status, branch, requires_human, confidence,
    cause, service, playbook, operation, cluster, namespace, target_kind, target_name, risk,
    blast_radius, violations, challenges, debate_summary, blocked_reason, all_agents_degraded, missing,
    latency_ms, tokens_in, tokens_out, cost_usd, recorded_at, payload
FROM decisions FINAL;

CREATE TABLE IF NOT EXISTS outcomes
(
    project_id     LowCardinality(String) COMMENT 'tenant',
    incident_id    String COMMENT 'the incident',
    run_id         String COMMENT 'the run',
    event_id       UUID COMMENT 'of this event',
    outcome        LowCardinality(String) COMMENT 'what was decided: AUTO_APPROVED, APPROVED, ...',
    rule           LowCardinality(String) COMMENT 'the line of the gate, or of the approval, that decided',
    reason         String COMMENT 'in one sentence',
    halts          Array(String) COMMENT 'all that forbids acting without a person',
    needs_human    Bool COMMENT 'whether a person has something to do',
    low_confidence Bool COMMENT 'asked for, but all together are not sure',
    approval_id    String COMMENT 'the request, empty where nothing is asked',
    operation      LowCardinality(String) COMMENT 'what is to be done: DELETE_POD, SCALE_DEPLOYMENT, ...',
    cluster        LowCardinality(String) COMMENT 'of its target',
    namespace      LowCardinality(String) COMMENT 'of its target, empty where none',
    target_kind    LowCardinality(String) COMMENT 'pod, deployment, node, ...',
    target_name    String COMMENT 'its name; a label where the name is a personal value',
    action_hash    String COMMENT 'of exactly this action',
    risk           LowCardinality(String) COMMENT 'the highest of its parts',
    effective_risk LowCardinality(String) COMMENT 'after trust',
    trust_key      String COMMENT 'whose trust it is, empty where there is none',
    trust          Int64 COMMENT 'its score, decay taken off',
    certainty      Nullable(Float64) COMMENT 'of model, playbook and evidence together; empty: an input is missing',
    branch         LowCardinality(String) COMMENT 'automatic, propose, low_confidence or incomplete',
    policy_version Int64 COMMENT 'as the author of the policy counts',
    policy_hash    String COMMENT 'of the policy in force',
    preflight      LowCardinality(String) COMMENT 'passed, failed or unavailable',
    money_at_stake String COMMENT 'an amount with its currency, or unknown',
    proposed_by    String COMMENT 'agents, rules, or the name of a person',
    signed_by      Array(String) COMMENT 'who signed, where somebody did',
    recorded_at    DateTime64(3, 'UTC') COMMENT 'when AWOOOI wrote it to the log',
    version        Int64 COMMENT 'the negated offset: the lowest offset wins'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (project_id, incident_id, event_id)
TTL toDateTime(recorded_at) + INTERVAL 400 DAY
COMMENT 'What policy and people made of each decision. Private: ask v_outcomes.';

CREATE MATERIALIZED VIEW IF NOT EXISTS outcomes_from_events TO outcomes AS
WITH JSONExtract(payload, 'Tuple(
    outcome String, rule String, reason String, halts Array(String), needs_human Bool, low_confidence Bool,
    approval_id String, action Tuple(step Tuple(operation String,
        target Tuple(cluster String, namespace String, kind String, name String))),
    action_hash String, assessment Tuple(risk String, effective String, trust_key String, trust Int64),
    fused Tuple(value Nullable(Float64), branch String), policy Tuple(version Int64, hash String),
    preflight String, money_at_stake String, proposed_by String, signed_by Array(String))') AS made
SELECT
    project_id,
    incident_id,
    run_id,
    event_id,
    made.outcome AS outcome,
    made.rule AS rule,
    made.reason AS reason,
    made.halts AS halts,
    made.needs_human AS needs_human,
    made.low_confidence AS low_confidence,
    made.approval_id AS approval_id,
    made.action.step.operation AS operation,
    made.action.step.target.cluster AS cluster,
    made.action.step.target.namespace AS namespace,
    made.action.step.target.kind AS target_kind,
    made.action.step.target.name AS target_name,
    made.action_hash AS action_hash,
    made.assessment.risk AS risk,
    made.assessment.effective AS effective_risk,
    made.assessment.trust_key AS trust_key,
    made.assessment.trust AS trust,
    made.fused.value AS certainty,
    made.fused.branch AS branch,
    made.policy.version AS policy_version,
    made.policy.hash AS policy_hash,
    made.preflight AS preflight,
    made.money_at_stake AS money_at_stake,
    made.proposed_by AS proposed_by,
    made.signed_by AS signed_by,
    recorded_at,
    version
FROM events
WHERE type = 'decision.made';

CREATE VIEW IF NOT EXISTS v_outcomes
(
    project_id     LowCardinality(String) COMMENT 'tenant',
    incident_id    String COMMENT 'the incident',
    run_id         String COMMENT 'the run',
    event_id       UUID COMMENT 'of this event',
    outcome        LowCardinality(String) COMMENT 'what was decided: AUTO_APPROVED, APPROVED, ...',
    rule           LowCardinality(String) COMMENT 'the line of the gate, or of the approval, that decided',
    reason         String COMMENT 'in one sentence',
    halts          Array(String) COMMENT 'all that forbids acting without a person',
    needs_human    Bool COMMENT 'whether a person has something to do',
    low_confidence Bool COMMENT 'asked for, but all together are not sure',
    approval_id    String COMMENT 'the request, empty where nothing is asked',
    operation      LowCardinality(String) COMMENT 'what is to be done: DELETE_POD, SCALE_DEPLOYMENT, ...',
    cluster        LowCardinality(String) COMMENT 'of its target',
    namespace      LowCardinality(String) COMMENT 'of its target, empty where none',
    target_kind    LowCardinality(String) COMMENT 'pod, deployment, node, ...',
    target_name    String COMMENT 'its name; a label where the name is a personal value',
    action_hash    String COMMENT 'of exactly this action',
    risk           LowCardinality(String) COMMENT 'the highest of its parts',
    effective_risk LowCardinality(String) COMMENT 'after trust',
    trust_key      String COMMENT 'whose trust it is, empty where there is none',
    trust          Int64 COMMENT 'its score, decay taken off',
    certainty      Nullable(Float64) COMMENT 'of model, playbook and evidence together; empty: an input is missing',
    branch         LowCardinality(String) COMMENT 'automatic, propose, low_confidence or incomplete',
    policy_version Int64 COMMENT 'as the author of the policy counts',
    policy_hash    String COMMENT 'of the policy in force',
    preflight      LowCardinality(String) COMMENT 'passed, failed or unavailable',
    money_at_stake String COMMENT 'an amount with its currency, or unknown',
    proposed_by    String COMMENT 'agents, rules, or the name of a person',
    signed_by      Array(String) COMMENT 'who signed, where somebody did',
    recorded_at    DateTime64(3, 'UTC') COMMENT 'when AWOOOI wrote it to the log'
) AS
SELECT
    project_id, incident_id, run_id, event_id, outcome, rule, reason, halts, needs_human,
    low_confidence, approval_id, operation, cluster, namespace, target_kind, target_name, action_hash,
    risk, effective_risk, trust_key, trust, certainty, branch, policy_version, policy_hash, preflight,
    money_at_stake, proposed_by, signed_by, recorded_at
FROM outcomes FINAL;
