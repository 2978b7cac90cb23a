"""The grants for a server. Here only their grammar and their reach can be seen: chDB has no users."""

from __future__ import annotations

from pathlib import Path

import pytest

from sinks.clickhouse.migrate import FOLDER, Migration
from tests.sinks.clickhouse_peer import ClickHousePeer

GRANTS = Path(__file__).parents[3] / "deploy" / "clickhouse"
PARAMETERS = {f"param_{name}": "secret" for name in ("migrator", "writer", "reader", "eraser", "password")}
UNDERSTOOD = {"497", "511"}  # no such privilege, no such role: it was read as a statement
STATEMENTS = [
    (file.name, statement)
    for file in sorted(GRANTS.glob("*.sql"))
    for statement in Migration(0, file.stem, file.read_text()).statements()
]


@pytest.mark.parametrize(
    ("file", "sql"), STATEMENTS, ids=[f"{name} {n}" for n, (name, _) in enumerate(STATEMENTS)]
)
def test_the_grammar_is_clickhouse_s(own_store: ClickHousePeer, file: str, sql: str) -> None:
    answer = own_store.post(sql, params=PARAMETERS)
    assert answer.is_success or answer.headers["X-ClickHouse-Exception-Code"] in UNDERSTOOD, (
        f"{file}: {answer.text}"
    )


def test_the_writer_may_insert_and_select_only() -> None:
    granted = [sql for _, sql in STATEMENTS if sql.endswith("TO awoooi_writer")]
    assert [sql[sql.index("GRANT") :] for sql in granted] == [
        "GRANT INSERT, SELECT ON awoooi.* TO awoooi_writer"
    ]


def test_who_erases_may_do_nothing_else_than_that() -> None:
    granted = [sql for _, sql in STATEMENTS if sql.endswith("TO awoooi_eraser")]
    assert [sql[sql.index("GRANT") :] for sql in granted] == [
        "GRANT SELECT, ALTER DELETE ON awoooi.* TO awoooi_eraser"
    ]


def test_every_table_with_a_project_has_its_row_policy() -> None:
    tables = {
        f"awoooi.{line.split()[-1]}"
        for file in FOLDER.glob("*.sql")
        for line in file.read_text().splitlines()
        if line.startswith("CREATE TABLE")
    }
    policies = [sql for _, sql in STATEMENTS if "CREATE ROW POLICY" in sql]
    assert len(policies) == 2
    for table in tables:
        assert all(f"{table}," in sql or f"{table}\n" in sql for sql in policies), table
