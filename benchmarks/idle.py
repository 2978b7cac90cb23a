"""`awoooi up` with nothing to do: the memory and the processor time of all its processes."""

from __future__ import annotations

import asyncio
from pathlib import Path

from benchmarks.child import cpu_secs, memory_bytes
from benchmarks.measured import Measured, Scale
from benchmarks.product import Product

READY_SECS = 90


async def measure(scale: Scale) -> Measured:
    product = Product(scale.folder / "idle")
    secs = scale.of(30, 10)
    with product.running("up") as up:
        up.wait_for_output("Ready after", READY_SECS)
        await asyncio.sleep(scale.of(5, 2))  # what the start has left to do
        tree = family(up.pid)
        before = {pid: cpu_secs(pid) for pid in tree}
        await asyncio.sleep(secs)
        if family(up.pid) != tree:
            raise RuntimeError(f"processes came or went while idle:\n{up.tail()}")
        used = {name_of(pid): cpu_secs(pid) - before[pid] for pid in tree}
        resident = {name_of(pid): resident_bytes(pid) for pid in tree}
        shared = sum(memory_bytes(pid) for pid in tree)
        ready = up.output().partition("Ready after ")[2].split()[0]
    more = {"idle_pss_mb": shared / 1e6, "up_ready_s": float(ready), "idle_processes": len(tree)}
    more |= {f"idle_rss_mb_{name}": size / 1e6 for name, size in resident.items()}
    more |= {f"idle_cpu_percent_{name}": took / secs * 100 for name, took in used.items()}
    keys = {
        "idle_rss_mb": sum(resident.values()) / 1e6,
        "idle_cpu_percent": sum(used.values()) / secs * 100,
    }
    return Measured(keys, more)


def family(pid: int) -> list[int]:
    """The process and all below it."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(found for child in children for found in family(int(child)))]


def resident_bytes(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0


def name_of(pid: int) -> str:
    """The subcommand; what is no command of ours is the embedded broker."""
    words = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    known = [word for word in words if word in ("up", "worker", "gateway", "sink", "store")]
    return known[0] if known else "broker"
