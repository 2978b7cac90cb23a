"""What was measured of services, whoever measured it: what blame is weighed by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Signal:
    """One metric: its samples in the window of the alert, and in quiet time before. NaN is no sample."""

    now: Sequence[float] = ()
    before: Sequence[float] = ()


@dataclass(frozen=True, slots=True)
class Series:
    """Of one service; whatever is not there stays empty."""

    rate: Signal = field(default_factory=Signal)
    """requests per second, or any unit of time"""
    errors: Signal = field(default_factory=Signal)
    """share of requests that failed, 0 to 1"""
    latency: Signal = field(default_factory=Signal)
    """of one request, in any unit, the same for all services"""
    cpu: Signal = field(default_factory=Signal)
    """cores, or any unit"""
    memory: Signal = field(default_factory=Signal)
    """bytes, or any unit"""
