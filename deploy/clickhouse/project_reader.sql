-- A reader who sees one project only: here `reader@shop` sees `shop`. Copy it, change the name of the project, and
-- run it as an administrator after grants.sql:
--
--   password=$(printf %s shop | openssl dgst -sha256 -hmac "$READER_PASSWORD" | sed 's/.*= *//')
--   clickhouse-client --param_password="$password" --queries-file project_reader.sql
--
-- The name and the password follow from the reader's and the project: so the gateway, which has the reader's, can
-- ask as any of them, and none of them as another. The embedded store knows these users without this file.
--
-- Once a table has a row policy, who has none sees nothing of it. So the first policy shows everything to
-- everyone who is not kept to a project.

CREATE ROLE IF NOT EXISTS awoooi_project_reader;
GRANT awoooi_reader TO awoooi_project_reader;

CREATE ROW POLICY IF NOT EXISTS everything ON awoooi.events, awoooi.incident_events, awoooi.run_events,
    awoooi.alerts, awoooi.incidents, awoooi.incident_marks, awoooi.silences, awoooi.rejected,
    awoooi.set_aside, awoooi.runs, awoooi.agent_turns,
    awoooi.decisions, awoooi.outcomes, awoooi.approvals, awoooi.votes, awoooi.executions, awoooi.tool_calls,
    awoooi.remediations, awoooi.notifications, awoooi.channel_messages, awoooi.trust, awoooi.switches,
    awoooi.policies, awoooi.playbooks, awoooi.projects, awoooi.audit_chain
    USING 1 TO ALL EXCEPT awoooi_project_reader;

CREATE USER IF NOT EXISTS `reader@shop` IDENTIFIED WITH sha256_password BY {password:String};
GRANT awoooi_project_reader TO `reader@shop`;

CREATE ROW POLICY IF NOT EXISTS shop ON awoooi.events, awoooi.incident_events, awoooi.run_events,
    awoooi.alerts, awoooi.incidents, awoooi.incident_marks, awoooi.silences, awoooi.rejected,
    awoooi.set_aside, awoooi.runs, awoooi.agent_turns,
    awoooi.decisions, awoooi.outcomes, awoooi.approvals, awoooi.votes, awoooi.executions, awoooi.tool_calls,
    awoooi.remediations, awoooi.notifications, awoooi.channel_messages, awoooi.trust, awoooi.switches,
    awoooi.policies, awoooi.playbooks, awoooi.projects, awoooi.audit_chain
    USING project_id = 'shop' TO `reader@shop`;
