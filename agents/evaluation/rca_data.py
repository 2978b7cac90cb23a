"""The documented layout of a root-cause data set: cases, edges, metrics, edge metrics, logs.

A frame is a reference period, a day, or a case: a grid of times by columns, NaN where nothing was measured.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.detectors import Floats
from schemas.errors import Misconfigured

Times = NDArray[np.int64]
REQUIRED = ("cases.jsonl", "edges.parquet", "metrics.parquet")
_SEPARATOR = "\x1f"
AFTERMATH_SECS = 300
"""after each alert of a day frame: no quiet time"""


@dataclass(frozen=True, slots=True)
class Case:
    name: str
    system: str
    service: str
    metric: str
    t_alert: float
    window: tuple[float, float] | None
    reference: str
    causes: frozenset[str]
    fault: str


@dataclass(frozen=True, slots=True)
class Grid:
    """Values of one frame: times by columns."""

    times: Times
    columns: Sequence[Any]
    values: Floats


@dataclass(frozen=True, slots=True)
class DataSet:
    name: str
    cases: Sequence[Case]
    edges: Mapping[str, frozenset[tuple[str, str]]]
    """by system"""
    metrics: Mapping[str, Mapping[str, Grid]]
    """frame, metric → one column a service"""
    gaps: Mapping[str, Grid]
    """frame → one column an edge: a caller's span less its callee's"""
    calls: Mapping[str, Grid]
    logs: Mapping[str, Grid]
    """frame → one column a (service, template)"""


def find(folder: Path) -> list[Path]:
    """The folder itself, or the data sets side by side in it."""
    if not folder.is_dir():
        raise Misconfigured(f"{folder}: no such folder")
    if (folder / REQUIRED[0]).exists():
        return [folder]
    found = sorted(path.parent for path in folder.glob(f"*/{REQUIRED[0]}"))
    if not found:
        raise Misconfigured(f"{folder}: no data set, neither here nor one level down ({', '.join(REQUIRED)})")
    return found


def load(folder: Path) -> DataSet:
    for name in REQUIRED:
        if not (folder / name).exists():
            raise Misconfigured(f"{folder}: {name} is missing; required are {', '.join(REQUIRED)}")
    edges: dict[str, set[tuple[str, str]]] = {}
    table = _table(folder / "edges.parquet", ("system", "caller", "callee"))
    for system, caller, callee in zip(*(table[name] for name in ("system", "caller", "callee")), strict=True):
        edges.setdefault(system, set()).add((caller, callee))
    gaps, calls = _edge_metrics(folder / "edge_metrics.parquet")
    return DataSet(
        folder.name,
        read_cases(folder / "cases.jsonl"),
        {system: frozenset(pairs) for system, pairs in edges.items()},
        _metrics(folder / "metrics.parquet"),
        gaps,
        calls,
        _logs(folder / "logs.parquet"),
    )


def read_cases(path: Path) -> list[Case]:
    cases = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if line.strip():
            try:
                cases.append(_case(json.loads(line)))
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise Misconfigured(f"{path}, line {number}: {type(error).__name__}: {error}") from error
    return cases


def _case(told: Mapping[str, Any]) -> Case:
    window, cause = told.get("window"), told.get("root_cause") or {}
    return Case(
        name=str(told["case"]),
        system=str(told["system"]),
        service=str(told["symptom"]["service"]),
        metric=str(told["symptom"].get("metric") or ""),
        t_alert=float(told["t_alert"]),
        window=(float(window[0]), float(window[1])) if window else None,
        reference=str(told.get("reference") or ""),
        causes=frozenset(map(str, cause.get("services") or ())),
        fault=str(cause.get("fault") or cause.get("metric") or ""),
    )


def _metrics(path: Path) -> dict[str, dict[str, Grid]]:
    table = _table(path, ("frame", "t", "service", "metric", "value"))
    return {
        frame: {metric: _grid(rows, ("service",), "value") for metric, rows in _parts(part, "metric")}
        for frame, part in _parts(table, "frame")
    }


def _edge_metrics(path: Path) -> tuple[dict[str, Grid], dict[str, Grid]]:
    if not path.exists():
        return {}, {}
    table = _table(path, ("frame", "t", "caller", "callee", "gap_ms", "calls"))
    parts = list(_parts(table, "frame"))
    gaps = {frame: _grid(rows, ("caller", "callee"), "gap_ms") for frame, rows in parts}
    return gaps, {frame: _grid(rows, ("caller", "callee"), "calls", absent=0.0) for frame, rows in parts}


def _logs(path: Path) -> dict[str, Grid]:
    if not path.exists():
        return {}
    table = _table(path, ("frame", "t", "service", "template", "lines"))
    return {
        frame: _grid(rows, ("service", "template"), "lines", absent=0.0)
        for frame, rows in _parts(table, "frame")
    }


Table = Mapping[str, NDArray[Any]]


def _table(path: Path, columns: Sequence[str]) -> Table:
    try:
        pyarrow, parquet = import_module("pyarrow"), import_module("pyarrow.parquet")
    except ImportError as error:
        raise Misconfigured("reading these tables needs pyarrow: pip install 'awoooi[eval]'") from error
    try:
        table = parquet.read_table(path)
    except (pyarrow.ArrowException, OSError) as error:
        raise Misconfigured(f"{path}: not a parquet file: {error}") from error
    if missing := sorted(set(columns) - set(table.column_names)):
        raise Misconfigured(f"{path}: no column {', '.join(missing)}; needed are {', '.join(columns)}")
    return {name: table[name].to_numpy() for name in columns}


def _parts(table: Table, by: str) -> list[tuple[str, Table]]:
    names, which = np.unique(table[by].astype(str), return_inverse=True)
    order = np.argsort(which, kind="stable")
    cuts = np.searchsorted(which[order], np.arange(1, len(names)))
    rows = np.split(order, cuts)
    return [
        (str(name), {column: values[part] for column, values in table.items() if column != by})
        for name, part in zip(names, rows, strict=True)
    ]


def _grid(table: Table, keys: Sequence[str], value: str, absent: float = np.nan) -> Grid:
    """Samples onto a grid of their own step, since those of different services lie some seconds apart."""
    names = [_SEPARATOR.join(key) for key in zip(*(table[key].astype(str) for key in keys), strict=True)]
    columns, column = np.unique(np.array(names, dtype=object), return_inverse=True)
    times = table["t"].astype(np.float64)
    start, step = float(times.min()), _step(times, column)
    rows, row = np.unique(np.floor((times - start) / step).astype(np.int64), return_inverse=True)
    values = np.full((len(rows), len(columns)), absent)
    values[row, column] = table[value].astype(np.float64)
    told = [name if len(keys) == 1 else tuple(name.split(_SEPARATOR)) for name in columns]
    return Grid((rows * step + start).astype(np.int64), told, values)


def _step(times: Floats, column: NDArray[np.int64]) -> float:
    """The usual distance between two samples of one series."""
    order = np.lexsort((times, column))
    same = np.diff(column[order]) == 0
    apart = np.diff(times[order])[same]
    apart = apart[apart > 0]
    return float(np.median(apart)) if len(apart) else 60.0
