"""Asks observers what services there are: now and then, once for all runs that are under way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from agents.snapshot import Gathered
from connectors.evidence import Observer
from connectors.tools import Ask, Entry, Session
from streams.known_services import KnownServices

REFRESH_SECS = 60.0
RETRY_SECS = 10.0


@dataclass(slots=True)
class _Watched:
    """An observer, and how it went last."""

    observer: Observer
    asked_at: float | None = None
    gap: str = ""
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    """whether it has ever answered, well or not"""

    def is_due(self, now: float) -> bool:
        patience = RETRY_SECS if self.gap else REFRESH_SECS
        return self.asked_at is None or now - self.asked_at >= patience


class Observing:
    def __init__(
        self, services: KnownServices, observers: Sequence[Observer], clock: Callable[[], float]
    ) -> None:
        self._services, self._clock = services, clock
        self._watched = [_Watched(observer) for observer in observers]

    async def refresh(self, session: Session, seconds: float) -> tuple[list[Entry], list[Gathered]]:
        """The calls that were made for this run, and what is missing; all observers side by side."""
        made = await asyncio.gather(*(self._one(one, session, seconds) for one in self._watched))
        entries = [entry for entry in made if entry is not None]
        gaps = [Gathered(one.observer.source, gap=one.gap) for one in self._watched if one.gap]
        return entries, gaps

    async def _one(self, watched: _Watched, session: Session, seconds: float) -> Entry | None:
        if watched.is_due(self._clock()):
            return await self._ask(watched, session, min(seconds, watched.observer.timeout_secs))
        with suppress(TimeoutError):  # its first answer is on its way, for another run
            await asyncio.wait_for(watched.answered.wait(), seconds)
        return None

    async def _ask(self, watched: _Watched, session: Session, seconds: float) -> Entry:
        observer, before = watched.observer, watched.asked_at
        watched.asked_at = self._clock()
        try:
            called = await session.call(Ask(observer.tool, seconds), observer.observe)
        except asyncio.CancelledError:
            watched.asked_at = before  # the run went: another one asks
            raise
        if called.ok and called.value is not None:
            self._services.told(observer.tool, called.value)
        watched.gap = "" if called.ok else f"{observer.tool}: {called.failure}"
        watched.answered.set()
        return called.entry
