"""A record of millions of events, and how long its questions take: no test, but what numbers are from.

python -m tests.benchmarks.big_record DIR --runs 100000 --alerts 8000000

makes it in DIR, where there is none yet (some minutes), and asks: lists, timelines, questions that ship.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from schemas.catalog import event_classes
from schemas.golden import example_of
from sinks.clickhouse.client import connected
from sinks.clickhouse.migrate import migrate
from sinks.clickhouse.queries import NAMED
from sinks.clickhouse.rows import EventRow
from tests.sinks.clickhouse_peer import ClickHousePeer

KINDS = (
    "run.requested", "run.started", "evidence.collected", "tool.called", "tool.called", "tool.called",
    "rca.diagnosed", "rca.planned", "rca.reviewed", "rca.critiqued", "rca.decided", "preflight.checked",
    "decision.made", "approval.requested", "vote.counted", "approval.approved", "action.authorized",
    "execution.started", "execution.succeeded", "execution.verified", "run.finished",
)  # fmt: skip
"""of a run, a few seconds apart"""
AT_ONCE = 200_000
DAYS = 200
ASKS = 20
EVENTS = f"INSERT INTO events ({', '.join(EventRow._fields[:-1])}) SELECT"  # no traces
STARTED = (
    f"toDateTime64('2026-03-01 00:00:00', 3, 'UTC') + toIntervalSecond(intDiv(n * {DAYS * 86400}, {{of}}))"
)
INCIDENT = "concat('INC-', formatDateTime(began, '%Y%m%d'), '-', leftPad(hex(cityHash64({n})), 10, '0'))"
LISTS = {
    "list of runs": "SELECT * FROM v_runs WHERE project_id = 'shop' AND run_id IN (SELECT run_id FROM v_runs"
    " WHERE project_id = 'shop' AND state = 'succeeded' ORDER BY created_at DESC, run_id LIMIT 50)",
    "one run": "SELECT * FROM v_runs WHERE project_id = 'shop' AND run_id = '{run}'",
    "its timeline": "SELECT * FROM events FINAL WHERE project_id = 'shop' AND event_id IN"
    " (SELECT event_id FROM run_events WHERE project_id = 'shop' AND run_id = '{run}')",
    "approvals waiting": "SELECT * FROM v_approvals WHERE project_id = 'shop' AND approval_id IN"
    " (SELECT approval_id FROM v_approvals WHERE project_id = 'shop' AND state = 'WAITING'"
    " ORDER BY created_at LIMIT 50)",
}


def of_runs(runs: int, first: int, count: int) -> str:
    kinds = len(KINDS)
    payloads = ", ".join(f"'{_payload(kind)}'" for kind in KINDS)
    return f"""{EVENTS} if(n % 10 < 8, 'shop', 'bank'), reinterpretAsUUID(sipHash128(number, 'run')),
        {list(KINDS)}[k], 1, 's', '', {INCIDENT.format(n="n")} AS incident,
        toString(reinterpretAsUUID(sipHash128(n, 'id'))), at, at, [], 0, '', 'runs', 0, number,
        replaceAll([{payloads}][k], 'INC-20260301-0A1B2C3D4E', incident), hex(sipHash128(number))
    FROM (SELECT number, intDiv(number, {kinds}) AS n, number % {kinds} + 1 AS k,
                 {STARTED.format(of=runs)} AS began, began + toIntervalSecond(k * 3) AS at
          FROM numbers({first}, {count}))"""


def of_alerts(alerts: int, first: int, count: int) -> str:
    """Of forty alerts one incident: half of these rows are alerts, half are hits."""
    alert, hit = _payload("alert.normalized"), _payload("incident.hit")
    return f"""{EVENTS} if(n % 10 < 8, 'shop', 'bank'), reinterpretAsUUID(sipHash128(n, 'alert')),
        if(n % 2 = 0, 'alert.normalized', 'incident.hit'), 1, 's', '',
        if(n % 2 = 0, '', {INCIDENT.format(n="intDiv(n, 40)")}), '', began, began, [], 0, '', 'alerts', 0, n,
        if(n % 2 = 0, '{alert}', '{hit}'), hex(sipHash128(n))
    FROM (SELECT number AS n, {STARTED.format(of=alerts)} AS began FROM numbers({first}, {count}))"""


def _payload(kind: str) -> str:
    """The contract's own example, as it stands in SQL."""
    import orjson

    payload = orjson.loads(example_of(event_classes()[kind]).read_bytes())["payload"]
    return orjson.dumps(payload).decode().replace("\\", "\\\\").replace("'", "\\'")


def statements(runs: int, alerts: int) -> Iterator[str]:
    for make, of, rows in ((of_runs, runs, runs * len(KINDS)), (of_alerts, alerts, alerts)):
        for first in range(0, rows, AT_ONCE):
            yield make(of, first, min(AT_ONCE, rows - first))


def fill(peer: ClickHousePeer, runs: int, alerts: int) -> None:
    async def tables() -> None:
        async with connected(peer.config()) as client:
            await migrate(client)

    asyncio.run(tables())
    for statement in statements(runs, alerts):
        peer.run(statement)


def questions(peer: ClickHousePeer) -> Mapping[str, str]:
    ((run,),) = peer.ask("SELECT run_id FROM runs WHERE project_id = 'shop' LIMIT 1")
    named = {name: one.sql.replace("{project:String}", "''") for name, one in NAMED.items()}
    return {**{name: sql.format(run=run) for name, sql in LISTS.items()}, **named}


def main() -> None:
    options = argparse.ArgumentParser(prog="python -m tests.benchmarks.big_record")
    options.add_argument("folder", type=Path)
    options.add_argument("--runs", type=int, default=100_000)
    options.add_argument("--alerts", type=int, default=8_000_000)
    given = options.parse_args()
    known = given.folder.exists()
    given.folder.mkdir(parents=True, exist_ok=True)
    with ClickHousePeer.running(given.folder / "data") as peer:
        if not known:
            fill(peer, given.runs, given.alerts)
        for name, sql in questions(peer).items():
            took = sorted(_timed(peer, sql) for _ in range(ASKS))
            print(f"{name:20} median {statistics.median(took):6.0f} ms   p95 {took[-2]:6.0f} ms")  # noqa: T201


def _timed(peer: ClickHousePeer, sql: str) -> float:
    began = time.perf_counter()
    peer.run(sql)
    return (time.perf_counter() - began) * 1000


if __name__ == "__main__":
    main()
