"""The table, and the same as JSON."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.measured import Measured
from benchmarks.targets import TARGETS, Target


def machine() -> str:
    cpu = next(_values("/proc/cpuinfo", "model name"), platform.processor() or "unknown processor")
    memory = int(next(_values("/proc/meminfo", "MemTotal"), "0").split()[0])
    system = f"{platform.system()} {platform.release()}, Python {platform.python_version()}"
    return f"{os.cpu_count()} × {cpu}, {memory / 1024**2:.0f} GiB, {system}"


def _values(path: str, name: str) -> Iterator[str]:
    lines = Path(path).read_text().splitlines() if Path(path).exists() else []
    return (line.partition(":")[2].strip() for line in lines if line.startswith(name))


def table(measured: Measured, wanted: Iterable[str]) -> str:
    """One line a key; what was asked for and not measured shows as missed."""
    rows: list[tuple[str, ...]] = [("key", "measured", "must", "aim", "")]
    chosen = set(wanted)
    rows += [_row(target, measured.keys) for target in TARGETS if target.key in chosen]
    more: list[tuple[str, ...]] = [
        (name, number(value), "", "", "") for name, value in sorted(measured.more.items())
    ]
    widths = [max(len(row[column]) for row in [*rows, *more]) for column in range(5)]
    lines = [_line(row, widths) for row in rows]
    if more:
        lines += ["", "beside them", *(_line(row, widths) for row in more)]
    return "\n".join(lines)


def _row(target: Target, keys: Mapping[str, float]) -> tuple[str, ...]:
    value, sign = keys.get(target.key), "≤" if target.at_most else "≥"
    if target.reaches_aim(value):
        verdict = "ok, aim reached"
    elif target.met(value):
        verdict = "ok"
    else:
        verdict = "MISSED" if value is not None else "MISSED: not measured"
    aim = "" if target.aim is None else f"{sign} {number(target.aim)}"
    shown = "–" if value is None else number(value)
    return target.key, shown, f"{sign} {number(target.must)}", aim, verdict


def _beside(name: str, value: float) -> tuple[str, ...]:
    return name, number(value), "", "", ""


def _line(row: tuple[str, ...], widths: list[int]) -> str:
    name, *figures, verdict = row
    cells = [name.ljust(widths[0])]
    cells += [cell.rjust(width) for cell, width in zip(figures, widths[1:-1], strict=True)]
    return "  ".join([*cells, verdict]).rstrip()


def number(value: float) -> str:
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if value < 100 else f"{value:.0f}"


def document(measured: Measured, *, quick: bool) -> dict[str, object]:
    """The keys of the table at the top, everything else beside them."""
    about = {"machine": machine(), "at": datetime.now(UTC).isoformat(timespec="seconds"), "quick": quick}
    return {**measured.keys, "more": measured.more, **about}


def write(path: Path, measured: Measured, *, quick: bool) -> None:
    path.write_text(json.dumps(document(measured, quick=quick), indent=2) + "\n")
