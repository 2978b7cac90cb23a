"""`awoooi topics apply` and `awoooi clickhouse migrate`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from awoooi.logs import set_up
from awoooi.processes import group_of, reference_copy
from awoooi.running import chosen_sources
from awoooi.settings import Settings
from schemas.catalog import RAW_PREFIX, TOPICS, Topic, raw_topic


def all_topics(settings: Settings) -> Sequence[Topic]:
    """The catalogue's, a raw topic for each source, and those behind the stages' rows."""
    from streams.pipeline import WORKERS, changelogs, raw_topics

    raw = [name.removeprefix(RAW_PREFIX) for name in raw_topics(chosen_sources(settings))]
    return [
        *TOPICS,
        *(raw_topic(name, settings.raw_retention) for name in raw),
        *(topic for kind in WORKERS for topic in changelogs(group_of(kind), kind)),
    ]


def apply(settings: Settings) -> int:
    """Exit status: 1 where a topic is not usable as it is."""
    from connectors.kafka.admin import apply_topics

    set_up(settings.log, "topics apply")
    report = asyncio.run(
        apply_topics(
            settings.kafka, all_topics(settings), settings.partitions, replication=settings.replication
        )
    )
    if settings.embedded:
        asyncio.run(_give_back(settings))
    for name in report.created:
        print(f"made     {name}")
    for difference in report.differences:
        print(f"differs  {difference}")
    for name, why in report.refused.items():
        print(f"refused  {name}: {why}")
    print(f"{len(report.created)} topics made, {len(report.present)} were there.")
    wrong = [difference for difference in report.differences if difference.what == "partitions"]
    if wrong:
        print("The number of partitions is fixed for life: set AWOOOI_PARTITIONS to what is there.")
    return 1 if report.refused or wrong else 0


async def _give_back(settings: Settings) -> None:
    """Reference data that the embedded broker forgot, from the copy that the worker keeps."""
    copy = reference_copy(settings)
    if not copy.exists():
        return
    from connectors.kafka.producer import publishing
    from streams.reference import restore

    async with publishing(settings.kafka) as publisher:
        count = await restore(copy, publisher)
    if count:
        print(f"{count} values of reference data given back to the broker.")


def migrate(settings: Settings) -> None:
    """The schema, and how long rows live."""
    from sinks.clickhouse import migrate as schema
    from sinks.clickhouse import retention

    set_up(settings.log, "clickhouse migrate")

    async def run() -> tuple[list[schema.Applied], Sequence[retention.Lifetime]]:
        from sinks.clickhouse.client import connected

        async with connected(settings.clickhouse.writer()) as client:
            return await schema.migrate(client), await retention.apply(client, settings.retention)

    applied, changed = asyncio.run(run())
    for migration in applied:
        print(f"applied  {migration.number:04}_{migration.name}")
    for one in changed:
        print(f"keeps    {one.table} {_for(one.days)}, before {_for(one.before)}")
    print(f"{len(applied)} migrations applied; the database is up to date.")


def show_retention(settings: Settings, *, as_json: bool) -> None:
    """As it is, and as it is set where that differs: `awoooi clickhouse migrate` puts it in force."""
    from awoooi.logs import quiet
    from awoooi.printing import print_json, print_table
    from sinks.clickhouse.client import connected
    from sinks.clickhouse.retention import Lifetime, lifetimes

    quiet()

    async def ask() -> Sequence[Lifetime]:
        async with connected(settings.clickhouse.reader()) as client:
            return await lifetimes(client, settings.retention)

    found = asyncio.run(ask())
    if as_json:
        print_json([{"table": one.table, "days": one.before, "set": one.days} for one in found])
        return
    rows = [(one.table, _for(one.before), _for(one.days) if one.days != one.before else "") for one in found]
    print_table(("table", "keeps rows", "set, not in force yet"), rows)


def _for(days: int) -> str:
    return f"{days} days" if days else "for good"
