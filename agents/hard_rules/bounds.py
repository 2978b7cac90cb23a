"""Whether a WHERE really bounds what a statement touches."""

from __future__ import annotations

import re
from itertools import pairwise

from sqlglot import exp

PAST = re.compile(
    r"(?:created|updated|inserted|modified|started|logged|occurred|registered|ordered)", re.IGNORECASE
)
NOW = (
    "now",
    "current_timestamp",
    "current_date",
    "sysdate",
    "getdate",
    "localtimestamp",
    "current_datetime",
    "today",
)
KEY = re.compile(r"(?:.*_)?(?:p?id|pk|uuid|guid|key|rowid|ctid|oid)$", re.IGNORECASE)


def is_bounded(condition: exp.Expr | None) -> bool:
    """Some column must be tied to something, on every branch of an OR."""
    if condition is None:
        return False
    condition = condition.unnest()
    if isinstance(condition, exp.Or):
        sides = [side.unnest() for side in condition.flatten()]
        return all(map(is_bounded, sides)) and not any(_complement(a, b) for a, b in pairwise(sides))
    if isinstance(condition, exp.And):
        return any(map(is_bounded, condition.flatten()))
    if isinstance(condition, exp.Not):
        return _not_bounded(condition.this.unnest())
    if isinstance(condition, exp.Case | exp.If):
        return False
    if isinstance(condition, exp.Exists):
        return _subquery_bounded(condition.this)
    if not list(condition.find_all(exp.Column)) and not condition.find(exp.Subquery, exp.Select):
        return isinstance(condition, exp.Placeholder | exp.Parameter)
    return _compares(condition)


def _complement(left: exp.Expr, right: exp.Expr) -> bool:
    """`x = 1 OR x <> 1`: one of the two is always so."""
    if isinstance(left, exp.Connector) or isinstance(right, exp.Connector):
        return False
    if isinstance(left, exp.NEQ) and isinstance(right, exp.EQ):
        left, right = right, left
    if isinstance(left, exp.EQ) and isinstance(right, exp.NEQ):
        return bool(left.this.sql() == right.this.sql())
    return bool(right.sql() == exp.not_(left).sql() or left.sql() == exp.not_(right).sql())


def _not_bounded(inner: exp.Expr) -> bool:
    if not list(inner.find_all(exp.Column)):
        return False
    if isinstance(inner, exp.Is):  # NOT x IS NULL
        return not (isinstance(inner.expression, exp.Null) and _is_key(inner.this))
    if isinstance(inner, exp.EQ | exp.In):
        return not _is_key(inner.this)
    if isinstance(inner, exp.Or):
        return _not_bounded(inner.left.unnest()) or _not_bounded(inner.right.unnest())
    if isinstance(inner, exp.Not):
        return is_bounded(inner.this)
    return bool(list(inner.find_all(exp.Column))) and not _same(inner)


def _compares(node: exp.Expr) -> bool:
    if _same(node):
        return False
    if isinstance(node, exp.In):
        query = node.args.get("query")
        return _subquery_bounded(query) if query is not None else True
    if isinstance(node, exp.NEQ):
        return not (_is_key(node.left) or _is_key(node.right))
    if isinstance(node, exp.GT | exp.GTE | exp.LT | exp.LTE):
        queries = list(node.find_all(exp.Select))
        return not _spans_all(node) and not _until_now(node) and all(map(_subquery_bounded, queries))
    if isinstance(node, exp.Like | exp.ILike | exp.RegexpLike):
        return not re.fullmatch(r"[%.*^$]+|", _text(node.expression))
    if isinstance(node, exp.Is):
        return not (isinstance(node.expression, exp.Not) and _is_key(node.this))
    if isinstance(node, exp.Between):
        return not _wide(node)
    return not _is_constant_against_itself(node)


def _same(node: exp.Expr) -> bool:
    if not isinstance(node, exp.Binary):
        return False
    left, right = node.this, node.expression
    if not isinstance(left, exp.Expr) or not isinstance(right, exp.Expr):
        return False
    if left.sql().lower() == right.sql().lower():
        return True
    columns, others = _columns(left), _columns(right)
    return columns == others != set() and not isinstance(node, exp.Connector) and not right.find(exp.Literal)


def _columns(node: exp.Expr) -> set[str]:
    return {column.sql().lower() for column in node.find_all(exp.Column)}


def _is_constant_against_itself(node: exp.Expr) -> bool:
    """`coalesce(x, 1) = coalesce(x, 1)` is caught above; `x = ANY(SELECT x FROM t)` here."""
    selects = list(node.find_all(exp.Select))
    return bool(selects) and not any(_subquery_bounded(select) for select in selects)


def _spans_all(node: exp.Expr) -> bool:
    """`id > 0`, `0 <= id`, `id < 999999999`: every key there is; and what only measures a column."""
    left, right = node.this, node.expression
    if isinstance(left, exp.Literal | exp.Neg):
        left, right = right, left
        upward = isinstance(node, exp.LT | exp.LTE)
    else:
        upward = isinstance(node, exp.GT | exp.GTE)
    number = _number(right)
    if number is None:
        return False
    if isinstance(left, exp.Func) and isinstance(left, exp.Length | exp.Abs):
        return number <= 0
    return _is_key(left) and (number <= 1 if upward else number >= 10**8)


def _until_now(node: exp.Expr) -> bool:
    """`created_at < now()`: everything that there is."""
    column, moment = node.this, node.expression
    if not (
        isinstance(node, exp.LT | exp.LTE) and isinstance(column, exp.Column) and isinstance(moment, exp.Func)
    ):
        return False
    name = moment.name if isinstance(moment, exp.Anonymous) else moment.sql_name()
    return bool(PAST.match(column.name)) and name.lower() in NOW


def _wide(node: exp.Between) -> bool:
    low, high = _number(node.args.get("low")), _number(node.args.get("high"))
    return _is_key(node.this) and low is not None and high is not None and low <= 1 and high >= 10**8


def _number(node: exp.Expr | None) -> float | None:
    try:
        return float(node.sql().strip("'")) if node is not None else None
    except ValueError:
        return None


def _text(node: exp.Expr | None) -> str:
    return str(node.this) if isinstance(node, exp.Literal) else "?"


def _is_key(node: exp.Expr) -> bool:
    return isinstance(node, exp.Column) and bool(KEY.match(node.name))


def _subquery_bounded(query: exp.Expr | None) -> bool:
    if query is None:
        return False
    query = query.unnest()
    if not isinstance(query, exp.Select):
        return True
    if query.args.get("limit"):
        return True
    where = query.args.get("where")
    joins = query.args.get("joins")
    return (
        (isinstance(where, exp.Where) and is_bounded(where.this))
        or bool(joins)
        or bool(query.args.get("having"))
    )
