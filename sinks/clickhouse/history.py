"""What the record knows of an alert: how often, when last, and what ended incidents like it.

Asked as the reader, with a time-out of its own: ClickHouse may be away, and a run goes on without it.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

import orjson

from connectors.evidence import Finding, Unavailable, Wanted
from schemas.envelope import to_millis
from schemas.errors import Never, NotNow
from schemas.evidence import Source
from sinks.clickhouse.client import Client
from sinks.clickhouse.config import ClickHouseConfig
from sinks.clickhouse.past import Past, Row, Similar, open_targets, read_past
from sinks.clickhouse.together import Together

MOST_TYPES = 8
UNDONE, DONE_YET = "execution.undone", "execution.succeeded"
CAME_OUT = {UNDONE: "taken back", DONE_YET: "done", "execution.relapsed": "came back"}
NO_ENDS = ("execution.claimed", "execution.started", "execution.settled")
ENDED = {"incident.resolved": "RESOLVED", "incident.expired": "EXPIRED"}


class History:
    """One client, made when it is first needed: it finds the server again by itself.

    Runs that begin beside each other are asked about together, project by project.
    """

    source = Source.HISTORY
    tool = "clickhouse.history"
    server = "clickhouse"

    def __init__(self, config: ClickHouseConfig, timeout_secs: float = 6.0) -> None:
        self.timeout_secs = timeout_secs
        self._config = config
        self._client: Client | None = None
        self._connecting = asyncio.Lock()
        self._of_project: dict[str, Together[Wanted, Past]] = {}

    async def gather(self, wanted: Wanted) -> Sequence[Finding]:
        together = self._of_project.get(wanted.project_id)
        if together is None:
            together = self._of_project[wanted.project_id] = Together(self._read, self.timeout_secs)
        past = await together(wanted)
        before = [
            _past_incident(row, past.done.get(row["incident_id"], ()), wanted) for row in past.incidents
        ]
        quiet = [_inhibited(past.quiet, wanted)] if past.quiet else []
        return [*_recurrence(past.similar, past.incidents, wanted), *quiet, *before]

    async def open_targets(self, project_id: str, now: int) -> list[tuple[str, str, str]]:
        """(namespace, name, severity) of what has an open incident; Unavailable as ever."""
        with _unavailable():
            return await open_targets(await self._connected(), project_id, now)

    async def _read(self, asked: Sequence[Wanted]) -> Sequence[Past]:
        with _unavailable():
            return await read_past(await self._connected(), asked)

    async def close(self) -> None:
        for together in self._of_project.values():
            await together.close()
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def _connected(self) -> Client:
        async with self._connecting:
            if self._client is None:
                self._client = await Client.connect(self._config)
            return self._client


@contextmanager
def _unavailable() -> Iterator[None]:
    try:
        yield
    except (NotNow, Never) as error:
        raise Unavailable(str(error)) from error


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _recurrence(similar: Similar, incidents: Sequence[Row], wanted: Wanted) -> Iterator[Finding]:
    last = incidents[0] if incidents else None
    known = (
        "it has no earlier incident" if last is None else f"its last incident was at {_at(last['first_at'])}"
    )
    yield Finding(
        kind="recurrence",
        about=wanted.name,
        observed_at=wanted.now,
        text=f"this alert was received {_times(similar.same)} in the past 24 hours; {known}",
        numbers={"alerts_24h": similar.same, "earlier_incidents": len(incidents)},
        words={} if last is None else {"last_occurrence": _at(last["latest_at"] or last["first_at"])},
    )
    if similar.alike_at is not None:
        targets = similar.alike_targets
        yield Finding(
            kind="similar_alerts",
            about=wanted.alert_type,
            observed_at=to_millis(similar.alike_at),
            text=f"{wanted.alert_type} also fired {_times(similar.alike)} on {targets} "
            "other targets in the past 24 hours",
            numbers={"alerts_24h": similar.alike, "targets": targets},
        )
    if similar.beside_at is not None:
        types = ", ".join(sorted(similar.beside_types)[:MOST_TYPES])
        yield Finding(
            kind="other_alerts",
            about=wanted.name,
            observed_at=to_millis(similar.beside_at),
            text=f"{similar.beside} other alerts on the same target in the past 24 hours: {types}",
            numbers={"alerts_24h": similar.beside},
            words={"alert_types": types},
        )


def _inhibited(row: Row, wanted: Wanted) -> Finding:
    """No list of silences tells of it: its sender alone does."""
    return Finding(
        kind="inhibition",
        about=wanted.name,
        observed_at=to_millis(row["since"]),
        text=f"its sender keeps it from people since {_at(row['since'])}: {row['comment']}",
        words={"state": "active"},
    )


def _past_incident(row: Row, done: Sequence[Row], wanted: Wanted) -> Finding:
    status = ENDED.get(row["state"], "OPEN")
    minutes = _minutes(row["first_at"], row["ended_at"]) if status != "OPEN" else None
    executions = [found for one in done if (found := _execution(one))]
    decided = [one for one in done if one["type"] == "rca.decided"]
    words = {"incident": row["incident_id"], "status": status, "reason": row["why"]}
    if executions:
        words |= {"operation": executions[-1][0], "result": executions[-1][1]}
    if decided:
        words |= {"cause": decided[-1]["cause"], "recommended": decided[-1]["recommended"]}
    return Finding(
        kind="past_incident",
        about=wanted.name,
        observed_at=to_millis(row["first_at"]),
        text=_story(row, status, minutes, executions, decided),
        numbers={"alerts": row["alerts"], **({} if minutes is None else {"minutes_open": minutes})},
        words={name: word for name, word in words.items() if word},
    )


def _story(
    row: Row,
    status: str,
    minutes: float | None,
    executions: Sequence[tuple[str, str]],
    decided: Sequence[Row],
) -> str:
    lasted = "is still open" if minutes is None else f"ended as {status} after {minutes:.0f} min"
    parts = [f"{row['incident_id']} of {_at(row['first_at'])} {lasted}"]
    if row["why"]:
        parts.append(f"because {row['why']}")
    parts += [f"{operation} {result}" for operation, result in executions[-2:]]
    if decided and decided[-1]["cause"]:
        parts.append(f"its cause was thought to be: {decided[-1]['cause']}")
    if not executions:
        parts.append("no action of ours is on record")
    return "; ".join(parts)


def _execution(row: Row) -> tuple[str, str] | None:
    """What was done and how it came out. What was taken back did not succeed, whatever its undo came to."""
    kind = row["type"]
    if not row["execution"] or kind in NO_ENDS:
        return None
    payload = orjson.loads(row["execution"])
    operation = payload.get("action", {}).get("step", {}).get("operation")
    result = CAME_OUT.get(kind) or payload.get("result") or kind.partition(".")[2]
    if payload.get("undoes") and kind != UNDONE:
        if kind == DONE_YET:
            return None
        result = f"not taken back: {result}"
    return (operation, result.upper()) if operation else None


def _minutes(since: datetime | None, until: datetime | None) -> float | None:
    return None if since is None or until is None else max(0.0, (until - since).total_seconds() / 60)


def _at(moment: datetime | None) -> str:
    return "an unknown time" if moment is None else f"{moment:%Y-%m-%d %H:%M} UTC"


class OpenTargets:
    """What has an open incident now. It is read from all incidents, so runs that begin together share it."""

    tool = "clickhouse.open_incidents"
    server = "clickhouse"
    timeout_secs = 3.0

    def __init__(self, history: History, clock: Callable[[], float], keep_secs: float = 10.0) -> None:
        self._history, self._clock, self._keep = history, clock, keep_secs
        self._known: dict[str, tuple[float, Sequence[tuple[str, str, str]]]] = {}
        self._asking: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def open_targets(self, project_id: str, now: int) -> Sequence[tuple[str, str, str]]:
        async with self._asking[project_id]:
            known = self._known.get(project_id)
            if known is None or self._clock() - known[0] >= self._keep:
                known = (self._clock(), await self._history.open_targets(project_id, now))
                self._known[project_id] = known
            return known[1]
