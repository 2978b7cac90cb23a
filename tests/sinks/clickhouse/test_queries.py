"""Every query that ships runs, and says in its first line what it answers."""

from __future__ import annotations

from pathlib import Path

import pytest

import sinks.clickhouse
from sinks.clickhouse.client import Client
from tests.sinks.clickhouse.events import COLUMNS, alert, event, step, values

FOLDER = Path(sinks.clickhouse.__file__).parent / "queries"
TEXTS = {file.stem: file.read_text() for file in sorted(FOLDER.glob("*.sql"))}
PARAMETERS = {"project": "shop", "incident": "INC-20261121-AAAAAAAAAA", "limit": 10}


@pytest.mark.parametrize("name", TEXTS)
async def test_it_answers(clickhouse: Client, name: str) -> None:
    rejected = event("r", "alert.rejected", 3, {"reason": "unreadable"}, topic="alerts.rejected")
    rows = [alert("a", 1), step("s", "incident.opened", 2, fingerprint="f1", hit_count=1), rejected]
    await clickhouse.insert("events", values(rows), COLUMNS)
    text = TEXTS[name]
    assert text.startswith("-- ")
    assert await clickhouse.ask(text, PARAMETERS)


async def test_a_timeline_is_in_order(clickhouse: Client) -> None:
    rows = [step(f"s{n}", "incident.hit", n, hit_count=n) for n in (3, 1, 2)]
    await clickhouse.insert("events", values([*rows, alert("other", 1), *rows]), COLUMNS)
    answer = await clickhouse.ask(TEXTS["timeline"], PARAMETERS)
    assert [row["payload"] for row in answer] == ['{"hit_count": 1}', '{"hit_count": 2}', '{"hit_count": 3}']
