"""How a process that moves records by the thousand keeps house: garbage sought seldom, memory given back."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import sys

YOUNG_OBJECTS = 50_000
TRIM_SECS = 10.0


def collect_seldom() -> None:
    """A fetch makes tens of thousands of small tuples, none of them garbage: by default Python looks through
    all of them every 700, which cost seven times as much as reading the records."""
    gc.collect()
    gc.freeze()  # modules and models stay for the life of the process
    gc.set_threshold(YOUNG_OBJECTS, 20, 50)


async def return_memory() -> None:
    """A burst of openings leaves the C library with freed memory that it keeps: give it back now and then."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    while trim is not None:
        await asyncio.sleep(TRIM_SECS)
        trim(0)
