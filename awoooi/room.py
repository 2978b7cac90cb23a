"""How much memory there is for what is about to start."""

from __future__ import annotations

import re
from pathlib import Path

_SYSTEM = Path("/proc/meminfo")
_GROUP = Path("/sys/fs/cgroup")
_AVAILABLE = re.compile(r"^MemAvailable:\s+(\d+) kB$", re.MULTILINE)
_MB = 1024 * 1024


def free_mb(system: Path = _SYSTEM, group: Path = _GROUP) -> int | None:
    """The machine's, or what a container's limit leaves of it; none where the system does not tell."""
    free = [found for found in (_of_machine(system), _of_group(group)) if found is not None]
    return min(free, default=None)


def _of_machine(system: Path) -> int | None:
    try:
        found = _AVAILABLE.search(system.read_text())
    except OSError:
        return None
    return int(found[1]) // 1024 if found else None


def _of_group(group: Path) -> int | None:
    """Without what it holds as a cache of files: that is given back when it is needed."""
    try:
        limit = (group / "memory.max").read_text().strip()
        used = int((group / "memory.current").read_text())
        kept = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
    except (OSError, ValueError):
        return None
    return (int(limit) - used + int(kept.get("inactive_file", 0))) // _MB if limit.isdigit() else None
