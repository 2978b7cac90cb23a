"""What is unusual, each signal by itself; blame.py says who explains whom.

A window is compared with quiet time by one statistic, and no name is looked at. A strength of 1 is what a
service reaches in one of ten quiet windows; what cannot be told is 0.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Floats = NDArray[np.float64]

UPPER = 0.9
"""The scale is how far so many quiet windows reach: further out, the quiet time's own faults set it."""
MOST_WINDOWS = 400
FEWEST_WINDOWS = 8
"""of quiet time: with fewer nothing can be called unusual"""
HIGHEST = 50.0
"""Beyond this a strength says no more: the scale behind it is too small to be believed."""
SMALLEST_RISE = 0.05
"""as a share of what is usual: less is no rise, however steady the quiet time was"""
SMALLEST_SHARE = 0.005
"""of requests failing"""
SMALLEST_LOAD = 0.25
"""of the highest that any service uses of this resource in quiet time: less is idling"""


class Role(StrEnum):
    """What a metric tells, whatever it is called."""

    RATE = "rate"
    LATENCY = "latency"
    ERRORS = "errors"
    CPU = "cpu"
    MEMORY = "memory"
    OTHER = "other"


class Quiet:
    """Samples of quiet time, one column a service; what is derived from them is kept."""

    def __init__(self, samples: Floats) -> None:
        self.samples = samples
        self._windows: dict[int, Floats] = {}

    def windows(self, length: int) -> Floats:
        """The statistic of windows all over the quiet time: one row a window."""
        if length not in self._windows:
            self._windows[length] = _windows(self.samples, length)
        return self._windows[length]


@dataclass(frozen=True, slots=True)
class Measure:
    """One metric of all services: the window, and the quiet time it is held against."""

    role: Role
    now: Floats
    """samples by services, NaN where there is none"""
    quiet: Quiet


@dataclass(frozen=True, slots=True)
class Unusual:
    """By service: how far the window is above the usual, and what that is in units of the quiet time."""

    rise: Floats
    strength: Floats
    quiet_rise: Floats = field(repr=False)
    """the same of quiet windows, one row each: what any of this is to be compared with"""
    quiet_strength: Floats = field(repr=False)


def unusual(measure: Measure) -> Unusual:
    """Rises alone count: a fall of latency or load is no fault."""
    length = len(measure.now)
    windows = measure.quiet.windows(length)
    usual = quantile(windows, 0.5)
    scale = np.fmax(quantile(windows, UPPER) - usual, _smallest(measure.role, usual, windows))
    rise, quiet_rise = upper_mean(measure.now) - usual, windows - usual
    return Unusual(_known(rise), _strength(rise, scale), _known(quiet_rise), _strength(quiet_rise, scale))


def upper_mean(samples: Floats) -> Floats:
    """The mean of the highest third of a window (axis -2), NaN aside: a fault may fill only a part of it."""
    if samples.shape[-2] == 0:
        return np.full(samples.shape[:-2] + samples.shape[-1:], np.nan)
    ordered = np.sort(-samples, axis=-2)  # the highest first, NaN last
    highest = -ordered[..., : -(-samples.shape[-2] // 3), :]
    known = ~np.isnan(highest)
    total, count = np.where(known, highest, 0.0).sum(axis=-2), known.sum(axis=-2)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def quantile(values: Floats, share: float, fewest: int = FEWEST_WINDOWS) -> Floats:
    """By column, NaN aside; NaN where a column has too few."""
    if len(values) == 0:
        return np.full(values.shape[1], np.nan)
    known = (~np.isnan(values)).sum(axis=0)
    at = np.clip(np.ceil(share * known).astype(int) - 1, 0, len(values) - 1)
    found = np.take_along_axis(np.sort(values, axis=0), at[None, :], axis=0)[0]  # NaN comes last
    return np.where(known >= fewest, found, np.nan)


def _windows(samples: Floats, length: int) -> Floats:
    if not 0 < length <= len(samples):
        return np.empty((0, samples.shape[1]))
    views = sliding_window_view(samples, length, axis=0)
    stride = -(-len(views) // MOST_WINDOWS)
    return upper_mean(np.swapaxes(views[::stride], 1, 2))


def _smallest(role: Role, usual: Floats, windows: Floats) -> Floats:
    """The smallest scale that is believed."""
    smallest = SMALLEST_RISE * np.abs(usual)
    if role == Role.ERRORS:
        return np.fmax(smallest, SMALLEST_SHARE)
    if role in (Role.CPU, Role.MEMORY, Role.OTHER):
        known = windows[~np.isnan(windows)]
        return np.fmax(smallest, SMALLEST_LOAD * float(np.quantile(known, 0.99)) if len(known) else 0.0)
    return smallest


def _strength(rise: Floats, scale: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.clip(np.nan_to_num(rise / scale, nan=0.0, posinf=HIGHEST, neginf=0.0), 0.0, HIGHEST)


def _known(values: Floats) -> Floats:
    return np.nan_to_num(values, nan=0.0)
