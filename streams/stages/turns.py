"""What the four agents' stages share: one turn a run, within its share of the time left, never silence.

Key: incident. Slow: several incidents beside each other, one turn at a time of each. An agent that breaks or
runs out of time still has its turn written, with `failed`; the coordinator does the rest.
"""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from dataclasses import dataclass
from typing import Generic, TypeVar

import structlog

from agents.desk import Clock, Desk
from agents.models.model import NoPanel
from schemas import ids
from schemas.envelope import Event, from_millis, to_millis
from schemas.errors import BadPayload, Never
from schemas.evidence import Brief
from streams import windows
from streams.deadline import share
from streams.runner import stage_failed
from streams.stage import Events, KeyedBase, Now, Record, State, pack, unpack

log = structlog.get_logger(__name__)
In = TypeVar("In", bound=Event)
Out = TypeVar("Out")
MOST_DONE = 5
KEPT_AFTER_DEADLINE = windows.DAY
GRACE_SECS = 2.0
"""for the rules, when no model has answered within the stage's share, before the turn counts as failed"""
NO_TIME = "no time of the run was left for it"


@dataclass(slots=True)
class Spoken(State):
    """What is kept of an incident: which runs have had this agent's turn."""

    forget_at: int = 0
    begun: str = ""
    """the run whose turn was begun last"""
    done: tuple[str, ...] = ()
    """runs that have their turn, latest last"""


class TurnStage(KeyedBase[Spoken], Generic[In, Out]):
    """One agent: reads the event before its turn, writes its own."""

    name: str
    reads: tuple[str, ...]
    takes: type[In]
    gives: type[Event]

    def __init__(self, desk: Desk, epoch: str = "") -> None:
        self._desk, self._epoch = desk, epoch

    # -- what differs from agent to agent

    @abstractmethod
    async def speak(self, heard: In, desk: Desk, seconds: float) -> Out: ...

    @abstractmethod
    def give_up(self, heard: In, why: str, clock: Clock) -> Out: ...

    @abstractmethod
    def brief(self, heard: In) -> Brief: ...

    def has_ended(self, heard: In) -> bool:
        """Whether the one before gave up: then the debate has ended, and nobody waits for this turn."""
        return False

    # -- the row

    def load(self, key: bytes, row: bytes | None) -> Spoken:
        if row is None:
            return Spoken()
        forget_at, seen, begun, done = unpack(row)
        return Spoken(seen, False, forget_at, begun, tuple(done))

    def dump(self, state: Spoken) -> bytes | None:
        if not state.forget_at:
            return None
        return pack([state.forget_at, state.seen, state.begun, state.done])

    def due(self, row: bytes) -> int | None:
        return int(row[1 : row.index(b",")])

    async def wake(self, state: Spoken, now: Now) -> Events:
        if state.forget_at <= now.millis:
            state.forget_at, state.changed = 0, True
        return ()

    # -- one turn

    def begin(self, record: Record, state: Spoken) -> bool:
        """Rules cost nothing: only a turn that may ask a model is noted before it begins."""
        heard = self._read(record)
        if not self._is_mine(heard, state) or not self._asks_models(heard):
            return False
        again = state.begun == heard.run_id
        state.begun, state.changed = heard.run_id, True
        self._keep(state, heard)
        return again

    async def handle(self, record: Record, state: Spoken, now: Now) -> Events:
        heard = self._read(record)
        events: Events = ()
        if self._is_mine(heard, state):
            events = [await self._turn(heard, now)]
            state.done = (*state.done, heard.run_id)[-MOST_DONE:]
        self.note(record, state)
        self._keep(state, heard)
        return events

    def _read(self, record: Record) -> In:
        event = record.event
        if not isinstance(event, self.takes):
            raise BadPayload(f"{event.type} has no place here", field="type")
        return event

    def _is_mine(self, heard: In, state: Spoken) -> bool:
        return heard.run_id not in state.done and not self.has_ended(heard)

    def _asks_models(self, heard: In) -> bool:
        brief = self.brief(heard)
        return brief.models and brief.debate and not isinstance(self._desk.panel, NoPanel)

    def _deadline(self, heard: In) -> int:
        return to_millis(self.brief(heard).deadline_at)

    def _keep(self, state: Spoken, heard: In) -> None:
        state.forget_at = max(state.forget_at, self._deadline(heard) + KEPT_AFTER_DEADLINE)

    async def _turn(self, heard: In, now: Now) -> Event:
        began = self._desk.clock()
        payload = await self._said(heard, now)
        took = round((self._desk.clock() - began) * 1000)
        at = from_millis(now.millis + max(0, took))
        kind = self.gives.type_name()
        return self.gives(
            event_id=ids.derive_id(kind, heard.run_id),
            type=kind,
            project_id=heard.project_id,
            incident_id=heard.incident_id,
            run_id=heard.run_id,
            occurred_at=at,
            recorded_at=at,
            stage=self.name,
            causes=(heard.event_id,),
            sealed=heard.sealed,
            payload=payload,
        )

    async def _said(self, heard: In, now: Now) -> Out:
        seconds, clock = share(self.name, self._deadline(heard), now.millis), self._desk.clock
        if not seconds:
            return self.give_up(heard, NO_TIME, clock)
        try:
            async with asyncio.timeout(seconds + GRACE_SECS):
                return await self.speak(heard, self._desk, seconds)
        except TimeoutError:
            why = f"it did not answer within its {seconds:.0f} s"
        except Exception as error:  # whatever an agent breaks of, its run must end
            log.exception("turn_failed", stage=self.name, incident=heard.incident_id, run=heard.run_id)
            why = f"it broke: {type(error).__name__}"
        return self.give_up(heard, why, clock)

    def dead_letter(self, record: Record, error: Never, now: Now) -> Event:
        return stage_failed(self.name, record, error, now, self._epoch)
