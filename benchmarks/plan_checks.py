"""The executor's checks, step by step: `python -m benchmarks.plan_checks KUBECONFIG STEPS ROUNDS ANSWER`."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import uvloop

from awoooi.memory import collect_seldom
from connectors.executors.contract import Checked, Order
from connectors.kubernetes.config import ExecutorConfig
from connectors.kubernetes.execution.executor import KubernetesExecutor
from schemas.operations import Step

ACTION_ID = "9c1d2c3b-0000-5000-8000-0000000000b1"
MUST_PASS = ("permission", "exists", "blast_radius", "dry_run")


@dataclass(slots=True)
class Told:
    """By operation."""

    ms: dict[str, list[float]] = field(default_factory=dict)
    counted: dict[str, str] = field(default_factory=dict)


async def run(kubeconfig: str, orders: Sequence[Order], rounds: int) -> dict[str, object]:
    """Round by round, so that no operation has the warmest moment."""
    executor = KubernetesExecutor(ExecutorConfig(clusters={"*": kubeconfig}))
    told, before = Told(), peak_bytes()
    try:
        for _ in range(rounds):
            for order in orders:
                began = time.perf_counter()
                checked = await executor.check(order)
                told.ms.setdefault(order.step.operation, []).append((time.perf_counter() - began) * 1000)
                told.counted[order.step.operation] = blast_radius(order, checked)
    finally:
        await executor.close()
    return {
        "ms": {name: median(took) for name, took in told.ms.items()},
        "worst_ms": max(max(took) for took in told.ms.values()),
        "counted": told.counted,
        "peak_bytes": peak_bytes(),
        "added_bytes": peak_bytes() - before,
    }


def blast_radius(order: Order, checked: Checked) -> str:
    """What was looked at; a check that came to nothing measures nothing."""
    named = {check.name: check for check in checked.checks}
    for name in MUST_PASS:
        if name not in named or not named[name].passed:
            why = named[name].message if name in named else f"nothing after {checked.checks[-1].message}"
            raise SystemExit(f"{order.step.operation}: {name}: {why}")
    return named["blast_radius"].message


def peak_bytes() -> int:
    """The most that the whole process ever had, with Python and every module.

    Not by getrusage: there a process begins with the peak of the one that started it.
    """
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))


def main(kubeconfig: str, steps: str, rounds: str, answer: str) -> None:
    orders = [Order(Step.model_validate(step), ACTION_ID) for step in json.loads(Path(steps).read_bytes())]
    collect_seldom()  # as every worker does
    Path(answer).write_text(json.dumps(uvloop.run(run(kubeconfig, orders, int(rounds)))))


if __name__ == "__main__":
    main(*sys.argv[1:])
