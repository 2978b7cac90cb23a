"""Delay on the way between two services: a caller's span less its callee's, by edge.

A slow network or a starved callee delays all calls to it; a starved caller delays calls to several others.
So a service is suspected by the smallest rise over those who call it, a caller by its second largest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from agents.detectors import UPPER, Floats, quantile

FEWEST = 4
"""samples of quiet time"""
HIGHEST = 200.0
SMALLEST_RISE = 0.2
FEW_CALLS = 50
"""calls in the window that half believe a delay"""
LONE_EDGE = 0.5
"""how far a caller's only edge speaks against the caller"""


@dataclass(frozen=True, slots=True)
class Delays:
    """Samples by edges, NaN where no call was made."""

    edges: Sequence[tuple[int, int]]
    now: Floats
    quiet: Floats
    calls: Floats
    """in the window, by edge"""


def delayed(delays: Delays, services: int) -> tuple[Floats, Floats]:
    """By service; and the highest of each quiet sample, held against the others."""
    trust = delays.calls / (delays.calls + FEW_CALLS)
    now = _by_service(delays.edges, _rises(_mean(delays.now), delays.quiet) * trust, services)
    highest = [
        _by_service(
            delays.edges, _rises(sample, np.delete(delays.quiet, row, axis=0)) * trust, services
        ).max()
        for row, sample in enumerate(delays.quiet)
    ]
    return now, np.array(highest)


def _rises(now: Floats, quiet: Floats) -> Floats:
    usual = quantile(quiet, 0.5, FEWEST)
    scale = np.fmax(quantile(quiet, UPPER, FEWEST) - usual, SMALLEST_RISE * usual)
    with np.errstate(divide="ignore", invalid="ignore"):
        rises = np.nan_to_num((now - usual) / scale, nan=0.0, posinf=HIGHEST, neginf=0.0)
    return np.clip(rises, 0.0, HIGHEST)


def _mean(samples: Floats) -> Floats:
    known = ~np.isnan(samples)
    count = known.sum(axis=0)
    total = np.where(known, samples, 0.0).sum(axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _by_service(edges: Sequence[tuple[int, int]], rises: Floats, services: int) -> Floats:
    into: dict[int, list[tuple[int, float]]] = {}
    out: dict[int, list[float]] = {}
    for (caller, callee), rise in zip(edges, rises.tolist(), strict=True):
        into.setdefault(callee, []).append((caller, rise))
        out.setdefault(caller, []).append(rise)
    found = np.zeros(services)
    for caller, all_out in out.items():
        all_out.sort(reverse=True)
        found[caller] = all_out[1] if len(all_out) > 1 else LONE_EDGE * all_out[0]
    for callee, calls in into.items():
        smallest = min(_not_the_callers(rise, out[caller]) for caller, rise in calls)
        found[callee] = max(found[callee], smallest)
    return found


def _not_the_callers(rise: float, all_out: list[float]) -> float:
    """What is left of an edge's rise where its caller's other edges rise too."""
    if len(all_out) == 1:
        return rise
    other = all_out[1] if rise >= all_out[0] else all_out[0]
    return rise / (1 + min(other, rise))
