"""Whose rows a request sees: row policies that the engine itself applies before anything else.

chDB has one user and no way to make another, but it reads the policies of that one user from a file. They
compare a row's project with a setting of the session, which the store sets and nobody else may:
a question runs with `readonly=1`, where no setting can be changed, and a command may not name this one.
The engine evaluates a policy before every other condition, so that not even an error tells of other rows.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from xml.sax.saxutils import escape

EVERYTHING = "*"
SCOPE = "log_comment"
"""the one setting of free text that means nothing to an embedded engine, which keeps no log of questions"""
POLICY = f"getSetting('{SCOPE}') = '{EVERYTHING}' OR project_id = getSetting('{SCOPE}')"
USERS = """<clickhouse>
  <profiles><default></default></profiles>
  <quotas><default></default></quotas>
  <users><default>
    <password></password><networks><ip>::/0</ip></networks><profile>default</profile><quota>default</quota>
    <databases><{database}>
{tables}
    </{database}></databases>
  </default></users>
</clickhouse>
"""


def write_policies(folder: Path, database: str, tables: Collection[str]) -> Path:
    """The users' file of the engine: one policy for each table whose rows belong to projects."""
    one = f"      <{{0}}><filter>{escape(POLICY)}</filter></{{0}}>"
    file = folder / "users.xml"
    lines = "\n".join(one.format(table) for table in tables)
    file.write_text(USERS.format(database=database, tables=lines))
    return file
