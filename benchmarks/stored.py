"""A store with as many events as years of work leave behind, made inside it from the contract's examples.

Each incident has a whole story: alerts and their repeats, a run with its argument, an approval, an execution.
The examples go through the sink's own rows; the store then copies them under ids and times of their own, so
that all tables and indices behind `events` are filled as the sink fills them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from awoooi import defaults
from benchmarks.measured import Scale
from benchmarks.product import Product, answers_ok
from schemas.catalog import event_classes
from schemas.codec import Codec
from schemas.golden import example_of
from sinks.clickhouse.client import Client, connected
from sinks.clickhouse.config import ClickHouseConfig
from sinks.clickhouse.rows import row_of

PROJECTS = ("shop", "pay", "search", "mail")
REPEATED = {"alert.normalized": 176, "incident.hit": 175, "tool.called": 8}
JUDGED = ("incident.cause_judged", "learning.cause_judged")
"""people take the trouble for one incident in ten"""
BEFORE = (
    "incident.opened", "incident.moved", "incident.severity_raised", "run.requested", "run.started",
    "evidence.collected", "rca.diagnosed", "rca.planned", "rca.reviewed", "rca.critiqued", "rca.decided",
    "preflight.checked", "approval.requested", "incident.acknowledged", "incident.assigned",
    "incident.commented", "run.spent", "learning.debate_ended", "notification.queued", "notification.sent",
    "channel.sent",
)  # fmt: skip
AFTER = (
    "vote.verified", "vote.counted", "approval.approved", "decision.made", "action.authorized",
    "execution.claimed", "execution.started", "execution.succeeded", "execution.verified", "run.finished",
    "incident.resolved", *JUDGED, "trust.observed",
)  # fmt: skip
"""one in OPEN waits for signatures: for it none of these has come"""
OPEN = 40
AN_INCIDENT = sum(REPEATED.values()) + len(BEFORE) + len(AFTER)
DAYS, LATER_SECS = 90, 200
AT_ONCE = 512
"""incidents to a statement"""
TYPES = ("KubePodCrashLooping", "HighCPU", "HighErrorRate", "DiskAlmostFull", "SlowQueries", "QueueGrows")

_TEMPLATE_COLUMNS = (
    "kind", "schema_version", "stage", "actor", "of_incident", "of_run", "after_millis", "topic", "payload",
    "hash", "copies", "comes_after", "judges",
)  # fmt: skip
_TEMPLATE = """
CREATE TABLE story
(
    kind LowCardinality(String), schema_version UInt16, stage String, actor String, of_incident Bool,
    of_run Bool, after_millis Int64, topic String, payload String, hash String, copies UInt32,
    comes_after Bool, judges Bool
)
ENGINE = MergeTree ORDER BY kind
"""
_COPY = r"""
INSERT INTO events
    (project_id, event_id, type, schema_version, stage, actor, incident_id, run_id, occurred_at, recorded_at,
     causes, has_sealed, log_epoch, topic, kafka_partition, kafka_offset, payload, hash)
WITH sipHash128(n) AS salt_bytes,
     hex(salt_bytes) AS salt,
     lower(salt) AS low,
     toIntervalSecond(30 * 3600 + intDiv(n * {seconds:UInt64}, {incidents:UInt64})) AS ago,
     toStartOfHour(now64(3, 'UTC') - ago) AS began,
     concat(formatDateTime(began, '%Y%m%d'), '-', substring(salt, 1, 10)) AS code,
     replaceRegexpAll(
         replaceAll(replaceAll(replaceAll(replaceAll(replaceAll(
             payload,
             '20260301-0A1B2C3D4E', code),
             '8c5f1a0b6c9d2e37', substring(low, 1, 16)),
             '5d0c6a7e8f901b2c3d4e5f60718293a4', low),
             'KubePodCrashLooping', {types:Array(String)}[n % length({types:Array(String)}) + 1]),
             '2026-03-01T10:', formatDateTime(began + toIntervalHour(1), '%Y-%m-%dT%H:')),
         '([0-9a-f]{8})-[0-9a-f]{4}-([0-9a-f]{4}-[0-9a-f]{4})-[0-9a-f]{10}([0-9a-f]{2})',
         concat('\\1-', substring(low, 1, 4), '-\\2-', substring(low, 5, 10), '\\3')) AS told
SELECT {projects:Array(String)}[n % length({projects:Array(String)}) + 1],
       reinterpretAsUUID(sipHash128(kind, n, copy)), kind, schema_version, stage, actor,
       if(of_incident, concat('INC-', code), ''),
       if(of_run, concat('1a2b3c4d-', substring(low, 1, 4), '-5000-8000-', substring(low, 5, 10), '01'), ''),
       toDateTime64(began, 3, 'UTC') + toIntervalMillisecond(after_millis + 1000 * copy) AS at, at,
       [reinterpretAsUUID(sipHash128('cause', n, copy))], false, '', topic, n % 12,
       n * {each:UInt64} + copy,
       replaceOne(told, '"hit_count":51', concat('"hit_count":', toString(copy + 1))), hash
FROM (SELECT number AS n FROM numbers({first:UInt64}, {many:UInt64})) AS made
CROSS JOIN story
ARRAY JOIN range(copies) AS copy
WHERE (NOT comes_after OR n % {open:UInt64} != 0) AND (NOT judges OR n % 10 = 1)
"""


@dataclass(frozen=True)
class Filled:
    """As those see it who read."""

    client: Client
    events: int
    incidents: int
    product: Product | None = None
    """whose store it is"""


@asynccontextmanager
async def filled(scale: Scale, events: int) -> AsyncIterator[Filled]:
    product = Product(scale.folder / "stored")
    product.run("init")
    url = f"http://127.0.0.1:{product.ports['STORE_PORT']}"
    with product.running("store") as store:
        store.wait_until_ready(lambda: answers_ok(f"{url}/ping"), 30, what="the store answers")
        product.run("clickhouse", "migrate")
        incidents = -(-events // AN_INCIDENT)
        async with connected(_login(product, url, "writer", defaults.WRITER_PASSWORD)) as writer:
            await fill(writer, incidents)
        async with connected(_login(product, url, "reader", defaults.READER_PASSWORD)) as reader:
            (count,) = await reader.ask("SELECT count() AS events FROM events")
            yield Filled(reader, count["events"], incidents, product)


def _login(product: Product, url: str, user: str, file: str) -> ClickHouseConfig:
    password = (product.state / file).read_text().strip()
    return ClickHouseConfig(url=url, user=user, password=password, request_timeout_secs=120)


async def fill(writer: Client, incidents: int) -> None:
    await writer.command(_TEMPLATE)
    await writer.insert("story", _template(), _TEMPLATE_COLUMNS)
    asked = {
        "projects": [*PROJECTS],
        "types": [*TYPES],
        "open": OPEN,
        "each": AN_INCIDENT,
        "incidents": incidents,
        "seconds": DAYS * 86_400,
    }
    for first in range(0, incidents, AT_ONCE):
        await writer.command(_COPY, {**asked, "first": first, "many": min(AT_ONCE, incidents - first)})
    await writer.command("DROP TABLE story")


def _template() -> Sequence[Sequence[object]]:
    """The examples as the sink would store them, in the order in which they happen."""
    codec, classes = Codec(), event_classes()
    kinds = [(0, kind) for kind in REPEATED] + [(LATER_SECS, kind) for kind in (*BEFORE, *AFTER)]
    found = []
    for number, (later, kind) in enumerate(kinds):
        row = row_of(codec, "", kind, 0, 0, example_of(classes[kind]).read_bytes())
        of_run = bool(row.run_id) or kind == "vote.verified"
        after_millis = 1000 * (number + later)
        facts = (row.schema_version, row.stage, row.actor, bool(row.incident_id), of_run, after_millis)
        content = (row.topic, row.payload.decode(), row.hash, REPEATED.get(kind, 1))
        found.append((kind, *facts, *content, kind in AFTER, kind in JUDGED))
    return found
