"""docs/clickhouse.md says what the database says. `AWOOOI_WRITE_DOCS=1` in the environment rewrites it."""

from __future__ import annotations

import os
import re
from pathlib import Path

from sinks.clickhouse.client import Client
from sinks.clickhouse.describe import describe
from sinks.clickhouse.queries import NAMED

DOCUMENT = Path(__file__).parents[3] / "docs" / "clickhouse.md"
MARK = "<!-- described -->\n"


async def test_the_document_has_every_view_and_table(clickhouse: Client) -> None:
    written, _, described = DOCUMENT.read_text().partition(MARK)
    wanted = "\n" + await describe(clickhouse)
    if os.environ.get("AWOOOI_WRITE_DOCS") == "1":
        DOCUMENT.write_text(written + MARK + wanted)
    else:
        assert described == wanted, "stale: run this test with AWOOOI_WRITE_DOCS=1"


async def test_every_column_of_a_view_says_what_it_means(clickhouse: Client) -> None:
    views, _, _ = (await describe(clickhouse)).partition("### `alerts`")
    assert views.count("### `v_") >= 4
    assert "|  |" not in views


def test_the_document_has_every_named_question() -> None:
    document = DOCUMENT.read_text()
    assert [f"| `{name}` | {named.about} |" in document for name, named in NAMED.items()] == [True] * len(
        NAMED
    )


async def test_the_examples_are_valid(clickhouse: Client) -> None:
    examples = re.findall(r"```sql\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    assert examples
    for sql in examples:
        assert await clickhouse.ask(sql) == []
