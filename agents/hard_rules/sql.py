"""SQL, parsed with sqlglot in the dialects at hand; what no dialect can read is refused."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator, Sequence

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import Token, TokenType

from agents.hard_rules import sql_statements
from agents.hard_rules.bounds import is_bounded
from agents.hard_rules.hits import Budget, Rule, listed
from agents.hard_rules.sql_statements import Piece

logging.getLogger("sqlglot").setLevel(logging.CRITICAL)  # it logs what it falls back on; we look at the tree

MOST = 20_000
MOST_PARENTHESES = 24
DIALECTS = ("postgres", "mysql", "clickhouse", "tsql")
EXECUTED_COMMENT = re.compile(r"/\*M?!\d*(.*?)\*/", re.DOTALL)
ROWS_OF_SECRETS = listed("pg_shadow pg_authid pg_user_mapping pg_user_mappings pg_largeobject sql_logins")
RUNS_ITS_TEXT = listed(
    "dblink_exec dblink query_to_xml database_to_xml cursor_to_xml xp_cmdshell sys_exec sys_eval lo_import"
    " lo_export pg_read_file pg_read_binary_file pg_ls_dir load_file pg_execute_server_program"
    " pg_drop_replication_slot lo_unlink pg_write_file pg_file_write pg_file_unlink load_extension eval"
    " utl_http dbms_scheduler remote executable url s3"
)
ENDS_SESSIONS = ("pg_terminate_backend", "pg_cancel_backend")

STRINGS = frozenset(
    (TokenType.STRING, TokenType.HEREDOC_STRING, TokenType.NATIONAL_STRING, TokenType.RAW_STRING)
)

RunShell = Callable[[str], object]


def judge(text: str, budget: Budget, run_shell: RunShell, depth: int = 0) -> None:
    """Reports what is refused, statement by statement."""
    if len(text) > MOST or depth > 3:
        budget.hit(Rule.UNPARSABLE, "SQL that is too long or too deep")
        return
    text = EXECUTED_COMMENT.sub(r" \1 ", text)
    lines = [line for line in text.split("\n") if not line.lstrip().startswith("\\")]
    for line in text.split("\n"):
        if line.lstrip().startswith("\\"):
            _meta(line.strip(), budget, run_shell, depth)
    for tokens, source in statements("\n".join(lines)):
        budget.step()
        _statement(tokens, source, budget, run_shell, depth)


def _meta(line: str, budget: Budget, run_shell: RunShell, depth: int) -> None:
    """psql's own commands."""
    command, _, rest = line.partition(" ")
    if command.startswith("\\!") or (command in ("\\o", "\\g", "\\w") and rest.strip().startswith("|")):
        run_shell((command[2:] + " " + rest).strip().lstrip("|"))
    elif command == "\\copy":
        if re.search(r"\bprogram\b", rest, re.IGNORECASE):
            budget.hit(Rule.REMOTE_SHELL, line)
    elif command in ("\\gexec", "\\i", "\\ir", "\\include"):
        budget.hit(Rule.OPAQUE, line)
    elif " \\" in rest:
        _meta("\\" + rest.partition(" \\")[2], budget, run_shell, depth)


def statements(text: str) -> Iterator[tuple[list[Piece], str]]:
    """Split at semicolons outside of strings; comments are gone."""
    pieces = _pieces(text)
    if pieces is None:
        yield [], text
        return
    statement: list[Piece] = []
    for piece in [*pieces, Piece(";", False, len(text), len(text))]:
        if piece.text != ";" or piece.is_string:
            statement.append(piece)
        elif statement:
            yield statement, text[statement[0].start : statement[-1].end]
            statement = []


def _pieces(text: str) -> list[Piece] | None:
    for dialect in ("postgres", "mysql"):
        try:
            return _opened(sqlglot.tokenize(text, dialect=dialect), text)
        except SqlglotError:
            continue
    return None


def _opened(tokens: Sequence[Token], text: str) -> list[Piece]:
    """sqlglot keeps what follows some first words as one string: that is read word by word too."""
    pieces: list[Piece] = []
    end = 0
    for token in tokens:
        is_string = token.token_type in STRINGS
        at = text.find(token.text, end) if is_string and end else -1
        rest = token.text if at >= 0 and at > 0 and not text[end:at].strip() else ""
        inner = _pieces(rest) if rest else None
        if inner is not None:
            pieces.extend(Piece(p.text, p.is_string, p.start + at, p.end + at) for p in inner)
            end = at + len(rest)
        else:
            pieces.append(Piece(token.text, is_string, token.start, token.end + 1))
            end = max(end, token.end + 1)
    return pieces


def _statement(tokens: list[Piece], source: str, budget: Budget, run_shell: RunShell, depth: int) -> None:
    if not tokens:
        budget.hit(Rule.UNPARSABLE, source)
        return
    heads = [token.text.upper() for token in tokens[:12]]
    verdict = sql_statements.by_its_head(heads, tokens, source)
    for rule in verdict.rules:
        budget.hit(rule, source)
    for inner in verdict.inner:
        judge(inner, budget, run_shell, depth + 1)
    if verdict.settled:
        return
    trees = parsed(source)
    if not trees:
        budget.hit(Rule.UNPARSABLE, source)
    for tree in trees:
        for rule in dict.fromkeys(broken(tree)):
            budget.hit(rule, source)
        for inner in _texts_that_run(tree):
            judge(inner, budget, run_shell, depth + 1)


def parsed(source: str) -> list[exp.Expr]:
    """Its tree in every dialect that reads it: a disguise need not work in all of them."""
    if source.count("(") > 400 or _deepest(source) > MOST_PARENTHESES:
        return []
    trees: list[exp.Expr] = []
    for dialect in DIALECTS:
        try:
            found = sqlglot.parse(source, dialect=dialect)
        except (SqlglotError, RecursionError, ValueError, TypeError, AttributeError, IndexError, KeyError):
            continue  # a parser's own stumbling means the same as its refusal
        if any(tree is None or isinstance(tree, exp.Command) for tree in found):
            continue
        fresh = [tree for tree in found if isinstance(tree, exp.Expr)]
        if fresh and fresh[0] not in trees:
            trees.extend(fresh)
    return trees


def _deepest(source: str) -> int:
    depth = deepest = 0
    for character in source:
        depth += (character in "([{") - (character in ")]}")
        deepest = max(deepest, depth)
    return deepest


def broken(tree: exp.Expr) -> Iterator[Rule]:
    for node in tree.walk():
        if isinstance(node, exp.Drop) or _replaces(node):
            yield Rule.SQL_DROP
        elif isinstance(node, exp.TruncateTable) or (
            isinstance(node, exp.Insert) and node.args.get("overwrite")
        ):
            yield Rule.SQL_TRUNCATE
        elif isinstance(node, exp.Delete | exp.Update | exp.Merge):
            if _is_unbounded(node):
                yield Rule.SQL_UNBOUNDED
        elif isinstance(node, exp.Table):
            if node.name.lower() in ROWS_OF_SECRETS or f"{node.db}.{node.name}".lower() == "mysql.user":
                yield Rule.SECRETS
        elif isinstance(node, exp.Func):
            yield from _function(node)


def _is_unbounded(node: exp.Delete | exp.Update | exp.Merge) -> bool:
    """A branch of a MERGE is bounded by what the MERGE is on."""
    if isinstance(node.parent, exp.When):
        return False
    condition = node.args.get("on" if isinstance(node, exp.Merge) else "where")
    return not is_bounded(condition.this if isinstance(condition, exp.Where) else condition)


def _replaces(node: exp.Expr) -> bool:
    kinds = ("TABLE", "DATABASE", "SCHEMA")
    return (
        isinstance(node, exp.Create)
        and bool(node.args.get("replace"))
        and str(node.args.get("kind", "")).upper() in kinds
    )


def _name(node: exp.Func) -> str:
    return (node.name if isinstance(node, exp.Anonymous) else node.sql_name()).lower()


def _function(node: exp.Func) -> Iterator[Rule]:
    name = _name(node)
    if name in ENDS_SESSIONS:
        select = node.find_ancestor(exp.Select)
        everyone = bool((select and select.args.get("from_")) or (select and select.args.get("from")))
        where = select.args.get("where") if select else None
        if everyone and (not isinstance(where, exp.Where) or not is_bounded(where.this)):
            yield Rule.SQL_SERVER
    elif name in RUNS_ITS_TEXT:
        yield Rule.SQL_SERVER


def _texts_that_run(tree: exp.Expr) -> Iterator[str]:
    for node in tree.find_all(exp.Func):
        if _name(node) in RUNS_ITS_TEXT:
            for text in node.find_all(exp.Literal):
                if text.is_string and sql_statements.begins_one(text.this):
                    yield text.this
