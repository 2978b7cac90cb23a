"""Children that are kept alive: started when what they need is there, restarted when they die.

A broker with its log in memory is special: when it dies the log is gone, so that everything that reads it
starts anew with it, in a new log epoch. What dies again and again ends the whole, with the reason.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, NoReturn

from awoooi.child import Child, rotate
from awoooi.parts import INTAKE, NO_ANSWER, Part, Probe, stop_order
from awoooi.printing import warn
from schemas.errors import AwoooiError

MOST_DEATHS, WITHIN_SECS = 5, 60.0
FIRST_BACKOFF_SECS, LONGEST_BACKOFF_SECS = 0.25, 5.0
STARTING_EVERY_SECS, UNREADY_EVERY_SECS, READY_EVERY_SECS = 0.1, 0.5, 5.0
HUNG_SECS = 60.0
"""A part that was ready and does not even answer for so long is killed: it would hang for ever."""
BURIED_WITHIN_SECS = 3.0
"""Once the log is gone, what reads it has nothing to save."""


class GaveUp(AwoooiError):
    """A part cannot be kept alive; the message says which, and what it said last."""


class LogLost(AwoooiError):
    """The broker died, and the log with it."""


class State(StrEnum):
    WAITING = "waiting"
    STARTING = "starting"
    READY = "ready"
    UNREADY = "not ready"
    DONE = "done"
    BACK_OFF = "died"
    STOPPING = "stopping"
    STOPPED = "stopped"


@dataclass(slots=True)
class Status:
    """What the live line of one part says."""

    part: Part
    state: State = State.WAITING
    detail: str = ""
    child: Child | None = None
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    deaths: deque[float] = field(default_factory=deque)
    restarts: int = 0
    told: tuple[State, str, int | None] | None = None
    hung: bool = False

    @property
    def pid(self) -> int | None:
        return self.child.pid if self.child is not None and self.child.running else None


Environment = Callable[[str], Mapping[str, str]]
"""What a child is given, in this epoch of the log."""
Changed = Callable[[Status], None]


class Supervisor:
    """`run` until cancelled, then `stop`. `changed` hears of every change of a part's state."""

    def __init__(
        self, parts: Sequence[Part], logs: Path, environment: Environment, new_epoch: Callable[[], str]
    ) -> None:
        self.statuses = {part.name: Status(part) for part in parts}
        self.epoch = ""
        self._logs, self._environment, self._new_epoch = logs, environment, new_epoch
        self._listeners: list[Changed] = []
        self._failing: set[Changed] = set()
        self._killed = asyncio.Event()

    def listen(self, changed: Changed) -> None:
        self._listeners.append(changed)

    @property
    def all_ready(self) -> bool:
        return all(status.ready.is_set() for status in self.statuses.values())

    async def run(self) -> None:
        """GaveUp when a part cannot be kept alive."""
        self._logs.mkdir(parents=True, exist_ok=True, mode=0o700)
        for name in self.statuses:
            rotate(self._logs / f"{name}.log")
        try:
            async with asyncio.TaskGroup() as group:
                for status in self._apart_from_log():
                    group.create_task(self._keep(status))
                group.create_task(self._lives_of_log())
        except ExceptionGroup as group:
            raise _innermost(group) from None

    def _apart_from_log(self) -> list[Status]:
        """What does not hang on the broker, and so outlives it."""
        return [status for status in self.statuses.values() if not self._needs_log(status.part)]

    def _needs_log(self, part: Part) -> bool:
        if part.bears_log:
            return True
        return part.name == "topics" or any(self._needs_log(self.statuses[name].part) for name in part.needs)

    async def _lives_of_log(self) -> None:
        """One turn for each life of the log."""
        mortals = [status for status in self.statuses.values() if self._needs_log(status.part)]
        while True:
            self.epoch = self._new_epoch()
            try:
                async with asyncio.TaskGroup() as group:
                    for status in mortals:
                        group.create_task(self._keep(status))
            except* LogLost:
                await self._bury(mortals)
            else:
                return

    async def _bury(self, mortals: Sequence[Status]) -> None:
        await self._stop(mortals, BURIED_WITHIN_SECS)
        for status in mortals:
            status.ready.clear()
            self._tell(status, State.WAITING, "the broker died: everything on it starts anew")
        await asyncio.sleep(FIRST_BACKOFF_SECS)

    async def _keep(self, status: Status) -> None:
        """Alive until cancelled, or done."""
        part = status.part
        while True:
            await self._wait_for_needs(status)
            exit_status = await self._live(status)
            status.ready.clear()
            if part.once and exit_status == 0:
                status.ready.set()
                self._tell(status, State.DONE, "")
                return
            wait = self._after_death(status, exit_status)
            if part.bears_log:
                raise LogLost
            await asyncio.sleep(wait)

    async def _wait_for_needs(self, status: Status) -> None:
        for name in status.part.needs:
            if not self.statuses[name].ready.is_set():
                self._tell(status, State.WAITING, f"for {name}")
                await self.statuses[name].ready.wait()

    async def _live(self, status: Status) -> int:
        part = status.part
        log = self._logs / f"{part.name}.log"
        status.child, status.hung = await Child.start(part.command, log, self._environment(self.epoch)), False
        self._tell(status, State.STARTING, "" if part.once else NO_ANSWER)
        ended = asyncio.create_task(status.child.wait())
        tasks = (
            [ended] if part.probe is None else [ended, asyncio.create_task(self._watch(status, part.probe))]
        )
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            return next(iter(done)).result()  # raises what broke the watching: unwatched, nothing goes on
        finally:
            await _cancelled(tasks)

    async def _watch(self, status: Status, probe: Probe) -> NoReturn:
        """Asks whether it is ready, often at first, then now and then; kills what hangs."""
        was_ready, answered_at = False, time.monotonic()
        while True:
            why = await probe()
            if why != NO_ANSWER:
                answered_at = time.monotonic()
            if why:
                status.ready.clear()
                self._tell_why(status, why, was_ready=was_ready)
            else:
                was_ready = True
                status.ready.set()
                self._tell(status, State.READY, "")
            if was_ready and time.monotonic() - answered_at > HUNG_SECS:
                assert status.child is not None
                status.hung = True
                status.child.kill()
            await asyncio.sleep(_pause(is_ready=not why, was_ready=was_ready))

    def _tell_why(self, status: Status, why: str, *, was_ready: bool) -> None:
        if was_ready:
            self._tell(status, State.UNREADY, why.removesuffix(" yet"))
        else:
            self._tell(status, State.STARTING, why)

    def _after_death(self, status: Status, exit_status: int) -> float:
        """How long to wait before the next life; GaveUp when it died too often."""
        now = time.monotonic()
        status.deaths.append(now)
        while status.deaths and now - status.deaths[0] > WITHIN_SECS:
            status.deaths.popleft()
        status.restarts += 1
        how = _how(status, exit_status)
        self._tell(status, State.BACK_OFF, how)
        if len(status.deaths) > MOST_DEATHS:
            raise GaveUp(self._obituary(status, how))
        return min(FIRST_BACKOFF_SECS * 2.0 ** (len(status.deaths) - 1), LONGEST_BACKOFF_SECS)

    def _obituary(self, status: Status, how: str) -> str:
        assert status.child is not None
        said = "\n".join(f"    {line}" for line in status.child.last_lines())
        times = f"{len(status.deaths)} times within {WITHIN_SECS:.0f} s, at last {how}"
        return f"{status.part.name} ended {times}; {status.child.log} says:\n{said}"

    async def stop(self, drain: Callable[[], Coroutine[Any, Any, None]] | None = None) -> None:
        """All of them, against the data; `drain` is awaited once nothing new comes in."""
        for name in stop_order([status.part for status in self.statuses.values()]):
            await self._stop([self.statuses[name]])
            if name == INTAKE and drain is not None:
                await self._unless_killed(drain())

    async def _unless_killed(self, drain: Coroutine[Any, Any, None]) -> None:
        """Who does not want to wait does not wait for the last alerts either."""
        tasks = [asyncio.create_task(drain), asyncio.create_task(self._killed.wait())]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if tasks[0].done():
                tasks[0].result()
        finally:
            await _cancelled(tasks)

    def kill(self) -> None:
        """All at once, for whoever does not want to wait."""
        self._killed.set()
        for status in self.statuses.values():
            if status.child is not None and status.child.running:
                status.child.kill()

    async def _stop(self, statuses: Sequence[Status], within_secs: float = math.inf) -> None:
        await asyncio.gather(*(self._stop_one(status, within_secs) for status in statuses))

    async def _stop_one(self, status: Status, within_secs: float) -> None:
        if status.child is None or status.state is State.DONE:
            return
        if status.child.running:
            self._tell(status, State.STOPPING, "")
            await status.child.stop(min(status.part.patience_secs, within_secs))
        status.ready.clear()
        self._tell(status, State.STOPPED, "")

    def _tell(self, status: Status, state: State, detail: str) -> None:
        now = (state, detail, status.pid)
        if now == status.told:
            return
        status.state, status.detail, status.told = state, detail, now
        for changed in self._listeners:
            try:
                changed(status)
            except Exception as error:  # noqa: BLE001  (who looks on does not decide what lives)
                self._tell_once(changed, error)

    def _tell_once(self, changed: Changed, error: Exception) -> None:
        if changed not in self._failing:
            self._failing.add(changed)
            warn(f"the parts' states cannot be shown: {type(error).__name__}: {error}; all goes on")


def _how(status: Status, exit_status: int) -> str:
    if status.hung:
        return f"killed, since it did not answer for {HUNG_SECS:.0f} s"
    return f"by signal {-exit_status}" if exit_status < 0 else f"with exit status {exit_status}"


def _pause(*, is_ready: bool, was_ready: bool) -> float:
    if is_ready:
        return READY_EVERY_SECS
    return UNREADY_EVERY_SECS if was_ready else STARTING_EVERY_SECS


async def _cancelled(tasks: Sequence[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _innermost(group: ExceptionGroup[Exception]) -> Exception:
    """A group of tasks wraps what one of them raised; the others were cancelled for it."""
    first = group.exceptions[0]
    return _innermost(first) if isinstance(first, ExceptionGroup) else first
