"""The events of one run or incident, in their order: what its page is made of.

Repeats and calls of tools are left out: there may be thousands of the first, and the second have a table of
their own.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

import orjson

Row: TypeAlias = Mapping[str, Any]
Ask: TypeAlias = Callable[[str, Mapping[str, Any]], Awaitable[Sequence[Row]]]
"""as sinks.clickhouse.client.Client.ask"""
MOST_EVENTS = 2_000
"""the latest: an incident that was reopened for a year still has a page"""
WITHOUT = ("incident.hit", "tool.called", "run.requested", "rca.late")

# The first with an id wins, said by its version: FINAL would read the payloads of all around them too.
# The column is named with its table: the bare name is the text that is selected, and that is in no index.
_STORY = """
SELECT toString(event_id) AS event_id, type, stage, actor, incident_id, run_id, recorded_at,
       arrayMap(cause -> toString(cause), causes) AS causes, topic, kafka_offset, payload, trace_id
FROM events
WHERE project_id = {{project:String}} AND events.event_id IN
(
    SELECT event_id FROM {index}
    WHERE project_id = {{project:String}} AND {key} AND type NOT IN {{without:Array(String)}}
    ORDER BY recorded_at DESC LIMIT {most}
)
ORDER BY version DESC LIMIT 1 BY event_id
"""
OF_INCIDENT = _STORY.format(index="incident_events", key="incident_id = {incident:String}", most=MOST_EVENTS)
OF_RUN = _STORY.format(index="run_events", key="run_id = {run:String}", most=MOST_EVENTS)


@dataclass(frozen=True, slots=True)
class Told:
    """One event of the story."""

    event_id: str
    type: str
    stage: str
    actor: str
    incident_id: str
    run_id: str
    at: datetime
    causes: tuple[str, ...]
    payload: Mapping[str, Any]
    trace_id: str = ""

    def says(self, *path: str) -> str:
        """A text somewhere in its payload; empty where there is none."""
        found: Any = self.payload
        for name in path:
            found = found.get(name) if isinstance(found, Mapping) else None
        return found if isinstance(found, str) else ""

    def many(self, *path: str) -> Sequence[Any]:
        """A list somewhere in its payload; empty where there is none."""
        found: Any = self.payload
        for name in path:
            found = found.get(name) if isinstance(found, Mapping) else None
        return found if isinstance(found, list) else ()


async def of_incident(ask: Ask, project: str, incident: str) -> list[Told]:
    return _read(await ask(OF_INCIDENT, {"project": project, "incident": incident, "without": [*WITHOUT]}))


async def of_run(ask: Ask, project: str, run: str) -> list[Told]:
    return _read(await ask(OF_RUN, {"project": project, "run": run, "without": [*WITHOUT]}))


def _read(rows: Sequence[Row]) -> list[Told]:
    return [
        Told(
            row["event_id"],
            row["type"],
            row["stage"],
            row["actor"],
            row["incident_id"],
            row["run_id"],
            row["recorded_at"],
            tuple(row["causes"]),
            orjson.loads(row["payload"]),
            row["trace_id"],
        )
        for row in sorted(rows, key=lambda row: (row["recorded_at"], row["topic"], row["kafka_offset"]))
    ]
