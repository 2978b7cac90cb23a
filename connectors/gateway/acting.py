"""One act, from what a person asked to the event that lies in the log.

The record says whose incident it is and how it stands. In doubt nothing is written: where the record is
away, nobody can say whether this person may.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import structlog

from connectors.gateway.act_desk import INCIDENT_ID, LIKE, Cleaned, Desk, Known, Receipt, written
from connectors.gateway.act_kinds import ACTS, CLOSED, Act, Body, Judge
from connectors.gateway.once import Asked, Once
from connectors.gateway.problems import Refused, come_again
from connectors.gateway.reader_door import Caller
from connectors.gateway.webhooks import Publish
from schemas import ids
from schemas.envelope import Event, from_millis
from schemas.errors import Misconfigured, Never, NotNow

log = structlog.get_logger(__name__)

STAGE = "gateway"
YOUNG_SECS, LOOK_EVERY_SECS, WAITERS = 3.0, 0.25, 50
"""an incident that was just opened is on its way into the record: it is waited for, by so many at once"""
_MISCONFIGURED_RETRY_SECS = 30
_RECORD_AWAY = "the record is away: whose incident this is cannot be told, and nothing was written"
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Wish:
    """Who wants what done to which incident."""

    caller: Caller
    act: Act
    body: Body
    incident_id: str
    key: str
    traceparent: bytes


@dataclass(frozen=True, slots=True)
class Done:
    event_id: str
    lies: Receipt
    redacted: tuple[str, ...] = ()
    """families of hostile text that were taken out of the person's words"""


class Acting:
    def __init__(
        self, desk: Desk, publish: Publish, retry_after_secs: int, now_ms: Callable[[], int]
    ) -> None:
        self._desk, self._publish, self._now_ms = desk, publish, now_ms
        self._retry_after_secs = retry_after_secs
        self._once = Once(now_ms)
        self._waiters = 0

    async def do(self, wish: Wish) -> Done:
        """What was done before lies where it lay, also when the incident was closed by it."""
        known = await self._found(wish.incident_id, wish.caller)
        kind, body = wish.act.event.type_name(), wish.body.model_dump_json()
        event_id = self._once.event_id(Asked(kind, known.incident_id, wish.caller.person, body, wish.key))
        lies = self._once.receipt(event_id)
        if lies is None and wish.key:
            lies = await self._of_record(self._desk.written(known, event_id))
        if lies is not None:
            return Done(event_id, lies)
        words = self._clean(wish)
        event = await self._event(wish, words, known, event_id)
        lies = await self._write(event, wish.traceparent)
        self._once.keep(event_id, lies)
        return Done(event_id, lies, words.patterns)

    # -- the event

    def _clean(self, wish: Wish) -> Cleaned:
        said = {name: getattr(wish.body, name) for name in wish.body.texts}
        return self._desk.clean(said, for_models=wish.act.for_models)

    async def _event(self, wish: Wish, words: Cleaned, known: Known, event_id: str) -> Event:
        if known.status in CLOSED and not wish.act.closed_too:
            still = " and ".join(act.name for act in ACTS.values() if act.closed_too)
            raise Refused(409, "closed", f"{known.incident_id} is {known.status}; what remains is {still}")
        run_id, causes = "", tuple[str, ...]()
        if isinstance(wish.body, Judge):
            run_id, causes = await self._judged(wish.body, known)
        now = from_millis(self._now_ms())
        return wish.act.event(
            type=wish.act.event.type_name(),
            event_id=event_id,
            project_id=known.project_id,
            incident_id=known.incident_id,
            run_id=run_id,
            occurred_at=now,
            recorded_at=now,
            stage=STAGE,
            actor=wish.caller.person,
            causes=causes,
            sealed=self._sealed(words.values, known, event_id),
            payload=wish.act.payload(wish.body, words.texts, known),
        )

    async def _judged(self, body: Judge, known: Known) -> tuple[str, tuple[str, ...]]:
        """The run that is judged, and the event in which it came to its cause, or to none."""
        decided = await self._of_record(self._desk.decided(known))
        latest = "".join([*decided][-1:])
        run_id = ids.run_id(known.incident_id, body.run) if body.run else latest
        if run_id not in decided:
            which = f"run {body.run} of it has not" if body.run else "no run of it has"
            raise Refused(
                409, "nothing_to_judge", f"{which} come to a decision; the record has {len(decided)}"
            )
        return run_id, (decided[run_id],)

    def _sealed(self, values: Mapping[str, str], known: Known, event_id: str) -> bytes | None:
        if not values:
            return None
        try:
            return self._desk.seal(values, project_id=known.project_id, event_id=event_id)
        except Misconfigured as error:
            raise _cannot_seal(error) from error

    async def _write(self, event: Event, traceparent: bytes) -> Receipt:
        try:
            return await written(self._publish, event, await self._desk.encode(event, traceparent))
        except NotNow as away:
            raise come_again("broker_away", "the log is away", self._retry_after_secs) from away
        except Never as never:
            raise _misconfigured(never, never.reason, "the log does not take this record") from never

    # -- the record

    async def _found(self, incident_id: str, caller: Caller) -> Known:
        """One that is not there, or not theirs: the same answer, after the same time."""
        opened = INCIDENT_ID.fullmatch(incident_id)
        if opened is None:
            raise Refused(404, "unknown_incident", f"no such id; {LIKE}")
        projects = caller.projects
        is_young = self._is_young(opened[1])
        known = await self._look(incident_id, projects)
        if known is None and is_young and self._waiters < WAITERS:
            known = await self._wait_for(incident_id, projects)
        if known is None:
            raise self._unknown(incident_id, projects, is_young)
        return known

    def _unknown(self, incident_id: str, projects: Collection[str] | None, is_young: bool) -> Refused:
        where = "any project" if projects is None else f"the projects of this token ({', '.join(projects)})"
        told = f"no incident {incident_id} in {where}"
        if not is_young:
            return Refused(404, "unknown_incident", told)
        soon = f"{told}; one that was opened just now is recorded within seconds: ask again"
        return Refused(404, "unknown_incident", soon, {"Retry-After": str(self._retry_after_secs)})

    async def _look(self, incident_id: str, projects: Collection[str] | None) -> Known | None:
        return await self._of_record(self._desk.incident(incident_id, projects))

    async def _wait_for(self, incident_id: str, projects: Collection[str] | None) -> Known | None:
        deadline, known = time.monotonic() + YOUNG_SECS, None
        self._waiters += 1
        try:
            while known is None and time.monotonic() < deadline:
                await asyncio.sleep(LOOK_EVERY_SECS)
                known = await self._look(incident_id, projects)
        finally:
            self._waiters -= 1
        return known

    def _is_young(self, day: str) -> bool:
        """Opened within a minute, for all that its id says."""
        now = datetime.fromtimestamp(self._now_ms() / 1000, UTC)
        return day in {f"{now + timedelta(minutes=off):%Y%m%d}" for off in (-1, 0, 1)}

    async def _of_record(self, question: Awaitable[T]) -> T:
        try:
            return await question
        except NotNow as away:
            log.warning("record_away", detail=str(away))
            raise come_again("record_away", _RECORD_AWAY, self._retry_after_secs) from away
        except Never as never:
            raise _misconfigured(never, "record_away", _RECORD_AWAY) from never


def _misconfigured(never: Never, reason: str, told: str) -> Refused:
    """The operator's to mend; the caller may try again."""
    log.error("act_not_written", reason=never.reason, detail=str(never))
    return come_again(reason, told, _MISCONFIGURED_RETRY_SECS)


def _cannot_seal(error: Misconfigured) -> Refused:
    log.error("act_not_sealed", detail=str(error))
    told = "the words hold personal values, and this gateway has no key to seal them with"
    return come_again("cannot_seal", told, _MISCONFIGURED_RETRY_SECS)
