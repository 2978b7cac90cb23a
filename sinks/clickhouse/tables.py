"""The tables that the migrations make, as far as others must know them by name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parent / "migrations"
_TABLE = re.compile(
    r"^CREATE TABLE IF NOT EXISTS (?P<name>\w+)\s*\((?P<columns>.*?)^\)(?P<rest>.*?)(?:^COMMENT|;)",
    re.MULTILINE | re.DOTALL,
)
_TIME_TO_LIVE = re.compile(r"^TTL toDateTime\((?P<time>\w+)\)", re.MULTILINE)
_OF_PROJECTS = re.compile(r"^\s*project_id\s", re.MULTILINE)


class Made(NamedTuple):
    name: str
    of_projects: bool
    """each row says whose project it is"""
    time: str
    """what its time to live counts from; empty: its rows stay"""


def tables(folder: Path = FOLDER) -> Iterator[Made]:
    for file in sorted(folder.glob("*.sql")):
        for found in _TABLE.finditer(file.read_text(encoding="utf-8")):
            time = _TIME_TO_LIVE.search(found["rest"])
            yield Made(
                found["name"], bool(_OF_PROJECTS.search(found["columns"])), time["time"] if time else ""
            )


def tables_of_projects(folder: Path = FOLDER) -> tuple[str, ...]:
    """Those of which a reader who is kept to one project sees a part."""
    return tuple(table.name for table in tables(folder) if table.of_projects)


def times_to_live(folder: Path = FOLDER) -> Mapping[str, str]:
    """Table: the column that its time to live counts from."""
    return {table.name: table.time for table in tables(folder) if table.time}
