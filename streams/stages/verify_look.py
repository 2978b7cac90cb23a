"""Whether what was done holds: the executor's own look, then the playbook's query. Reads, and nothing else.

A look lasts for minutes, so it goes on beside the stage, which asks at each tick what was found. Whoever
takes over a partition begins anew.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

from agents.privacy import labels_in, restore
from agents.snapshot import open_run
from connectors.evidence import Unavailable
from connectors.executors.contract import Effect, Observed, Verified
from connectors.executors.tooling import tool_of
from connectors.tools import Ask, Caller, Entry, Session
from schemas.errors import CannotOpen
from schemas.execution import ExecutionSucceeded
from streams.covering import covering
from streams.execute_needs import ExecuteNeeds
from streams.opening import Opened, open_step, step_of
from streams.policy.recheck import Objected

AGENT = "verify"
VERIFY, QUERY = "verify", "prometheus.query"
BETWEEN_LOOKS_SECS, BETWEEN_QUERIES_SECS = 2.0, 5.0
GRACE_SECS = 30.0
"""beyond the time for a look, for its last call"""
MOST_KEPT = 1000
NO_QUERIES = "nobody could be asked the playbook's query: AWOOOI_PROMETHEUS_URL is not set"
_SAFE = re.compile(r"[\w.:/@+-]{1,253}")
"""real values that may stand in a query's quotes"""


@dataclass(frozen=True, slots=True)
class Looked:
    """`reason` has labels again."""

    effect: Effect
    reason: str
    entries: tuple[Entry, ...] = ()
    cover: Callable[[str], str] = field(default=covering({}), repr=False)


class Looks(Protocol):
    def found(self, done: ExecutionSucceeded, millis: int) -> Looked | None:
        """None: not yet. What nobody has begun is begun."""
        ...


class Looking:
    """Looks as tasks of this process."""

    def __init__(self, needs: ExecuteNeeds) -> None:
        self._needs = needs
        self._tasks: dict[str, asyncio.Task[Looked]] = {}

    def found(self, done: ExecutionSucceeded, millis: int) -> Looked | None:
        action_id = done.payload.action_id
        task = self._tasks.get(action_id)
        if task is None:
            self._forget()
            self._tasks[action_id] = asyncio.create_task(look(self._needs, done, millis))
            return None
        if not task.done():
            return None
        del self._tasks[action_id]
        return task.result()

    def _forget(self) -> None:
        """What nobody asks for any more: its partition is another process's."""
        over = [name for name, task in self._tasks.items() if task.done()]
        for name in over[: max(0, len(self._tasks) - MOST_KEPT)]:
            del self._tasks[name]


async def look(needs: ExecuteNeeds, done: ExecutionSucceeded, millis: int) -> Looked:
    """Both steps, one after the other. Never raises but for cancellation."""
    told = done.payload
    opened = open_step(needs, done, step_of(told), told.action_id)
    if isinstance(opened, Objected):
        return Looked(Effect.UNKNOWABLE, opened.sentence)
    steps = Steps(needs, done, opened, millis)
    found = await steps.executor()
    if found.effect is Effect.HOLDS and told.action.verification and not told.undoes:
        asked = await steps.query(told.action.verification)
        found = Verified(asked.effect, f"{found.message}; {asked.message}")
    return Looked(found.effect, opened.cover(found.message), tuple(steps.entries), opened.cover)


@dataclass
class Steps:
    needs: ExecuteNeeds
    done: ExecutionSucceeded
    opened: Opened
    millis: int
    """when the look began"""
    entries: list[Entry] = field(default_factory=list)

    def __post_init__(self) -> None:
        caller = Caller(self.done.run_id, AGENT, AGENT, self.done.project_id)
        self._session = Session(self.needs.gateway, caller, self.needs.clock)
        self._began = self.needs.clock()

    async def executor(self) -> Verified:
        opened, told = self.opened, self.done.payload
        before = Observed(told.state_now) if told.state_now else None

        async def ask() -> Verified:
            try:
                found = await opened.executor.verify(opened.order, before)
                if told.undoes and found.effect is not Effect.HOLDS and await self._is_as_before():
                    return Verified(Effect.HOLDS, f"it is as it was before ({found.message})")
            except Unavailable as error:
                return Verified(Effect.UNKNOWABLE, str(error))
            return found

        target = opened.order.step.target.model_dump(exclude={"id"})
        arguments = {"operation": str(opened.order.step.operation), **target}
        secs = self.needs.times.look_secs
        tool = tool_of(opened.executor, opened.order.step, VERIFY)
        return await self._until(tool, arguments, secs, ask, BETWEEN_LOOKS_SECS)

    async def _is_as_before(self) -> bool:
        """What was ill before it was acted on is ill again, once that is taken back."""
        checked = await self.opened.executor.check(self.opened.order)
        return checked.observed is not None and checked.observed.hash == self.done.payload.observed_state

    async def query(self, labelled: str) -> Verified:
        """Not before what is measured can tell of it."""
        query, times = self.needs.query, self.needs.times
        if query is None:
            return Verified(Effect.UNKNOWABLE, NO_QUERIES)
        try:
            text = self._real(labelled)
        except CannotOpen as error:
            return Verified(Effect.UNKNOWABLE, f"{labelled}: {error}")
        await self.needs.wait(max(0.0, times.query_after_secs - (self.needs.clock() - self._began)))

        async def ask() -> Verified:
            return await query.ask(text, self.millis + round((self.needs.clock() - self._began) * 1000))

        return await self._until(QUERY, {"query": text}, times.query_secs, ask, BETWEEN_QUERIES_SECS)

    async def _until(
        self,
        tool: str,
        arguments: dict[str, str],
        secs: float,
        ask: Callable[[], Awaitable[Verified]],
        between_secs: float,
    ) -> Verified:
        """Until it holds or has failed, and not for ever: one call of the gateway."""
        until = self.needs.clock() + secs

        async def work() -> Verified:
            while True:
                found = await ask()
                if found.effect in (Effect.HOLDS, Effect.FAILED) or self.needs.clock() >= until:
                    return found
                await self.needs.wait(between_secs)

        names = frozenset({"namespace", "name"})
        called = await self._session.call(Ask(tool, secs + GRACE_SECS, arguments, names), work)
        self.entries.append(called.entry)
        return called.value or Verified(Effect.UNKNOWABLE, called.failure)

    def _real(self, labelled: str) -> str:
        """With its real values, where none of them could be more than a value. CannotOpen where one could."""
        labels, done = set(labels_in(labelled)), self.done
        if not labels:
            return labelled
        ids = {"project_id": done.project_id, "run_id": done.run_id}
        values = open_run(self.needs.keys.opener, done.sealed, **ids)
        for label in sorted(labels):
            if not _SAFE.fullmatch(values.get(label, "")):
                raise CannotOpen(f"{label} cannot stand in a query")
        return restore(labelled, values)
