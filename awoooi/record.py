"""`awoooi query` and `awoooi incidents`: questions to ClickHouse, as the user who can only read."""

from __future__ import annotations

import asyncio
import csv
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from awoooi.logs import quiet
from awoooi.printing import as_text, print_json, print_table
from awoooi.settings import Settings

if TYPE_CHECKING:
    from sinks.clickhouse.client import Client

Rows = Sequence[Mapping[str, Any]]
WIDEST_CELL = 80
# What fits on a screen; --json has all of it.
SHOWN = (
    "incident_id",
    "status",
    "severity",
    "alert_type",
    "namespace",
    "target_resource",
    "hit_count",
    "opened_at",
)


def ask(settings: Settings, sql: str, params: Mapping[str, Any] | None = None) -> Rows:
    return _asked(settings, lambda client: client.ask(sql, params))


def query(settings: Settings, asked: str, form: str) -> None:
    """A question that ships, by its name, or anybody's own SQL."""
    from sinks.clickhouse import queries

    show(_asked(settings, lambda client: queries.query(client, asked)), form)


def _asked(settings: Settings, question: Callable[[Client], Awaitable[Rows]]) -> Rows:
    from sinks.clickhouse.client import connected

    quiet()

    async def run() -> Rows:
        async with connected(settings.clickhouse.reader()) as client:
            return await question(client)

    return asyncio.run(run())


def incidents(settings: Settings, project: str, status: str, limit: int, *, as_json: bool) -> None:
    from sinks.clickhouse import queries

    rows = _asked(settings, lambda client: queries.incidents(client, project, status, limit))
    if as_json:
        print_json(rows)
    elif rows:
        show([{name: row[name] for name in _columns(rows)} for row in rows], "table")
    else:
        print("No such incidents." if project or status else "No incidents yet.")


def _columns(rows: Rows) -> Sequence[str]:
    """Whose it is, where there are several: two of one name could not be told apart."""
    several = len({row["project_id"] for row in rows}) > 1
    return (*SHOWN, "project_id") if several else SHOWN


def show(rows: Rows, form: str) -> None:
    if form == "json":
        print_json([{name: as_text(value) for name, value in row.items()} for row in rows])
    elif form == "csv":
        _print_csv(rows)
    elif rows:
        print_table(tuple(rows[0]), [[_cell(value) for value in row.values()] for row in rows])
    else:
        print("(no rows)")


def _print_csv(rows: Rows) -> None:
    if rows:
        out = csv.writer(sys.stdout, lineterminator="\n")
        out.writerow(rows[0])
        out.writerows([as_text(value) for value in row.values()] for row in rows)


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    text = f"{value:%Y-%m-%d %H:%M:%S}" if isinstance(value, datetime) else str(value)
    text = " ".join(text.split())
    return text if len(text) <= WIDEST_CELL else text[: WIDEST_CELL - 1] + "…"
