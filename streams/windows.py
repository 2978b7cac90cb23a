"""Windowed counts of one key: 5 minutes, 1 hour and 24 hours, hopping by a minute, 5 minutes, an hour.

They live in the key's own row. A table of its own for each window would be written beside that row,
and a crash between the two writes would count an alert twice or not at all: in one row, the counts and
the `seen` that guards them change together, and recovering the row recovers its windows.
"""

from __future__ import annotations

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR

# (how far back, how wide a bucket): the older, the coarser
_STEPS = ((5 * MINUTE, MINUTE), (HOUR, 5 * MINUTE), (DAY, HOUR))

Histogram = list[list[int]]
"""[start of the bucket in minutes since 1970, alerts in it], oldest first"""


def add(counts: Histogram, at: int, alerts: int = 1) -> None:
    """Count alerts at that time. Late ones go to the newest bucket that is not after them."""
    minute = at // MINUTE
    if counts and counts[-1][0] == minute:  # nearly always
        counts[-1][1] += alerts
        return
    for bucket in reversed(counts):
        if bucket[0] <= minute:
            if bucket[0] == minute:
                bucket[1] += alerts
                return
            break
    else:
        if counts:
            counts[0][1] += alerts  # older than all that is kept
            return
    counts.append([minute, alerts])
    if len(counts) > 1:
        counts.sort()
        _coarsen(counts, counts[-1][0] * MINUTE)


def _coarsen(counts: Histogram, now: int) -> None:
    """Merge what is old into wider buckets, drop what is older than a day."""
    merged: Histogram = []
    for start, alerts in counts:
        age = now - start * MINUTE
        if age >= DAY + HOUR:
            continue
        width = next((width for back, width in _STEPS if age <= back), HOUR) // MINUTE
        begin = start // width * width
        if merged and merged[-1][0] >= begin:
            merged[-1][1] += alerts
        else:
            merged.append([begin, alerts])
    counts[:] = merged


def within(counts: Histogram, now: int) -> tuple[int, int, int]:
    """How many in the last 5 minutes, hour, and 24 hours, to a bucket's width."""
    five = hour = day = 0
    for start, alerts in counts:
        age = now - start * MINUTE
        if age < DAY + MINUTE:
            day += alerts
            if age < HOUR + MINUTE:
                hour += alerts
                if age < 6 * MINUTE:
                    five += alerts
    return five, hour, day
