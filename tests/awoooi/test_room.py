"""How much memory is free, as a system tells it or does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from awoooi.room import free_mb

MEMINFO = "MemTotal:       24683628 kB\nMemAvailable:    2048000 kB\n"
CASES = {
    "a machine alone": (MEMINFO, None, 2000),
    "a container without a limit": (MEMINFO, "max", 2000),
    "a container's limit, its cache given back": (MEMINFO, str(900 * 2**20), 900 - 500 + 100),
    "a limit above what the machine has": (MEMINFO, str(9000 * 2**20), 2000),
    "nobody tells": ("rubbish", None, None),
}


@pytest.mark.parametrize(("meminfo", "limit", "free"), CASES.values(), ids=CASES)
def test_what_is_free_is_the_least_that_is_told(
    meminfo: str, limit: str | None, free: int | None, tmp_path: Path
) -> None:
    (tmp_path / "meminfo").write_text(meminfo)
    if limit is not None:
        (tmp_path / "memory.max").write_text(f"{limit}\n")
        (tmp_path / "memory.current").write_text(f"{500 * 2**20}\n")
        (tmp_path / "memory.stat").write_text(f"anon 1\ninactive_file {100 * 2**20}\n")

    assert free_mb(tmp_path / "meminfo", tmp_path) == free
