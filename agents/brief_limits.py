"""How much of each thing a run's brief keeps, so that no source, however talkative, fills it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

_T = TypeVar("_T")

BRIEF_BYTES = 64 * 1024
"""all of it as JSON; what the other parts leave is for the items"""
GAPS_BYTES = 4 * 1024

MOST_ITEMS = 60
MOST_NUMBERS = MOST_WORDS = 32
TEXT, NAME, WORD = 400, 200, 200
MESSAGE, DESCRIPTION, NOTE = 1_000, 2_000, 2_000

LABELS = (50, 8 * 1024)
TARGETS = (100, 12 * 1024)
NEIGHBOURS = (50, 5 * 1024)
SUSPECTS = (20, 6 * 1024)
EDGES = (150, 6 * 1024)


def within(entries: Iterable[_T], most: int, room: int, size: Callable[[_T], int]) -> tuple[list[_T], int]:
    """The entries that fit, first come, and how many were left out."""
    kept: list[_T] = []
    left_out = 0
    for entry in entries:
        needed = size(entry)
        if len(kept) == most or needed > room:
            left_out += 1
        else:
            room -= needed
            kept.append(entry)
    return kept, left_out
