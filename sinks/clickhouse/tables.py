"""The tables that the migrations make, as far as others must know them by name."""

from __future__ import annotations

import re
from pathlib import Path

FOLDER = Path(__file__).parent / "migrations"
_TABLE = re.compile(r"^CREATE TABLE IF NOT EXISTS (\w+)\s*\((.*?)^\)", re.MULTILINE | re.DOTALL)


def tables_of_projects(folder: Path = FOLDER) -> tuple[str, ...]:
    """All whose rows say whose project they are: a reader who is kept to one project sees some of each."""
    return tuple(
        name
        for file in sorted(folder.glob("*.sql"))
        for name, columns in _TABLE.findall(file.read_text(encoding="utf-8"))
        if re.search(r"^\s*project_id\s", columns, re.MULTILINE)
    )
