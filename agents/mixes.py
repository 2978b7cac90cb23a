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

UNSEEN = 0.3
"""what a kind that was never seen is taken to have been counted, so that it is possible at all"""
USUAL = 0.8
"""of the quiet samples tell the usual spread: the others may hold faults that nobody listed"""


@dataclass(frozen=True, slots=True)
class Mix:
    """What one service did: samples by kinds, in the window and in quiet time."""

    now: Floats
    quiet: Floats


def shifts(mixes: Mapping[int, Mix], services: int) -> tuple[Floats, Floats]:
    """By service, how far its shares have shifted; and of each quiet window, the highest.

    Told by the whole window and by its worst sample: a fault may begin in its middle.
    """
    length = max((len(mix.now) for mix in mixes.values()), default=0)
    windows = max((len(mix.quiet) for mix in mixes.values()), default=0) - length + 1
    now, highest = np.zeros(services), np.zeros(max(0, windows))
    for service, mix in mixes.items() if length and windows > 0 else ():
        whole, usual = _shift(mix.now.sum(axis=0, keepdims=True), _sums(mix.quiet, length), mix.quiet)
        each, usual_each = _shift(mix.now, mix.quiet, mix.quiet)
        now[service] = max(whole.max(), each.max())
        highest = np.fmax(highest, np.fmax(usual, sliding_window_view(usual_each, length).max(axis=-1)))
    return now, highest


def _sums(samples: Floats, length: int) -> Floats:
    return np.asarray(sliding_window_view(samples, length, axis=0).sum(axis=-1), dtype=np.float64)


def _shift(now: Floats, parts: Floats, quiet: Floats) -> tuple[Floats, Floats]:
    """By row, in standard deviations; the quiet parts are held against the rest of the quiet time."""
    everything = quiet.sum(axis=0) + UNSEEN
    others = everything - parts
    usual = _deviance(parts, others / others.sum(axis=1, keepdims=True))
    spread = np.fmax(1.0, np.sort(usual, axis=0)[: max(1, round(USUAL * len(usual)))].mean(axis=0))
    told = _deviance(now, everything / everything.sum())
    return np.sqrt(told / spread).max(axis=1), np.sqrt(usual / spread).max(axis=1)


def _deviance(counts: Floats, share: Floats) -> Floats:
    """Of each kind, from what its share of the window's total would be (Poisson)."""
    expected = counts.sum(axis=1, keepdims=True) * share
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(counts > 0, counts * np.log(counts / expected), 0.0)
    deviance: Floats = np.fmax(0.0, 2 * (ratio - counts + expected))
    return deviance
