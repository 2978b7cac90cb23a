"""Named crash points and guards that tests switch off. Nothing here acts unless the environment asks.

`AWOOOI_CRASH_AT=dedup:produced:3` kills the process (-9) at the third passage of that point.
`AWOOOI_GUARD_OFF=seen`, `order` or `commit_after` shows that a test notices when the guard is missing.
"""

from __future__ import annotations

import os
import random
import signal
import threading
from collections import Counter
from functools import cache

SOON_SECS = 0.03
_passed: Counter[str] = Counter()
_signal = signal.SIGKILL


@cache
def _crash_at() -> tuple[str, int]:
    point, _, count = os.environ.get("AWOOOI_CRASH_AT", "").rpartition(":")
    return point, int(count or 0)


def arm(crash_at: str, number: signal.Signals = signal.SIGKILL) -> None:
    """From now on, instead of what the environment says: for a test's process that is to do some work before.

    With SIGSTOP it freezes there instead.
    """
    global _signal
    os.environ["AWOOOI_CRASH_AT"], _signal = crash_at, number
    _passed.clear()
    _crash_at.cache_clear()


def crash_point(name: str) -> None:
    if _is_due(name):
        _end()


def armed(name: str) -> bool:
    """Whether that point is the named one: what makes a crash there possible may cost something."""
    return _crash_at()[0] == name


def crash_soon(name: str) -> None:
    """Not here, but within a moment: in the middle of what begins here."""
    if _is_due(name):
        timer = threading.Timer(random.uniform(0, SOON_SECS), _end)
        timer.daemon = True
        timer.start()


def _is_due(name: str) -> bool:
    point, count = _crash_at()
    if point != name:
        return False
    _passed[name] += 1
    return _passed[name] == count


def _end() -> None:
    os.kill(os.getpid(), _signal)


@cache
def guard_off(name: str) -> bool:
    return name in os.environ.get("AWOOOI_GUARD_OFF", "").split(",")
