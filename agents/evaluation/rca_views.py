"""A case of a data set as what was observed: which rows are the window, which are quiet time."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.delays import Delays
from agents.detectors import Floats, Measure, Quiet
from agents.evaluation.metric_roles import as_rising, chosen, highest_of, role_of
from agents.evaluation.rca_data import AFTERMATH_SECS, Case, DataSet, Grid
from agents.mixes import Mix
from agents.suspects import Observed

Rows = NDArray[np.bool_]
EMPTY = Grid(np.empty(0, np.int64), (), np.empty((0, 0)))
MINUTE = 60
MOSTLY = 0.5
"""A minute in which a fault began is quiet if this much of it was before."""
ALL_BUT = 0.8
"""the same for a window that shall have no fault"""
FEWEST_MINUTES = 8


@dataclass(frozen=True, slots=True)
class Change:
    """What an arm of the evaluation alters about a case."""

    edges: frozenset[tuple[str, str]] | None = None
    unmonitored: frozenset[str] = frozenset()
    quiet_window: tuple[float, float] | None = None
    """no fault: this part of the reference as the window"""


AS_IS = Change()


@dataclass(frozen=True, slots=True)
class View:
    """Names to the numbers of what was observed."""

    services: list[str]
    observed: Observed


@dataclass(slots=True)
class Views:
    data: DataSet
    _kept: dict[tuple[Hashable, ...], Quiet] = field(default_factory=dict)

    def frames(self, case: Case) -> tuple[str, str]:
        """Where its abnormal rows are, and its quiet ones."""
        known = self.data.metrics
        told = (case.reference, case.reference.split(" ")[0], case.reference.split(",")[0])
        quiet = next((name for name in told if name in known), "")
        if not quiet:
            covering = (name for name in known if name != case.name and self._covers(name, case.t_alert))
            quiet = next(covering, case.name if case.name in known else "")
        return (case.name if case.name in known else quiet), quiet

    def _covers(self, frame: str, at: float) -> bool:
        return any(
            len(g.times) and g.times[0] <= at <= g.times[-1] for g in self.data.metrics[frame].values()
        )

    def view(self, case: Case, change: Change = AS_IS) -> View:
        abnormal, quiet = self.frames(case)
        services = self._services(case, abnormal, quiet)
        at = {name: number for number, name in enumerate(services)}
        edges = self.data.edges.get(case.system, frozenset()) if change.edges is None else change.edges
        callees, callers = _both_ways(edges, at)
        symptom = at[case.service]
        hidden = {at[name] for name in change.unmonitored if name in at}
        window = change.quiet_window or case.window or (case.t_alert, case.t_alert + AFTERMATH_SECS)
        parts = _Parts(self, case, abnormal, quiet, at, window, change, hidden)
        return View(
            services,
            Observed(
                services=len(services),
                symptom=symptom,
                role=role_of(case.metric),
                callees=lambda number: callees.get(number, ()),
                above=_above(symptom, callers),
                measures=parts.measures(),
                delays=parts.delays(),
                logs=parts.logs(),
                calls=parts.calls(),
            ),
        )

    def quiet_rows(self, frame: str, grid: Grid) -> Rows:
        """A reference frame is quiet; where cases lie within it, not during and right after their alerts."""
        rows = np.ones(len(grid.times), bool)
        for alert in self.alerts(frame):
            rows &= (grid.times < alert) | (grid.times >= alert + AFTERMATH_SECS)
        return rows

    def alerts(self, frame: str) -> list[float]:
        return [case.t_alert for case in self.data.cases if self.frames(case)[0] == frame]

    def kept(self, key: tuple[Hashable, ...], samples: Floats) -> Quiet:
        if key not in self._kept:
            self._kept[key] = Quiet(samples)
        return self._kept[key]

    def forget(self, window: tuple[float, float]) -> None:
        """What was kept for a quiet window: the next one is another."""
        self._kept = {key: quiet for key, quiet in self._kept.items() if key[-1] != window}

    def _services(self, case: Case, *frames: str) -> list[str]:
        names = {case.service, *(name for edge in self.data.edges.get(case.system, ()) for name in edge)}
        for frame in frames:
            names.update(*(grid.columns for grid in self.data.metrics.get(frame, {}).values()))
        return sorted(names)


@dataclass(frozen=True, slots=True)
class _Parts:
    """The tables of one case, row by row and column by column."""

    views: Views
    case: Case
    abnormal: str
    quiet: str
    at: Mapping[str, int]
    window: tuple[float, float]
    change: Change
    hidden: Collection[int]

    def measures(self) -> list[Measure]:
        references = self.views.data.metrics.get(self.quiet, {})
        return [
            self._measure(metric, references[metric]) for metric in chosen(list(references), self.case.metric)
        ]

    def _measure(self, metric: str, reference: Grid) -> Measure:
        quiet = self.views.quiet_rows(self.quiet, reference)
        if self.change.quiet_window:
            rows, source = quiet & self._within(reference), reference
            quiet = quiet & ~_widened(rows)
        else:
            source = self.views.data.metrics.get(self.abnormal, {}).get(metric, EMPTY)
            rows = self._window_rows(source)
        highest = highest_of(reference.values, source.values)
        now = self._placed(source, rows)
        now[:, list(self.hidden)] = np.nan
        key = (self.quiet, metric, tuple(self.at), self.change.quiet_window)
        samples = as_rising(metric, self._placed(reference, quiet), highest)
        return Measure(role_of(metric), as_rising(metric, now, highest), self.views.kept(key, samples))

    def delays(self) -> Delays | None:
        gaps, calls = self._minutes(self.views.data.gaps, np.nan), self._minutes(self.views.data.calls, 0.0)
        told = {edge: number for number, edge in enumerate(calls.columns)}
        columns = [number for number, edge in enumerate(gaps.columns) if self._seen(*edge)]
        if gaps.is_empty or not columns:
            return None
        edges = [gaps.columns[column] for column in columns]
        made = calls.now[:, [told[edge] for edge in edges]].sum(axis=0)
        numbered = [(self.at[caller], self.at[callee]) for caller, callee in edges]
        return Delays(numbered, gaps.now[:, columns], gaps.quiet[:, columns], made)

    def logs(self) -> dict[int, Mix]:
        return self._mixes(self.views.data.logs, fewest=1)

    def calls(self) -> dict[int, Mix]:
        return self._mixes(self.views.data.calls, fewest=2)

    def _mixes(self, tables: Mapping[str, Grid], fewest: int) -> dict[int, Mix]:
        counts = self._minutes(tables, 0.0)
        kinds: dict[int, list[int]] = {}
        for column, (service, _) in enumerate(counts.columns):
            if self._seen(service):
                kinds.setdefault(self.at[service], []).append(column)
        if counts.is_empty:
            return {}
        return {
            service: Mix(counts.now[:, columns], counts.quiet[:, columns])
            for service, columns in kinds.items()
            if len(columns) >= fewest
        }

    def _minutes(self, tables: Mapping[str, Grid], absent: float) -> _Minutes:
        """Rows that each tell of a minute: the window's, and quiet ones."""
        reference = tables.get(self.quiet, EMPTY)
        quiet, before = self.views.quiet_rows(self.quiet, reference), self._before_a_fault(reference)
        source = reference if self.change.quiet_window else tables.get(self.abnormal, EMPTY)
        now = self._window_rows(source)
        if self.change.quiet_window:
            now &= quiet & (before >= ALL_BUT)
        if source is reference:
            quiet &= ~now
        mostly = quiet & (before >= MOSTLY)
        quiet = mostly if mostly.sum() >= FEWEST_MINUTES else quiet
        columns = sorted({*source.columns, *reference.columns})
        return _Minutes(
            columns, _spread(source, now, columns, absent), _spread(reference, quiet, columns, absent)
        )

    def _before_a_fault(self, grid: Grid) -> Floats:
        """Which part of each minute lies before the next alert."""
        part = np.ones(len(grid.times))
        for alert in self.views.alerts(self.quiet):
            left = (alert - grid.times) / MINUTE
            part = np.where((left > 0) & (left < 1), np.fmin(part, left), part)
        return part

    def _window_rows(self, grid: Grid) -> Rows:
        """All of a case's own frame, where it says no window."""
        own = self.abnormal == self.case.name and self.abnormal != self.quiet
        whole = own and self.case.window is None and not self.change.quiet_window
        return np.ones(len(grid.times), bool) if whole else self._within(grid)

    def _within(self, grid: Grid) -> Rows:
        start, end = self.window
        rows: Rows = (grid.times >= start) & (grid.times < end)
        return rows

    def _seen(self, *services: str) -> bool:
        return all(name in self.at and self.at[name] not in self.hidden for name in services)

    def _placed(self, grid: Grid, rows: Rows) -> Floats:
        placed = np.full((int(rows.sum()), len(self.at)), np.nan)
        placed[:, [self.at[name] for name in grid.columns]] = grid.values[rows]
        return placed


@dataclass(frozen=True, slots=True)
class _Minutes:
    columns: Sequence[Any]
    now: Floats
    quiet: Floats

    @property
    def is_empty(self) -> bool:
        return not len(self.now) or not len(self.quiet)


def _spread(grid: Grid, rows: Rows, columns: Sequence[Any], absent: float) -> Floats:
    """Its rows under the columns of both frames."""
    at = {column: number for number, column in enumerate(columns)}
    spread = np.full((int(rows.sum()), len(columns)), absent)
    spread[:, [at[column] for column in grid.columns]] = grid.values[rows]
    return spread


def _widened(rows: Rows) -> Rows:
    """With as many rows on either side: a window is not held against itself."""
    found = np.flatnonzero(rows)
    wide = rows.copy()
    if len(found):
        wide[max(0, found[0] - len(found)) : found[-1] + len(found) + 1] = True
    return wide


def _both_ways(
    edges: Collection[tuple[str, str]], at: Mapping[str, int]
) -> tuple[dict[int, set[int]], dict[int, set[int]]]:
    callees: dict[int, set[int]] = {}
    callers: dict[int, set[int]] = {}
    for caller, callee in edges:
        if caller in at and callee in at and caller != callee:
            callees.setdefault(at[caller], set()).add(at[callee])
            callers.setdefault(at[callee], set()).add(at[caller])
    return callees, callers


def _above(service: int, callers: Mapping[int, Collection[int]]) -> set[int]:
    seen, ring = set[int](), [service]
    while ring:
        for near in callers.get(ring.pop(), ()):
            if near not in seen:
                seen.add(near)
                ring.append(near)
    return seen - {service}
