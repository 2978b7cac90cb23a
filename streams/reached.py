"""How far time has come for a stage: never beyond what its input has reached.

After a worker's absence its ticks are of today, and its input of yesterday: what would expire an incident
must not overtake the repeats that keep it open. So a tick counts only up to the last record of every
partition that still waits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from schemas.sabotage import guard_off

Place = tuple[str, int]
"""topic and partition"""


@dataclass(slots=True)
class Reached:
    is_behind: Callable[[Place], bool]
    """whether something waits there"""
    _last: dict[Place, int] = field(default_factory=dict)

    def note(self, place: Place, millis: int) -> None:
        """A stage has dealt with a record of that time."""
        self._last[place] = millis

    def until(self, tick: int, inputs: Iterable[Place]) -> int:
        """The time that a tick brings to whoever reads these inputs, in epoch milliseconds."""
        if guard_off("backlog"):
            return tick
        waiting = [self._last.get(place, 0) for place in inputs if self.is_behind(place)]
        return min((tick, *waiting))
