"""Numbered migrations: what is missing is applied in order, what was applied must not have changed."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from schemas.errors import Misconfigured
from sinks.clickhouse.client import Client
from sinks.store.lexer import tokens

FOLDER = Path(__file__).parent / "migrations"
NAME = re.compile(r"(?P<number>\d{4})_(?P<name>[a-z0-9_]+)\.sql")
RECORD = """
CREATE TABLE IF NOT EXISTS schema_migrations
(
    number     UInt32 COMMENT 'of the migration, from 1',
    name       String COMMENT 'of its file',
    checksum   String COMMENT 'SHA-256 of its text, in hex',
    applied_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'when its last statement had run'
)
ENGINE = ReplacingMergeTree
ORDER BY number
COMMENT 'Which migrations this database has.'
"""


@dataclass(frozen=True)
class Migration:
    number: int
    name: str
    text: str

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()

    def statements(self) -> Iterator[str]:
        """Its statements, without what stands between them; a `;` in a string or comment ends none."""
        start = end = 0
        for token in tokens(self.text):
            if token.text != ";":
                end = token.end
                continue
            if end > start:
                yield self.text[start : token.start].strip()
            start = token.end
        if end > start:
            yield self.text[start:].strip()


@dataclass(frozen=True)
class Applied:
    """A migration that this call has applied."""

    number: int
    name: str
    statements: int


async def migrate(client: Client, folder: Path = FOLDER) -> list[Applied]:
    """Bring the database up to date. Misconfigured when the files and the database disagree."""
    migrations = read_migrations(folder)
    await client.create_database()
    await client.command(RECORD)
    known = await client.ask("SELECT number, name, checksum FROM schema_migrations FINAL ORDER BY number")
    _check_unchanged(migrations, {row["number"]: (row["name"], row["checksum"]) for row in known})
    done = {row["number"] for row in known}
    return [await _apply(client, migration) for migration in migrations if migration.number not in done]


async def _apply(client: Client, migration: Migration) -> Applied:
    """Statements say IF NOT EXISTS, so one that was cut short is applied again."""
    statements = list(migration.statements())
    for statement in statements:
        await client.command(statement)
    await client.insert(
        "schema_migrations",
        [(migration.number, migration.name, migration.checksum)],
        columns=("number", "name", "checksum"),
    )
    return Applied(migration.number, migration.name, len(statements))


def read_migrations(folder: Path) -> list[Migration]:
    """In order, numbered from 1 without a gap or a double."""
    found = sorted(folder.glob("*.sql"))
    migrations = [_read(path) for path in found]
    for expected, migration in enumerate(migrations, start=1):
        if migration.number < expected:
            raise Misconfigured(f"two migrations have the number {migration.number:04}: {_names(migrations)}")
        if migration.number > expected:
            raise Misconfigured(f"migration {expected:04} is missing: {_names(migrations)}")
    return migrations


def _read(path: Path) -> Migration:
    named = NAME.fullmatch(path.name)
    if named is None:
        raise Misconfigured(f"a migration is named like 0001_events.sql, not {path.name}")
    return Migration(int(named["number"]), named["name"], path.read_text(encoding="utf-8"))


def _check_unchanged(migrations: Sequence[Migration], applied: dict[int, tuple[str, str]]) -> None:
    have = {migration.number: migration for migration in migrations}
    for number, (name, checksum) in applied.items():
        migration = have.get(number)
        if migration is None:
            raise Misconfigured(
                f"the database has migration {number:04}_{name}, which this version does not know: "
                "it was made by a newer one"
            )
        if migration.checksum != checksum:
            raise Misconfigured(
                f"migration {number:04}_{name} was changed after it had been applied; "
                "undo the change and write a new migration"
            )


def _names(migrations: Sequence[Migration]) -> str:
    return ", ".join(f"{migration.number:04}_{migration.name}" for migration in migrations)
