"""`awoooi projects`: what they are called and may cost. Whether one only watches, its switch says."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from awoooi.events import codec_of
from awoooi.logs import quiet
from awoooi.printing import print_json, print_table
from awoooi.record import ask
from awoooi.reference_data import STAGE, now, person, publish, reading
from awoooi.settings import Settings
from connectors.tokens import PROJECT_PATTERN
from schemas import ids
from schemas.errors import Misconfigured, Unreadable
from schemas.project import ProjectSet, ProjectTerms, terms

TOPIC = "projects"
_LIST = """
SELECT project_id, display_name, mode, usd_limit, active, toString(created_at) AS created_at
FROM v_projects ORDER BY project_id
"""


@dataclass(frozen=True, slots=True)
class Change:
    """What is none stays as it was."""

    display_name: str | None = None
    usd_limit: float | None = None
    active: bool | None = None

    def of(self, before: ProjectTerms) -> ProjectTerms:
        said = {"display_name": self.display_name, "usd_limit": self.usd_limit, "active": self.active}
        return before.model_copy(update={name: value for name, value in said.items() if value is not None})


def set_project(settings: Settings, project: str, change: Change) -> None:
    if not re.fullmatch(PROJECT_PATTERN, project):
        raise Misconfigured(f"{project!r} is no project name (small letters, digits, . _ -)")
    quiet()
    chosen = change.of(asyncio.run(_before(settings, project)))
    asyncio.run(publish(settings, project_set(chosen, person(), now())))
    limit = f"{chosen.usd_limit:g} USD a day" if chosen.usd_limit else "no limit"
    state = "active" if chosen.active else "inactive"
    print(f"{project} is {chosen.display_name or project}: {limit}, {state}.")


def show(settings: Settings, *, as_json: bool) -> None:
    rows = ask(settings, _LIST)
    if as_json:
        print_json([dict(row) for row in rows])
        return
    columns = ("project_id", "display_name", "mode", "usd_limit", "active", "created_at")
    print_table(columns, [tuple(_cell(row[column]) for column in columns) for row in rows])


def project_set(chosen: ProjectTerms, actor: str, at: datetime) -> ProjectSet:
    said = (chosen.display_name, f"{chosen.usd_limit:g}", str(chosen.active))
    return ProjectSet(
        event_id=ids.derive_id("project.set", chosen.name, at.isoformat(), *said),
        project_id=chosen.name,
        occurred_at=at,
        recorded_at=at,
        stage=STAGE,
        actor=actor,
        payload=chosen,
    )


async def _before(settings: Settings, project: str) -> ProjectTerms:
    """The latest word on it in the log."""
    async with codec_of(settings) as (codec, _), reading(settings, TOPIC) as reference:
        value = reference.values(TOPIC).get(f"project/{project}".encode())
        try:
            event = codec.decode(value) if value else None
        except Unreadable:
            event = None
    return event.payload if isinstance(event, ProjectSet) else terms(project)


def _cell(value: Any) -> str:
    return {True: "yes", False: "no"}.get(value, str(value)) if isinstance(value, bool) else str(value)
