"""Whether an alert keeps going on and off: changes of its state, counted in dedup's row. Pure."""

from __future__ import annotations

from dataclasses import dataclass

Flaps = list[int]
"""[since when it flaps, 0 if it does not; changes counted since; the times of the latest changes...]"""
_HEAD = 2
NEVER = 1 << 52
"""milliseconds: later than any deadline"""


def flapping(flaps: Flaps) -> bool:
    return bool(flaps) and flaps[0] > 0


@dataclass(frozen=True, slots=True)
class FlappingRule:
    """More than `changes` of them within `window` begin it, none for `settle` ends it. Milliseconds."""

    changes: int
    window: int
    settle: int

    def changed(self, flaps: Flaps, at: int) -> bool:
        """Take one change in; whether it flaps from here on, and did not before."""
        if not self.changes:
            return False
        if not flaps:
            flaps[:] = (0, 0)
        flaps.append(max([at, *flaps[_HEAD:]]))
        del flaps[_HEAD : -(self.changes + 1)]
        if flaps[0]:
            flaps[1] += 1
            return False
        times = flaps[_HEAD:]
        if len(times) <= self.changes or times[-1] - times[0] > self.window:
            return False
        flaps[0], flaps[1] = times[-1], len(times)
        return True

    def settles_at(self, flaps: Flaps) -> int:
        return flaps[-1] + self.settle if flapping(flaps) else NEVER
