"""Named crash points and guards that tests switch off. Nothing here acts unless the environment asks.

`AWOOOI_CRASH_AT=dedup:produced:3` kills the process (-9) at the third passage of that point.
`AWOOOI_GUARD_OFF=seen`, `order` or `commit_after` shows that a test notices when the guard is missing.
"""

from __future__ import annotations

import os
import signal
from collections import Counter
from functools import cache

_passed: Counter[str] = Counter()


@cache
def _crash_at() -> tuple[str, int]:
    point, _, count = os.environ.get("AWOOOI_CRASH_AT", "").rpartition(":")
    return point, int(count or 0)


def crash_point(name: str) -> None:
    point, count = _crash_at()
    if point != name:
        return
    _passed[name] += 1
    if _passed[name] == count:
        os.kill(os.getpid(), signal.SIGKILL)


@cache
def guard_off(name: str) -> bool:
    return name in os.environ.get("AWOOOI_GUARD_OFF", "").split(",")
