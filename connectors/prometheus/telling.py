"""How a change is told: in words, and as a number that needs no unit."""

from __future__ import annotations

CLEAR_CHANGE = 0.25
"""of the larger value; less is called steady"""


def change_of(first: float, last: float) -> float:
    """-1 to 1: from nothing, to nothing."""
    size = max(abs(first), abs(last))
    return 0.0 if size == 0 else max(-1.0, min(1.0, (last - first) / size))


def trend_of(first: float, last: float) -> str:
    change = change_of(first, last)
    if abs(change) < CLEAR_CHANGE:
        return "stayed"
    return "rose" if change > 0 else "fell"


def told(value: float) -> str:
    """Short, and never in powers of ten that nobody reads."""
    for size, sign in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= size:
            return f"{value / (1e3 if sign == 'k' else size):.4g}{sign}"
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"
