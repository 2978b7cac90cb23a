"""Tables and views as Markdown, from the comments in the database itself."""

from __future__ import annotations

from itertools import groupby

from sinks.clickhouse.client import Client

_COLUMNS = """
SELECT columns.table AS table, tables.engine AS engine, tables.comment AS about, tables.sorting_key AS key,
       columns.name AS name, columns.type AS type, columns.comment AS comment
FROM system.columns AS columns
INNER JOIN system.tables AS tables ON tables.database = columns.database AND tables.name = columns.table
WHERE columns.database = {database:String} AND tables.engine != 'MaterializedView'
ORDER BY tables.engine != 'View', columns.table, columns.position
"""


async def describe(client: Client) -> str:
    """Views first: they are the contract."""
    columns = await client.ask(_COLUMNS, {"database": client.config.database})
    parts = []
    for (name, engine, about, key), rows in groupby(
        columns, lambda row: (row["table"], row["engine"], row["about"], row["key"])
    ):
        lines = [f"### `{name}`", ""]
        if engine != "View":
            lines += [f"{about} Sorted by `{key}`.", ""]
        lines += ["| column | type | meaning |", "| --- | --- | --- |"]
        lines += [f"| `{row['name']}` | {_cell(row['type'])} | {_cell(row['comment'])} |" for row in rows]
        parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
