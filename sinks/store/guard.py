"""What the engine would do and the store must not: files, networks, other databases, other engines.

Read-only mode (`readonly=1`) refuses every write and nearly every table function by itself. What it
lets pass (the function `file`, INTO OUTFILE, DESCRIBE of a file, other databases) is refused here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import pairwise

from sinks.store.errors import ACCESS_DENIED, READONLY, SYNTAX_ERROR, StatementError
from sinks.store.lexer import Token
from sinks.store.scope import SCOPE
from sinks.store.statement import Statement

QUESTIONS = {"SELECT", "WITH", "FROM", "SHOW", "DESCRIBE", "DESC", "EXPLAIN", "EXISTS"}
SHOWN = {
    "CREATE",
    "TABLES",
    "FULL",
    "COLUMNS",
    "FIELDS",
    "DATABASES",
    "INDEX",
    "FUNCTIONS",
    "SETTINGS",
    "TABLE",
}
# What may follow where `settings` is the name of a column.
AFTER_A_NAME = {
    "FROM", "WHERE", "PREWHERE", "GROUP", "ORDER", "LIMIT", "HAVING", "UNION", "AS", "ASC", "DESC", "FORMAT",
    "AND", "OR", "IN", "IS", "NOT", "LIKE", "ILIKE", "BETWEEN", "THEN", "ELSE", "END",
}  # fmt: skip
# What follows the name of a setting, even of one that is called `limit`.
SETS_IT = {"=", ",", "."}
# Table functions that make rows out of nothing, or out of what stands in the statement.
HARMLESS_TABLES = {
    "null", "view", "values", "format", "numbers", "numbers_mt", "zeros", "zeros_mt", "primes",
    "generateseries", "generate_series", "generaterandom", "input",
}  # fmt: skip
# Ordinary functions that reach beyond the statement.
REACHING = {
    "file", "catboostevaluate", "joinget", "joingetornull", "airedact", "aisimilarity", "aifilter",
    "aiclassify", "aiembed", "aiextract", "aigenerate", "aitranslate", "getclienthttpheader",
}  # fmt: skip
# What a client asks before it asks anything else, and what describes the project's own tables.
SYSTEM_TABLES = {
    "one", "numbers", "numbers_mt", "zeros", "settings", "settings_changes", "functions", "formats",
    "data_type_families", "databases", "tables", "columns", "parts", "projections", "keywords",
    "data_skipping_indices", "build_options", "time_zones", "table_engines", "table_functions",
    "aggregate_function_combinators", "completions", "contributors", "licenses",
}  # fmt: skip
# Of these, what tells how much there is of all projects together.
COUNTING = {"tables", "columns", "parts", "projections", "data_skipping_indices", "completions"}
ENGINES = {
    "mergetree", "replacingmergetree", "summingmergetree", "aggregatingmergetree",
    "collapsingmergetree", "versionedcollapsingmergetree", "memory", "null", "atomic",
}  # fmt: skip

_NOTHING = Token("mark", "", 0, 0)


class Guard:
    """Knows the engine's table functions and the project's database."""

    def __init__(self, database: str, table_functions: Collection[str], engines: Collection[str]) -> None:
        self._own = {database, "system", "information_schema", "INFORMATION_SCHEMA"}
        self._barred = ({name.lower() for name in table_functions} - HARMLESS_TABLES) | REACHING
        self._barred_engines = {name.lower() for name in engines} - ENGINES

    def check_question(self, statement: Statement, databases: Collection[str]) -> None:
        """For readers and GET: a question about the project's own tables, nothing else."""
        if statement.verb not in QUESTIONS:
            raise StatementError.of(READONLY, f"Cannot execute {statement.verb or 'this'} in readonly mode")
        if statement.verb == "SHOW":
            _check_show(statement.tokens)
        if statement.verb in ("DESCRIBE", "DESC") and any(t.kind == "string" for t in statement.tokens):
            raise _denied("DESCRIBE of a file")
        _check_settings(statement)
        self._check_reach(statement.tokens)
        self._check_databases(statement.tokens, databases)

    def check_project(self, statement: Statement, uncovered: Collection[str]) -> None:
        """For readers of one project, beside `check_question`: what would pass by the row policies."""
        for token in statement.tokens:
            name = token.name or ""
            if name == SCOPE:
                raise _denied(f"the setting {SCOPE}, which says whose rows are seen,")
            if name in uncovered:
                raise _denied(f"the table {name}")
            if name.lower() == "information_schema" or token.says("EXPLAIN"):
                raise _denied(name)
        for database, table in _qualified(statement.tokens):
            if database == "system" and table.lower() in COUNTING:
                raise _denied(f"the table system.{table}")

    def check_command(self, statement: Statement, settings: Collection[str] = ()) -> None:
        """For the writer: everything but reaching out of the store, and engines that break its path."""
        if SCOPE in settings or any(token.name == SCOPE for token in statement.tokens):
            raise _denied(f"the setting {SCOPE}, which says whose rows are seen,")
        if statement.verb in ("SYSTEM", "BACKUP", "RESTORE", "ATTACH", "USE", "SET"):
            raise _denied(statement.verb)
        self._check_reach(statement.tokens)
        for engine in _engines(statement.tokens):
            if engine.lower() in self._barred_engines:
                raise _denied(f"ENGINE = {engine}")

    def _check_reach(self, tokens: tuple[Token, ...]) -> None:
        for token in tokens:
            if token.says("OUTFILE") or token.says("INFILE"):
                raise _denied(token.text.upper())
            if token.kind == "quoted" and "\\" in token.text:
                raise StatementError.of(SYNTAX_ERROR, f"No backslash in a quoted name here: {token.text}")
        for token, after in pairwise(tokens):
            name = (token.name or "").lower()
            if after.text == "(" and (name in self._barred or name.startswith("dict")):
                raise _denied(f"the function {token.name}")

    def _check_databases(self, tokens: tuple[Token, ...], databases: Collection[str]) -> None:
        for colon, kind in pairwise(tokens):
            if colon.text == ":" and kind.says("IDENTIFIER"):
                raise _denied("a name as a parameter")
        for database, table in _qualified(tokens):
            if database == "system" and table.lower() not in SYSTEM_TABLES:
                raise _denied(f"the table system.{table}")
            if database in databases and database not in self._own:
                raise _denied(f"the database {database}")


def _check_show(tokens: tuple[Token, ...]) -> None:
    what = tokens[1].text.upper() if len(tokens) > 1 else ""
    if what not in SHOWN:
        raise _denied(f"SHOW {what}")


def _check_settings(statement: Statement) -> None:
    """The engine itself refuses those at the end of a statement only, not those of a part in brackets."""
    if statement.verb == "SHOW":
        return
    found = (_NOTHING, _NOTHING, *statement.tokens, _NOTHING)
    for owner, dot, word, after, then in zip(found, found[1:], found[2:], found[3:], found[4:], strict=False):
        if not word.says("SETTINGS") or after.name is None:
            continue
        column = dot.text == "." and owner.name is not None  # `0. SETTINGS` is a number with a dot
        column = column or after.text.upper() in AFTER_A_NAME
        if not column or then.text in SETS_IT:
            raise StatementError.of(READONLY, f"Cannot modify '{after.name}' setting in readonly mode")


def _qualified(tokens: tuple[Token, ...]) -> Iterator[tuple[str, str]]:
    for first, dot, second in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if dot.text == "." and first.name is not None and second.name is not None:
            yield first.name, second.name


def _engines(tokens: tuple[Token, ...]) -> Iterator[str]:
    for first, second, third in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if first.says("ENGINE"):
            yield (third if second.text == "=" else second).text


def _denied(what: str) -> StatementError:
    return StatementError.of(ACCESS_DENIED, f"Not enough privileges: {what} is not allowed here")
