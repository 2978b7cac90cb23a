"""What the commands print: tables for people, JSON for programs."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from agents.visible import visible
from awoooi.explain import is_secret
from awoooi.init import Made
from awoooi.loading import Loaded, known_settings

HIDDEN = "********"


def print_made(state: Path, made: Sequence[Made]) -> None:
    if not any(thing.is_new for thing in made):
        print(f"{state}: everything is there already; nothing was changed.")
        return
    print(f"{state}:")
    for thing in made:
        print(f"  {'made' if thing.is_new else 'kept'}  {thing.path.name:24} {thing.what}")
    for thing in made:
        if thing.shown:
            print(f"\nThe token, shown this once (it also lies in {thing.path}):\n  {thing.shown}")


def print_settings(loaded: Loaded, *, as_json: bool) -> None:
    rows = list(_settings(loaded))
    if as_json:
        print_json([dict(zip(("setting", "variable", "value", "from"), row, strict=True)) for row in rows])
        return
    shown = [(variable, _shown(value), origin) for _, variable, value, origin in rows]
    print_table(("variable", "value", "from"), shown)
    if loaded.file is not None:
        print(f"\nfile: {loaded.file}")


def _settings(loaded: Loaded) -> Iterable[tuple[str, str, Any, str]]:
    for setting in known_settings():
        value: Any = loaded.settings
        for part in setting.name:
            value = getattr(value, part)
        if is_secret(setting.field) and value is not None:
            value = HIDDEN if value.get_secret_value() else ""
        yield setting.dotted, setting.variable, _plain(value), loaded.origin(*setting.name).value


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Path) else value


def _shown(value: Any) -> str:
    if value is None or value in ("", (), {}):
        return "–"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ", ".join(value)
    if isinstance(value, dict):
        return ", ".join(f"{name}={inner}" for name, inner in value.items())
    return str(value)


def warn(text: str) -> None:
    """To whoever still reads: a full disk or a closed terminal behind it ends nothing."""
    with contextlib.suppress(OSError):
        print(text, file=sys.stderr, flush=True)


def as_text(value: Any) -> Any:
    """Times in UTC, and said so, to the millisecond; all else as it is."""
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds").replace("+00:00", "") + "Z"
    return value


def print_json(value: Any) -> None:
    json.dump(value, sys.stdout, indent=2, ensure_ascii=False, default=str)
    print()


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Plain columns, as wide as they need to be: it can be read, piped and searched."""
    shown = [[visible(cell) for cell in row] for row in (columns, *rows)]
    widths = [max(len(cell) for cell in column) for column in zip(*shown, strict=True)]
    for row in shown:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
