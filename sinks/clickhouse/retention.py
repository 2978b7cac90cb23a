"""How long rows live, table by table: what is set differs from what is there, or nothing is done."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field, field_validator

from sinks.clickhouse.tables import times_to_live

if TYPE_CHECKING:  # the driver is slow to load, and settings are read everywhere
    from sinks.clickhouse.client import Client

DAYS = 400
MOST_DAYS = 36_500
_DAYS = re.compile(r"TTL toDateTime\(\w+\) \+ toIntervalDay\((\d+)\)")


class RetentionConfig(BaseModel):
    """In whole days; 0 keeps a table's rows for good."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    days: int = Field(DAYS, ge=0, le=MOST_DAYS, description="that rows of the record live; 0: for good")
    by_table: dict[str, int] = Field(
        default_factory=dict, description="table=days, where it differs: alerts=90,tool_calls=30"
    )

    @field_validator("by_table")
    @classmethod
    def _known_tables(cls, chosen: dict[str, int]) -> dict[str, int]:
        known = times_to_live()
        for table, days in chosen.items():
            if table not in known:
                raise ValueError(f"{table!r} is no table with a time to live; there are: {', '.join(known)}")
            if not 0 <= days <= MOST_DAYS:
                raise ValueError(f"{table}: {days} is not between 0 and {MOST_DAYS} days")
        return chosen

    def of(self, table: str) -> int:
        return self.by_table.get(table, self.days)


@dataclass(frozen=True, slots=True)
class Lifetime:
    """Of one table's rows, in days; 0 is for good."""

    table: str
    days: int
    before: int


async def apply(client: Client, config: RetentionConfig) -> Sequence[Lifetime]:
    """What has changed. Rows whose time is over now go with the next merges."""
    columns = times_to_live()
    changed = [one for one in await lifetimes(client, config) if one.days != one.before]
    for one in changed:
        time = f"MODIFY TTL toDateTime({columns[one.table]}) + INTERVAL {one.days} DAY"
        await client.command(f"ALTER TABLE `{one.table}` {time if one.days else 'REMOVE TTL'}")
    return changed


async def lifetimes(client: Client, config: RetentionConfig) -> Sequence[Lifetime]:
    """Every table as it is, beside what is set."""
    there = await _there(client)
    return [Lifetime(table, config.of(table), there[table]) for table in times_to_live() if table in there]


async def _there(client: Client) -> Mapping[str, int]:
    rows = await client.ask(
        "SELECT name, engine_full FROM system.tables WHERE database = {database:String}",
        {"database": client.config.database},
    )
    found = {row["name"]: _DAYS.search(row["engine_full"]) for row in rows}
    return {name: int(days[1]) if days else 0 for name, days in found.items()}
