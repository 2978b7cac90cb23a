"""How the reading API's questions are put together: bound to projects, and in pages."""

# ruff: noqa: S608 (our own text; every value is a parameter)

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from connectors.gateway.reading import Paged, Projects
from sinks.clickhouse.story import Ask, Row


def within(projects: Projects) -> str:
    """A condition; `asked_within` gives its parameter."""
    return "1" if projects is None else "project_id IN {projects:Array(String)}"


def asked_within(projects: Projects) -> dict[str, Any]:
    return {} if projects is None else {"projects": list(projects)}


def each(rows: Iterable[Row], name: str) -> list[Any]:
    """The distinct values of a column."""
    return list(dict.fromkeys(row[name] for row in rows))


async def page_of(
    ask: Ask, columns: str, source: str, order: str, wanted: Paged, asked: Mapping[str, Any]
) -> tuple[list[Row], int]:
    """The rows of a page, and how many there are in all: one pass, but beyond the last page.

    A view makes only the columns that are asked for: a list asks for its ids, then for all of these few.
    """
    limits = {"limit": wanted.page_size, "offset": wanted.offset}
    rows = await ask(
        f"SELECT {columns}, count() OVER () AS total FROM {source}"
        f" ORDER BY {order} LIMIT {{limit:UInt32}} OFFSET {{offset:UInt64}}",
        {**asked, **limits},
    )
    if rows or wanted.page == 1:
        return list(rows), rows[0]["total"] if rows else 0
    counted = await ask(f"SELECT count() AS total FROM {source}", asked)
    return [], counted[0]["total"]
