"""chDB: the one place that imports it, and the one process that may open a path.

Every request gets a connection of its own (under a millisecond), so that no setting, database or
read-only mode of one request sticks to the next. chDB releases the interpreter while it works.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

from schemas.errors import Misconfigured
from sinks.clickhouse.tables import tables_of_projects
from sinks.store.config import StoreConfig
from sinks.store.errors import NO_DATA_TO_INSERT, StatementError
from sinks.store.guard import Guard
from sinks.store.scope import EVERYTHING, SCOPE, write_policies
from sinks.store.statement import Statement

# Small caches and few threads: one machine, next to everything else. Names are the server's own.
SERVER_SETTINGS = {
    "mark_cache_size": 16 << 20,
    "primary_index_cache_size": 16 << 20,
    "index_mark_cache_size": 4 << 20,
    "query_condition_cache_size": 4 << 20,
    "compiled_expression_cache_size": 4 << 20,
    "mmap_cache_size": 0,
    "background_pool_size": 1,
    "background_merges_mutations_concurrency_ratio": 1,
    "background_schedule_pool_size": 1,
    "background_common_pool_size": 1,
    "background_move_pool_size": 1,
    "background_fetches_pool_size": 1,
    "max_active_parts_loading_thread_pool_size": 2,
    "max_outdated_parts_loading_thread_pool_size": 1,
    "asynchronous_metrics_update_period_s": 60,
}
MERGE_TREE_SETTINGS = {
    "number_of_free_entries_in_pool_to_lower_max_size_of_merge": 0,
    "number_of_free_entries_in_pool_to_execute_mutation": 0,
    "number_of_free_entries_in_pool_to_execute_optimize_entire_partition": 0,
    "merge_selecting_sleep_ms": 5000,  # an idle table is looked at rarely
    "max_merge_selecting_sleep_ms": 60000,
}
BASE_SETTINGS = {
    "async_insert": 0,
    "implicit_select": 0,
    "allow_introspection_functions": 0,
    "compile_expressions": 0,
    "max_threads": 2,
}
PARTS_OF_MEMORY = 4
_COVERED = tables_of_projects()
_UNCOVERED = f"""
SELECT name FROM system.tables WHERE database = '{{}}' AND engine != 'View' AND name NOT IN {_COVERED}
"""  # noqa: S608 (names of our own): what no row policy is for; a materialized view passes by its table's
ENGINE_ERRORS = (RuntimeError, UnicodeDecodeError)


@dataclass(frozen=True)
class Session:
    """How one request runs: on which database, read-only or not, with which settings and parameters.

    `project` is the one whose rows it sees. A question with `most_secs` is a person's own: it ends that soon,
    and has a part of the memory alone.
    """

    database: str
    readonly: bool
    settings: Mapping[str, str]
    params: Mapping[str, str]
    project: str = EVERYTHING
    most_secs: int | None = None


@dataclass(frozen=True)
class Answer:
    body: bytes = b""
    rows_read: int = 0
    rows_written: int = 0
    bytes_read: int = 0
    bytes_written: int = 0


class Engine:
    """An open path. Its methods block: call them in threads, any number at once."""

    def __init__(self, config: StoreConfig, lock: IO[str], chdb: Any) -> None:
        self._config = config
        self._lock = lock
        self._chdb = chdb
        self._root = chdb.connect(f"{config.path}?config-file={_write_settings(config)}")
        self._root.query(f"CREATE DATABASE IF NOT EXISTS `{config.database}`")
        self.version = self._ask("SELECT version()")[0]
        self.guard = Guard(
            config.database,
            table_functions=self._ask("SELECT name FROM system.table_functions"),
            engines=[
                *self._ask("SELECT name FROM system.table_engines"),
                *self._ask("SELECT name FROM system.database_engines"),
            ],
        )

    @classmethod
    def open(cls, config: StoreConfig) -> Engine:
        """Misconfigured when the path cannot be had, in words."""
        chdb = _import_chdb()
        lock = _lock_path(config.path)
        try:
            return cls(config, lock, chdb)
        except RuntimeError as error:
            lock.close()
            raise Misconfigured(f"chDB cannot open {config.path}: {_first_line(error)}") from error

    def interrupt_questions(self) -> None:
        """Ends the questions that still run; they answer with an error. Inserts go on."""
        with contextlib.suppress(RuntimeError):
            self._root.query("KILL QUERY WHERE query_kind = 'Select' ASYNC")

    def close(self) -> None:
        """Closes every table and gives the path back."""
        self._root.close()
        self._lock.close()

    def run(self, statement: Statement, session: Session, output_format: str) -> Answer:
        """The statement's answer; StatementError with the engine's code and words."""
        self._check(statement, session)
        with self._connection(session) as connection:
            try:
                if statement.input_format is not None:
                    return _written(_insert(connection, statement))
                return _answer(connection.query(statement.text, output_format, params=dict(session.params)))
            except ENGINE_ERRORS as error:
                raise StatementError.from_engine(error) from error

    def _check(self, statement: Statement, session: Session) -> None:
        if not session.readonly:
            self.guard.check_command(statement, session.settings)
            return
        self.guard.check_question(statement, self._ask("SELECT name FROM system.databases"))
        if session.project != EVERYTHING:
            self.guard.check_project(statement, self._ask(_UNCOVERED.format(self._config.database)))

    @contextlib.contextmanager
    def _connection(self, session: Session) -> Iterator[Any]:
        connection = self._chdb.connect(f"{self._config.path}?{_arguments(self._config, session)}")
        try:
            try:
                connection.query(f"USE `{session.database.replace('`', '')}`")
                for name, value in session.settings.items():
                    connection.query(f"SET {_setting_name(name)} = {_quoted(value)}")
            except ENGINE_ERRORS as error:
                raise StatementError.from_engine(error) from error
            yield connection
        finally:
            connection.close()

    def _ask(self, question: str) -> list[str]:
        return str((self._root.query(question, "TabSeparated").bytes() or b"").decode()).split()


def _insert(connection: Any, statement: Statement) -> Any:
    """Rows go in as they came, read by the engine from a file in memory.

    chDB's own streaming insert is not used: it answers "done" when the disk is full or a materialized
    view fails, and the rows are gone.
    """
    if not statement.data:
        raise StatementError.of(NO_DATA_TO_INSERT, "No data to insert")
    with open(os.memfd_create("insert"), "wb") as file:  # noqa: PTH123 (a descriptor, no path)
        file.writelines(statement.data)
        file.flush()
        return connection.query(_from_file(statement, f"/proc/self/fd/{file.fileno()}"), "TabSeparated")


def _from_file(statement: Statement, path: str) -> str:
    """`INSERT INTO t (a) SETTINGS …` with the file in its place and the format at its end."""
    settings = (token.start for token in statement.tokens if token.says("SETTINGS"))
    cut = next(settings, len(statement.text))
    head, tail = statement.text[:cut], statement.text[cut:]
    return f"{head}\nFROM INFILE '{path}' COMPRESSION 'none'\n{tail}\nFORMAT {statement.input_format}"


def _written(result: Any) -> Answer:
    """The rows that were sent. The engine's own count has those of materialized views in it as well."""
    answer = _answer(result)
    return replace(answer, rows_read=0, rows_written=answer.rows_read)


def _answer(result: Any) -> Answer:
    return Answer(
        result.bytes() or b"",
        result.rows_read(),
        result.rows_written(),
        result.bytes_read(),
        result.bytes_written(),
    )


def _arguments(config: StoreConfig, session: Session) -> str:
    settings: dict[str, object] = {**BASE_SETTINGS, "max_result_bytes": config.max_result_bytes}
    settings[SCOPE] = session.project
    if session.most_secs is not None:
        settings["max_memory_usage"] = config.max_memory_bytes // PARTS_OF_MEMORY
    if session.readonly:
        secs = min(config.read_timeout_secs, session.most_secs or config.read_timeout_secs)
        settings |= {"max_execution_time": secs, "readonly": 1}
    return "&".join(f"{name}={value}" for name, value in settings.items())


def _setting_name(name: str) -> str:
    if not name.isidentifier():
        raise StatementError(115, f"Code: 115. DB::Exception: Unknown setting {name!r}. (UNKNOWN_SETTING)")
    return name


def _quoted(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _import_chdb() -> Any:
    os.environ["TZ"] = "UTC"  # chDB takes its time zone from there, once, when it is loaded
    time.tzset()
    try:
        from chdb import _chdb  # noqa: PLC0415 (large: only the store process loads it)
    except ImportError as error:
        raise Misconfigured(
            "the embedded ClickHouse is not installed: pip install 'awoooi[embedded]', "
            "or point AWOOOI at a ClickHouse server"
        ) from error
    return _chdb


def _lock_path(path: Path) -> IO[str]:
    """The path, made if need be, held by this process until the lock is closed or the process ends."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        lock = (path / "store.lock").open("a+")
    except OSError as error:
        raise Misconfigured(f"the store cannot write to {path}: {error.strerror}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.seek(0)
        holder = lock.read().strip() or "unknown"
        lock.close()
        raise Misconfigured(
            f"{path} is in use by another store (process {holder}); one process owns a path: "
            "stop that one, or choose another path"
        ) from error
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()
    return lock


def _write_settings(config: StoreConfig) -> Path:
    file = config.path / "store.xml"
    settings: dict[str, object] = {
        **SERVER_SETTINGS,
        "max_server_memory_usage": config.max_memory_bytes,
        "users_config": write_policies(config.path, config.database, _COVERED),
    }
    lines = [f"  <{name}>{value}</{name}>" for name, value in settings.items()]
    tables = [f"    <{name}>{value}</{name}>" for name, value in MERGE_TREE_SETTINGS.items()]
    text = ["<clickhouse>", *lines, "  <merge_tree>", *tables, "  </merge_tree>", "</clickhouse>", ""]
    file.write_text("\n".join(text))
    return file


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
