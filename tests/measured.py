"""Reference data for measuring, kept outside the project: `AWOOOI_DATA`, else `../shared/data` beside it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

BESIDE = Path(__file__).parents[1].parent / "shared" / "data"


def measured(name: str) -> list[dict[str, Any]]:
    """The lines of one file; the test is skipped, saying what is missing, where the data is not there."""
    path = Path(os.environ.get("AWOOOI_DATA", BESIDE)) / name
    if not path.exists():
        pytest.skip(f"no reference data: {name} (set AWOOOI_DATA)")
    return [json.loads(line) for line in path.read_text().splitlines()]
