"""`awoooi erase`: a project's rows, deleted from the record up to a moment, with a tombstone that stays."""

from __future__ import annotations

import asyncio
import re
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from awoooi.logs import quiet
from awoooi.printing import print_table
from awoooi.reference_data import now, person, publish
from awoooi.settings import Settings
from connectors.tokens import PROJECT_PATTERN
from schemas import ids
from schemas.audit import Erasure, ProjectErased, erasure_subject
from schemas.envelope import to_milliseconds
from schemas.errors import Misconfigured
from sinks.clickhouse import erase as rows_of
from sinks.clickhouse.client import Client, connected

SHORTEST_REASON = 3
LINKED_WITHIN_SECS = 30.0
LINKED = "SELECT count() AS n FROM audit_chain WHERE event_id = {id:UUID}"
LONGEST_SECS = 3600.0
"""A deletion writes the rest of each part anew."""


@dataclass(frozen=True, slots=True)
class Asked:
    project: str
    before: str
    reason: str
    yes: bool = False
    dry_run: bool = False


def erase(settings: Settings, asked: Asked) -> None:
    """Count, ask, say so in the log, delete: in this order."""
    scope = scope_of(asked, now())
    quiet()
    counted = asyncio.run(_count(settings, scope))
    print_table(("table", "rows"), [(table, str(n)) for table, n in counted.items() if n])
    what = (
        f"{sum(counted.values())} rows of {scope.project}, recorded up to {scope.before:%Y-%m-%dT%H:%M:%SZ}"
    )
    if asked.dry_run:
        print(f"{what}: nothing was deleted.")
        return
    if not asked.yes:
        _confirm(scope.project)
    asyncio.run(_erase(settings, scope, counted, asked.reason))
    print(f"{what}: deleted. The log itself keeps its records until its own retention is over.")


def scope_of(asked: Asked, at: datetime) -> rows_of.Scope:
    """Misconfigured names what is wrong with it."""
    if not re.fullmatch(PROJECT_PATTERN, asked.project):
        raise Misconfigured(f"{asked.project!r} is no project name (small letters, digits, . _ -)")
    if len(asked.reason.strip()) < SHORTEST_REASON:
        raise Misconfigured("an erasure needs a --reason: it stays in the record")
    try:
        before = datetime.fromisoformat(asked.before)
    except ValueError:
        raise Misconfigured(
            f"--before {asked.before!r} is no time; write 2026-03-01 or 2026-03-01T10:00:00Z"
        ) from None
    before = to_milliseconds(before if before.tzinfo else before.replace(tzinfo=UTC))
    if before > at:
        raise Misconfigured(
            f"--before {asked.before} is yet to come: what is still recorded could not be told"
        )
    return rows_of.Scope(asked.project, before)


def tombstone(scope: rows_of.Scope, rows: int, reason: str, actor: str, at: datetime) -> ProjectErased:
    return ProjectErased(
        event_id=ids.derive_id("project.erased", scope.project, scope.before.isoformat()),
        project_id=scope.project,
        occurred_at=at,
        recorded_at=at,
        stage="cli",
        actor=actor,
        payload=Erasure(
            subject=erasure_subject(scope.project),
            project=scope.project,
            before=scope.before,
            rows=rows,
            reason=reason,
        ),
    )


async def _count(settings: Settings, scope: rows_of.Scope) -> Mapping[str, int]:
    async with connected(settings.clickhouse.eraser()) as client:
        return await rows_of.count(client, scope)


async def _erase(settings: Settings, scope: rows_of.Scope, counted: Mapping[str, int], reason: str) -> None:
    patient = settings.clickhouse.eraser().model_copy(update={"request_timeout_secs": LONGEST_SECS})
    async with connected(patient) as client:
        said = tombstone(scope, counted["events"], reason, person(), now())
        await publish(settings, said)
        await _until_linked(client, said.event_id)
        await rows_of.erase(client, scope)


async def _until_linked(client: Client, event_id: str) -> None:
    """Only what is linked excuses rows that are gone: see docs/audit.md."""
    deadline = time.monotonic() + LINKED_WITHIN_SECS
    while not (await client.ask(LINKED, {"id": event_id}))[0]["n"]:
        if time.monotonic() > deadline:
            raise Misconfigured(
                f"the sink has not stored the tombstone within {LINKED_WITHIN_SECS:.0f} s, so nothing was "
                "deleted; start `awoooi sink` and ask again"
            )
        await asyncio.sleep(0.1)


def _confirm(project: str) -> None:
    if not sys.stdin.isatty():
        raise Misconfigured("nobody is there to ask: give --yes, or --dry-run to only count")
    if (
        input(f"These rows cannot be had again. Write the project's name to delete them ({project}): ")
        != project
    ):
        raise Misconfigured("that is another name; nothing was deleted")
