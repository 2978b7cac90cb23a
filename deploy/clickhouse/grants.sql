-- Users of the record on a ClickHouse server. Run it as an administrator, once, before
-- `awoooi clickhouse migrate`, with passwords of your own:
--
--   clickhouse-client --param_migrator=... --param_writer=... --param_reader=... \
--     --param_eraser=... --queries-file grants.sql
--
-- The database is called awoooi here; change it if AWOOOI is told another name.

CREATE DATABASE IF NOT EXISTS awoooi;

-- Migrations: tables and views of this database, and no more. Only `awoooi clickhouse migrate` uses it.
CREATE ROLE IF NOT EXISTS awoooi_migrator;
GRANT CREATE DATABASE, CREATE TABLE, CREATE VIEW, DROP VIEW, ALTER TABLE, ALTER VIEW, SELECT, INSERT
    ON awoooi.* TO awoooi_migrator;

CREATE USER IF NOT EXISTS migrator IDENTIFIED WITH sha256_password BY {migrator:String};
GRANT awoooi_migrator TO migrator;

-- The sink appends and reads back. It cannot alter, delete, truncate or drop.
CREATE ROLE IF NOT EXISTS awoooi_writer;
GRANT INSERT, SELECT ON awoooi.* TO awoooi_writer;

CREATE USER IF NOT EXISTS writer IDENTIFIED WITH sha256_password BY {writer:String}
    SETTINGS async_insert = 0, session_timezone = 'UTC';
GRANT awoooi_writer TO writer;

-- Readers ask; nothing is changed, no file and no network is reached.
CREATE ROLE IF NOT EXISTS awoooi_reader;
GRANT SELECT ON awoooi.* TO awoooi_reader;

CREATE SETTINGS PROFILE IF NOT EXISTS awoooi_reader SETTINGS
    max_execution_time = 60,
    max_memory_usage = 2000000000,
    max_result_bytes = 268435456,
    cancel_http_readonly_queries_on_client_close = 1,
    session_timezone = 'UTC',
    readonly = 1
    TO awoooi_reader;

CREATE USER IF NOT EXISTS reader IDENTIFIED WITH sha256_password BY {reader:String};
GRANT awoooi_reader TO reader;

-- Who deletes a project's rows by `awoooi erase`: an administrator's user, in no process that runs all the time.
CREATE ROLE IF NOT EXISTS awoooi_eraser;
GRANT SELECT, ALTER DELETE ON awoooi.* TO awoooi_eraser;

CREATE USER IF NOT EXISTS eraser IDENTIFIED WITH sha256_password BY {eraser:String};
GRANT awoooi_eraser TO eraser;
