"""Who is to blame for a symptom, from whatever was measured; nobody, where nothing stands out.

Each signal gives each service a strength in units of what the whole system reaches in quiet time, so that
signals can be added up and nothing is set by hand for a system. Latency and errors are first pushed along the
calls, so that a caller is not accused of its callee's fault.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from agents.blame import Calls, blame
from agents.delays import Delays, delayed
from agents.detectors import Floats, Measure, Role, unusual
from agents.mixes import Mix, shifts

WEIGHTS = {
    "latency": 1.0,
    "errors": 1.0,
    "cpu": 1.0,
    "memory": 0.7,
    "other": 0.25,
    "network": 1.0,
    "logs": 1.0,
    "calls": 0.4,
}
ALONE = frozenset(("latency", "errors", "cpu", "memory", "network", "logs", "calls"))
"""What can be reason to name anybody by itself, from a strength of 1; `other` never is."""
TOGETHER = 1.5
"""The score from which several signals are reason, none of which is alone."""
QUIET, MARGIN = 0.9, 2.0
"""A strength of 1 is so far above what this share of quiet windows stays below: not further out, since there
are faults among them that nobody listed."""
FEW_WINDOWS, FEW_QUIET, FEW_MARGIN = 50, 0.5, 1.25
"""With fewer windows such faults may fill a third of them."""
LEAST = {"network": 2.0, "logs": 3.0, "calls": 3.0}
"""what few quiet windows show may be small by luck: the level is this at the least, else 1"""
SECOND_WEIGHT, SECOND_MOST = 0.6, 1.0
"""What errors say of a latency symptom, and the other way round."""
NOT_RISEN = 0.1
"""how far blame is believed where the symptom itself is as usual"""
BLAMED_WINDOWS = 120
STRONGEST_BLAMED = 12.0
STRONGEST = 30.0
MIXES = ("logs", "calls")


@dataclass(frozen=True, slots=True)
class Observed:
    """All that was measured around a symptom. Services are numbers, columns of every table."""

    services: int
    symptom: int
    role: Role
    """of the symptom's own metric"""
    callees: Callable[[int], Collection[int]]
    above: Collection[int] = ()
    """whatever depends on the symptom"""
    measures: Sequence[Measure] = ()
    delays: Delays | None = None
    logs: Mapping[int, Mix] = field(default_factory=dict)
    calls: Mapping[int, Mix] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Suspects:
    """By service: how much speaks against it, and what."""

    scores: Floats
    signals: Mapping[str, Floats]
    stands_out: bool
    """whether anything is beyond what quiet time shows: else nobody is named"""

    def ranked(self) -> list[int]:
        """The accused, best first; rounded, so that no order of adding decides."""
        found = [int(service) for service in np.flatnonzero(self.scores > 1e-6)] if self.stands_out else []
        return sorted(found, key=lambda service: -round(float(self.scores[service]), 9))


def suspects(seen: Observed) -> Suspects:
    scores, signals, stands_out = np.zeros(seen.services), dict[str, Floats](), False
    for name, told in _strengths(seen):
        strength = np.clip(told, 0.0, STRONGEST)
        part = WEIGHTS[name] * np.log2(1 + strength**3)
        if _is_second(name, seen.role):
            part = np.minimum(SECOND_WEIGHT * part, SECOND_MOST)
        elif name in ALONE and strength.max(initial=0.0) >= 1:
            stands_out = True
        scores += part
        signals[name] = np.fmax(signals.get(name, 0.0), strength)
    return Suspects(scores, signals, stands_out or scores.max(initial=0.0) >= TOGETHER)


def _is_second(name: str, symptom: Role) -> bool:
    blamed = (Role.LATENCY.value, Role.ERRORS.value)
    return name in blamed and symptom.value in blamed and name != symptom.value


def _strengths(seen: Observed) -> list[tuple[str, Floats]]:
    """Every signal, in units of the system's own quiet time."""
    found: list[tuple[str, Floats, Floats]] = []
    for measure in seen.measures:
        if measure.role in (Role.LATENCY, Role.ERRORS):
            found.append((measure.role.value, *_blamed(seen, measure)))
        elif measure.role != Role.RATE:
            told = unusual(measure)
            found.append((measure.role.value, told.strength, told.quiet_strength.max(axis=1, initial=0.0)))
    if seen.delays is not None:
        found.append(("network", *delayed(seen.delays, seen.services)))
    for name, mixes in (("logs", seen.logs), ("calls", seen.calls)):
        if mixes:
            now, highest = shifts(mixes, seen.services)
            found.append((name, now, highest))
    levelled = [(name, strength / _level(highest, LEAST.get(name, 1.0))) for name, strength, highest in found]
    return [
        (name, _not_the_callees(seen, strength) if name in MIXES else strength) for name, strength in levelled
    ]


def _level(highest: Floats, least: float) -> float:
    """What the strongest of all services hardly reaches in quiet time."""
    if not len(highest):
        return least
    share, margin = (QUIET, MARGIN) if len(highest) >= FEW_WINDOWS else (FEW_QUIET, FEW_MARGIN)
    return max(least, margin * float(np.quantile(highest, share)))


def _blamed(seen: Observed, measure: Measure) -> tuple[Floats, Floats]:
    """Strength times share of the blame, for the window and for quiet ones."""
    told = unusual(measure)
    measured = set(np.flatnonzero(~np.isnan(measure.now).all(axis=0)).tolist())
    calls = Calls(seen.callees, measured, seen.above)
    now, usual = _rates(seen)
    least = NOT_RISEN if measure.role == seen.role else 0.0
    windows = len(told.quiet_rise)
    chosen = (
        np.unique(np.linspace(0, windows - 1, min(windows, BLAMED_WINDOWS)).astype(int)) if windows else ()
    )
    highest = [
        _accused(seen, calls, told.quiet_rise[row] * usual, told.quiet_strength[row], least).max()
        for row in chosen
    ]
    return _accused(seen, calls, told.rise * now, told.strength, least), np.array(highest)


def _accused(seen: Observed, calls: Calls, amount: Floats, strength: Floats, least: float) -> Floats:
    found = np.zeros(seen.services)
    believed = max(least, min(1.0, float(strength[seen.symptom])))
    if not believed:
        return found
    standing_out = {
        int(service): float(amount[service]) * (1 - 1 / float(strength[service]))
        for service in np.flatnonzero((strength > 1) & (amount > 0))
    }
    if amount[seen.symptom] > 0:
        standing_out[seen.symptom] = float(amount[seen.symptom])
    for service, share in blame(calls, seen.symptom, standing_out).items():
        found[service] = believed * share * min(STRONGEST_BLAMED, float(strength[service]))
    return found


def _rates(seen: Observed) -> tuple[Floats, Floats]:
    """Requests by service, now and usually; the middle one of all where it is not known."""
    for measure in seen.measures:
        if measure.role == Role.RATE:
            return _middle(measure.now), _middle(measure.quiet.samples)
    ones = np.ones(seen.services)
    return ones, ones


def _middle(samples: Floats) -> Floats:
    known = ~np.isnan(samples).all(axis=0) if len(samples) else np.zeros(samples.shape[1], bool)
    rates = np.ones(samples.shape[1])
    if known.any():
        rates[known] = np.nanmedian(samples[:, known], axis=0)
        rates[~known] = np.median(rates[known])
    return rates


def _not_the_callees(seen: Observed, shift: Floats) -> Floats:
    """Who calls a troubled service does and logs other things too: half of it is the callee's."""
    own = shift.copy()
    for service in np.flatnonzero(shift > 0):
        below = max((float(shift[callee]) for callee in seen.callees(int(service))), default=0.0)
        if below >= 1:
            own[service] /= 1 + min(1.0, below / float(shift[service]))
    return own
