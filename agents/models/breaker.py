"""A circuit breaker: who failed too often in a row is left alone for a while, then tried with one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

Clock = Callable[[], float]
"""Monotonic seconds."""


@dataclass(slots=True)
class Breaker:
    """Closed: everybody may ask. Open: nobody until its time has passed; then one, whose outcome decides."""

    clock: Clock
    failures: int = 3
    open_secs: float = 60.0
    _in_a_row: int = field(default=0, init=False)
    _until: float | None = field(default=None, init=False)
    _trial: Permit | None = field(default=None, init=False)

    @property
    def is_open(self) -> bool:
        return self._until is not None

    @property
    def left_secs(self) -> float:
        """Until somebody may try it."""
        return 0.0 if self._until is None else max(0.0, self._until - self.clock())

    def permit(self) -> Permit | None:
        """Whoever gets one tells on it how it went."""
        if self._until is None:
            return Permit(self)
        if self._trial is not None or self.clock() < self._until:
            return None
        self._trial = Permit(self)
        return self._trial

    def open_for(self, secs: float) -> None:
        """Leave it alone for so long: it asked for that, or has failed too often."""
        until = self.clock() + secs
        self._until = until if self._until is None else max(self._until, until)

    def _succeeded(self) -> None:
        self._in_a_row, self._until, self._trial = 0, None, None

    def _failed(self, permit: Permit) -> None:
        if self._until is not None and permit is not self._trial:
            return  # it began before the breaker opened, and tells nothing new
        self._in_a_row += 1
        if permit is self._trial or self._in_a_row >= self.failures:
            self._trial = None
            self.open_for(self.open_secs)

    def _let_go(self, permit: Permit) -> None:
        if permit is self._trial:
            self._trial = None


@dataclass(slots=True, eq=False)
class Permit:
    """To ask a provider one question, with its retries."""

    breaker: Breaker

    def succeeded(self) -> None:
        self.breaker._succeeded()

    def failed(self) -> None:
        """A call failed; once the breaker is open, it should not be repeated."""
        self.breaker._failed(self)

    def let_go(self) -> None:
        """The question ended without an outcome; harmless after one."""
        self.breaker._let_go(self)
