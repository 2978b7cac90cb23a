"""The record with ten million events in it: a list of runs, a timeline, an incident's page, each question."""

from __future__ import annotations

import sys
import time
from collections.abc import Awaitable, Mapping, Sequence
from itertools import cycle, islice
from statistics import quantiles
from typing import Any

from benchmarks import paint
from benchmarks.measured import Measured, Scale
from benchmarks.stored import PROJECTS, Filled, filled
from connectors.gateway.reading import IncidentFilter, RunFilter
from schemas.run import RunState
from sinks.clickhouse.queries import NAMED, query
from sinks.clickhouse.reading import Facts, Reading
from tests.peers.tools import MissingToolError

LISTS: Sequence[tuple[Mapping[str, Any], Sequence[str] | None]] = (
    ({}, None),
    ({}, PROJECTS[:1]),
    ({"page": 7}, None),
    ({"state": RunState.TIMEOUT}, PROJECTS[1:3]),
    ({"remediation_status": "write_observed", "page_size": 100}, None),
)
LEAST = 10
"""on a run's timeline"""
_SOME = """
SELECT project_id, run_id, incident_id FROM v_runs ORDER BY cityHash64(run_id) LIMIT {many:UInt32}
"""


async def measure(scale: Scale) -> Measured:
    async with filled(scale, scale.of(10_000_000, 200_000)) as stored:
        measured = await measure_on(stored, scale)
        try:
            measured |= await paint.measure_on(stored, scale)
        except MissingToolError as error:
            print(error, file=sys.stderr)
        return measured


async def measure_on(stored: Filled, scale: Scale) -> Measured:
    """As the reader, one question after the other, as the gateway asks."""
    reading, many = Reading(stored.client.ask, Facts()), scale.of(60, 10)
    some = await stored.client.ask(_SOME, {"many": many})
    lists = [await took(_list(reading, stored, *wanted)) for wanted in islice(cycle(LISTS), many)]
    timelines = [await took(_timeline(reading, one)) for one in some]
    pages = [await took(_page(reading, one)) for one in some]
    incidents = [await took(reading.incidents(IncidentFilter(), None)) for _ in range(many)]
    questions = {name: await _question(stored, name, scale) for name in NAMED}
    keys = {"run_list_p95_ms": _p95(lists), "timeline_p95_ms": _p95(timelines)}
    keys |= {"incident_page_ms": _p95(pages), "slowest_question_ms": max(questions.values())}
    more = {f"question_{name.replace('-', '_')}_ms": took for name, took in questions.items()}
    more |= {"incident_list_p95_ms": _p95(incidents), "record_events": stored.events}
    return Measured(keys, more)


async def took(answer: Awaitable[object]) -> float:
    """In milliseconds."""
    began = time.perf_counter()
    await answer
    return (time.perf_counter() - began) * 1000


async def _list(
    reading: Reading, stored: Filled, wanted: Mapping[str, Any], projects: Sequence[str] | None
) -> None:
    found = await reading.runs(RunFilter(**wanted), projects)
    everything = projects is None and not wanted.keys() - {"page"}
    if not found.total or (everything and found.total != stored.incidents):
        raise RuntimeError(f"{found.total} runs are listed of {stored.incidents}: {wanted}, {projects}")


async def _timeline(reading: Reading, of: Mapping[str, Any]) -> None:
    found = await reading.run(of["run_id"], [of["project_id"]])
    if found is None or len(found.timeline) < LEAST:
        raise RuntimeError(f"run {of['run_id']} has no whole timeline")


async def _page(reading: Reading, of: Mapping[str, Any]) -> None:
    found = await reading.incident(of["incident_id"], [of["project_id"]])
    if found is None or not found.turns or not found.approvals:
        raise RuntimeError(f"incident {of['incident_id']} has no whole page")


async def _question(stored: Filled, name: str, scale: Scale) -> float:
    """The slowest answer; the first is counted too: people ask once."""
    return max([await took(query(stored.client, name)) for _ in range(scale.rounds)])


def _p95(values: Sequence[float]) -> float:
    return quantiles(values, n=20, method="inclusive")[18]
