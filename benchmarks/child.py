"""A part under test as a process of its own, with its log kept until the run ends well."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.peers.process import Process

READY = "benchmark: ready"


@contextmanager
def child(folder: Path, name: str, module: str, *arguments: str) -> Iterator[Process]:
    """`python -m module arguments`, stopped when the block ends."""
    process = Process([sys.executable, "-m", module, *arguments], folder / f"{name}.log")
    process.start()
    try:
        yield process
    finally:
        process.stop()


def wait_ready(process: Process, secs: float = 90) -> None:
    process.wait_for_output(READY, timeout=secs)


def cpu_secs(pid: int) -> float:
    """What the process has used so far, in user space and in the kernel."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_bytes(pid: int) -> int:
    """What the process has in memory; what it shares is divided among those who share it."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"process {pid} has no memory to speak of")
