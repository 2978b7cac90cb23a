"""The same cases, harder: edges missing or false, services unmonitored or renamed; no fault."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import numpy as np

from agents.evaluation.rca_data import Case, DataSet, Grid
from agents.evaluation.rca_views import AS_IS, Change, Views

SHARE = 0.10
"""of the edges missing or false, of the services unmonitored"""
REPEATS = 5
"""of what is drawn at random, per case"""
QUIET_WINDOWS = 5
FAR_SECS = 1_800
"""No-fault windows keep so far from every alert where the frame is long enough: near one it is not quiet."""


class Arm(StrEnum):
    AS_IS = "as is"
    EDGES_MISSING = "10 % of edges missing"
    EDGES_FALSE = "10 % of edges false"
    UNMONITORED = "10 % of services unmonitored"
    RENAMED = "services renamed at random"
    NO_FAULT = "no fault"


@dataclass(frozen=True, slots=True)
class Trial:
    case: Case
    change: Change


def trials(arm: Arm, views: Views, seed: int) -> Iterator[Trial]:
    """Seeded by the case's number: nothing hangs on names."""
    for number, case in enumerate(views.data.cases):
        draw = random.Random(f"{seed}/{arm.name}/{number}")
        if not case.causes and arm != Arm.AS_IS:
            continue
        if arm in (Arm.AS_IS, Arm.RENAMED):
            yield Trial(case, AS_IS)
        elif arm == Arm.NO_FAULT:
            yield from (
                Trial(replace(case, causes=frozenset()), change) for change in _quiet(views, case, draw)
            )
        else:
            yield from (Trial(case, _harmed(arm, views, case, draw)) for _ in range(REPEATS))


def _harmed(arm: Arm, views: Views, case: Case, draw: random.Random) -> Change:
    edges = views.data.edges.get(case.system, frozenset())
    names = sorted({name for edge in edges for name in edge} | {case.service})
    if arm == Arm.EDGES_MISSING:
        return Change(edges=frozenset(edge for edge in sorted(edges) if draw.random() >= SHARE))
    if arm == Arm.EDGES_FALSE:
        false = {(draw.choice(names), draw.choice(names)) for _ in range(round(SHARE * len(edges)))}
        return Change(edges=edges | false)
    hidden = (name for name in names if name != case.service and draw.random() < SHARE)
    return Change(unmonitored=frozenset(hidden))


def _quiet(views: Views, case: Case, draw: random.Random) -> Iterator[Change]:
    """Windows as long as the case's own, anywhere in its reference."""
    abnormal, quiet = views.frames(case)
    grids = views.data.metrics.get(quiet, {})
    if not grids:
        return
    grid = max(grids.values(), key=lambda grid: len(grid.times))
    times = grid.times[views.quiet_rows(quiet, grid)]
    rows = _window_rows(views, case, abnormal)
    alerts = np.array(views.alerts(quiet))
    starts = np.arange(max(0, len(times) - rows))
    if len(alerts) and len(starts):
        away = np.abs(times[starts][:, None] - alerts[None, :]).min(axis=1)
        far = starts[away >= FAR_SECS]
        starts = far if len(far) >= QUIET_WINDOWS else starts
    for _ in range(QUIET_WINDOWS if len(starts) else 0):
        start = int(draw.choice(starts.tolist()))
        yield Change(quiet_window=(float(times[start]), float(times[start + rows - 1]) + 1))


def _window_rows(views: Views, case: Case, abnormal: str) -> int:
    measures = views.view(case).observed.measures
    return max(1, max((len(measure.now) for measure in measures), default=1)) if abnormal else 1


def renamed(data: DataSet, seed: int) -> DataSet:
    """Every service under another name, every table in another order."""
    draw = random.Random(seed)
    names = sorted(_names(data))
    new = [f"s{number:05d}" for number in range(len(names))]
    draw.shuffle(new)
    to = dict(zip(names, new, strict=True))
    return DataSet(
        data.name,
        [
            replace(
                case, service=to[case.service], causes=frozenset(to.get(name, name) for name in case.causes)
            )
            for case in data.cases
        ],
        {system: frozenset((to[a], to[b]) for a, b in edges) for system, edges in data.edges.items()},
        {
            frame: {metric: _reordered(grid, to, draw) for metric, grid in grids.items()}
            for frame, grids in data.metrics.items()
        },
        *({frame: _reordered(grid, to, draw) for frame, grid in part.items()} for part in _by_frame(data)),
    )


def _by_frame(data: DataSet) -> tuple[Mapping[str, Grid], ...]:
    return data.gaps, data.calls, data.logs


def _reordered(grid: Grid, to: Mapping[str, str], draw: random.Random) -> Grid:
    order = list(range(len(grid.columns)))
    draw.shuffle(order)
    return Grid(grid.times, [_named(grid.columns[at], to) for at in order], grid.values[:, order])


def _named(column: Any, to: Mapping[str, str]) -> Any:
    """A service, an edge, or a (service, template): a template keeps its text."""
    return to[column] if isinstance(column, str) else tuple(to.get(part, part) for part in column)


def _names(data: DataSet) -> set[str]:
    names = {case.service for case in data.cases}
    names |= {name for edges in data.edges.values() for edge in edges for name in edge}
    names |= {name for grids in data.metrics.values() for grid in grids.values() for name in grid.columns}
    names |= {name for grid in data.gaps.values() for edge in grid.columns for name in edge}
    return names | {service for grid in data.logs.values() for service, _ in grid.columns}
