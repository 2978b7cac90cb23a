"""A project's rows, deleted up to a moment: everywhere but where it is told that they were deleted.

The event `project.erased` comes first, so that an audit which finds rows gone finds the reason too; a
deletion that was cut short is begun again. What stays: the chain of hashes, which holds nothing of the events
but their ids and times, and what was said of projects, switches, policies and playbooks.
"""

# ruff: noqa: S608 (names of our own; the project's name is checked, and the time is a number)

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sinks.clickhouse.client import Client
from sinks.clickhouse.tables import tables_of_projects

KEPT = frozenset({"audit_chain", "switches", "policies", "playbooks", "projects"})
REPEATED_WITHIN = timedelta(days=30)
"""no repeat of an event comes later than the log keeps it"""


@dataclass(frozen=True, slots=True)
class Scope:
    """`project` has the form of a project's name, which is checked where it comes in."""

    project: str
    before: datetime

    def covers(self, repeats: Sequence[str] = (), has_ids: bool = True) -> str:
        """As a condition; `repeats` are events whose first copy is covered and a later one is not."""
        millis = round(self.before.astimezone(UTC).timestamp() * 1000)
        old = f"recorded_at <= fromUnixTimestamp64Milli({millis})"
        if repeats and has_ids:
            old = f"({old} OR event_id IN ({', '.join(map(repr, repeats))}))"
        return f"project_id = '{self.project}' AND {old}"


def erased_tables() -> tuple[str, ...]:
    """`events` is the last, since the others follow from it."""
    return (*(name for name in tables_of_projects() if name not in {"events", *KEPT}), "events")


async def count(client: Client, scope: Scope) -> Mapping[str, int]:
    """How many rows would go, by table."""
    found = {}
    for table in erased_tables():
        (row,) = await client.ask(f"SELECT count() AS n FROM {table} WHERE {_condition(table, scope)}")
        found[table] = row["n"]
    return found


async def erase(client: Client, scope: Scope) -> None:
    """Every row that the scope covers is gone when this returns, also where it was stored twice."""
    repeats = await _repeats(client, scope)
    for table in erased_tables():
        condition = _condition(table, scope, repeats)
        await client.command(f"ALTER TABLE {table} DELETE WHERE {condition} SETTINGS mutations_sync = 2")


def _condition(table: str, scope: Scope, repeats: Sequence[str] = ()) -> str:
    """Of `events`, those stay that tell of the project itself, earlier erasures among them."""
    covered = scope.covers(repeats, has_ids=table != "set_aside")
    return f"{covered} AND NOT startsWith(type, 'project.')" if table == "events" else covered


async def _repeats(client: Client, scope: Scope) -> Sequence[str]:
    """A second copy of an event, recorded later, would take the place of the first once that is gone."""
    rows = await client.ask(
        """
        SELECT toString(event_id) AS id FROM events
        WHERE project_id = {project:String}
          AND recorded_at BETWEEN {first:DateTime64(3)} AND {last:DateTime64(3)}
        GROUP BY event_id
        HAVING min(recorded_at) <= {before:DateTime64(3)} AND max(recorded_at) > {before:DateTime64(3)}
        """,
        {
            "project": scope.project,
            "before": scope.before,
            "first": scope.before - REPEATED_WITHIN,
            "last": scope.before + REPEATED_WITHIN,
        },
    )
    return [row["id"] for row in rows]
