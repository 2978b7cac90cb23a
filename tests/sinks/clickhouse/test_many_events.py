"""The store that the benchmarks fill: made inside it, and yet whole for whoever reads it."""

from __future__ import annotations

from pathlib import Path

from benchmarks.measured import Scale
from benchmarks.record import measure_on
from benchmarks.stored import AFTER, AN_INCIDENT, JUDGED, Filled, fill
from sinks.clickhouse.client import Client
from sinks.clickhouse.story import OF_INCIDENT, OF_RUN

INCIDENTS = 8


async def test_each_incident_has_its_whole_story(clickhouse: Client, tmp_path: Path) -> None:
    """The measurement itself checks lists, timelines and pages; here each table is counted."""
    await fill(clickhouse, INCIDENTS)

    (count,) = await clickhouse.ask(
        """
        SELECT (SELECT count() FROM events FINAL) AS events, (SELECT count() FROM v_incidents) AS incidents,
               (SELECT count() FROM v_runs) AS runs, (SELECT count() FROM v_approvals) AS approvals,
               (SELECT countIf(state = 'WAITING') FROM v_approvals) AS waiting
        """
    )
    measured = await measure_on(Filled(clickhouse, count["events"], INCIDENTS), Scale(True, tmp_path))

    unjudged, waits = (INCIDENTS - 1) * len(JUDGED), len(AFTER) - len(JUDGED)
    assert count["events"] == INCIDENTS * AN_INCIDENT - unjudged - waits
    assert (count["incidents"], count["runs"], count["approvals"]) == (INCIDENTS,) * 3
    assert count["waiting"] == 1
    assert set(measured.keys) == {
        "run_list_p95_ms",
        "timeline_p95_ms",
        "incident_page_ms",
        "slowest_question_ms",
    }
    for question in (OF_INCIDENT, OF_RUN):
        assert "(event_id in " in await _looked_up(clickhouse, question), "each event of the project is read"


async def _looked_up(clickhouse: Client, question: str) -> str:
    """What the order of the table is asked for."""
    asked = {"project": "shop", "incident": "INC-20260301-0A1B2C3D4E", "run": "", "without": ["tool.called"]}
    plan = await clickhouse.ask(f"EXPLAIN indexes = 1 {question}", asked)
    return next(row["explain"] for row in plan if "Condition: " in row["explain"])
