"""Unusual counts by kind: log lines by template, calls by callee.

Shares are compared, not counts, since more load brings more of every kind: a template that is new, one that
stays away while its neighbours go on, a caller that no longer makes the second half of its calls.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from agents.detectors import Floats

UNSEEN = 0.5
"""what a kind that was never seen is taken to have been counted, so that it is possible at all"""


@dataclass(frozen=True, slots=True)
class Mix:
    """What one service did: samples by kinds, in the window and in quiet time."""

    now: Floats
    quiet: Floats


def shifts(mixes: Mapping[int, Mix], services: int) -> tuple[Floats, Floats]:
    """By service, how far its shares have shifted; of each quiet window, the highest."""
    length = max(1, max((len(mix.now) for mix in mixes.values()), default=1))
    windows = max(0, max((len(mix.quiet) for mix in mixes.values()), default=0) - length + 1)
    now, highest = np.zeros(services), np.zeros(windows)
    for service, mix in mixes.items():
        if windows:
            now[service], usual = _shift(mix, length)
            highest = np.fmax(highest, usual)
    return now, highest


def _shift(mix: Mix, length: int) -> tuple[float, Floats]:
    sums = sliding_window_view(mix.quiet, length, axis=0).sum(axis=-1)
    everything = mix.quiet.sum(axis=0) + UNSEEN
    others = everything - sums
    usual = _deviance(sums, others / others.sum(axis=1, keepdims=True))
    spread = np.fmax(1.0, usual.mean(axis=0))
    now = _deviance(mix.now.sum(axis=0, keepdims=True), everything / everything.sum())
    return float(np.sqrt(now / spread).max()), np.sqrt(usual / spread).max(axis=1)


def _deviance(counts: Floats, share: Floats) -> Floats:
    """Of each kind, from what its share of the window's total would be (Poisson)."""
    expected = counts.sum(axis=1, keepdims=True) * share
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(counts > 0, counts * np.log(counts / expected), 0.0)
    deviance: Floats = np.fmax(0.0, 2 * (ratio - counts + expected))
    return deviance
