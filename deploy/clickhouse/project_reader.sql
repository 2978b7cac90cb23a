-- A reader who sees one project only: here `shop_reader` sees `shop`. Copy it, change the two names, and
-- run it as an administrator after grants.sql:
--
--   clickhouse-client --param_password=... --queries-file project_reader.sql
--
-- Once a table has a row policy, who has none sees nothing of it. So the first policy shows everything to
-- everyone who is not kept to a project.

CREATE ROLE IF NOT EXISTS awoooi_project_reader;
GRANT awoooi_reader TO awoooi_project_reader;

CREATE ROW POLICY IF NOT EXISTS everything ON awoooi.events, awoooi.incident_events, awoooi.run_events,
    awoooi.alerts, awoooi.incidents, awoooi.rejected, awoooi.set_aside, awoooi.runs, awoooi.agent_turns,
    awoooi.decisions, awoooi.outcomes, awoooi.approvals, awoooi.votes, awoooi.executions, awoooi.tool_calls,
    awoooi.remediations
    USING 1 TO ALL EXCEPT awoooi_project_reader;

CREATE USER IF NOT EXISTS shop_reader IDENTIFIED WITH sha256_password BY {password:String};
GRANT awoooi_project_reader TO shop_reader;

CREATE ROW POLICY IF NOT EXISTS shop ON awoooi.events, awoooi.incident_events, awoooi.run_events,
    awoooi.alerts, awoooi.incidents, awoooi.rejected, awoooi.set_aside, awoooi.runs, awoooi.agent_turns,
    awoooi.decisions, awoooi.outcomes, awoooi.approvals, awoooi.votes, awoooi.executions, awoooi.tool_calls,
    awoooi.remediations
    USING project_id = 'shop' TO shop_reader;
