"""A whole system of its own for a demo: free ports, a folder that goes away, nothing left behind."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from awoooi.child import Child, last_lines
from awoooi.loading import CONFIG_VARIABLE, PREFIX, Loaded, load
from awoooi.ports import free_ports
from awoooi.state_file import running
from awoooi.up import LOGS
from schemas.errors import AwoooiError

KUBECONFIG, EXECUTOR_KUBECONFIG = "kubeconfig", "executor.kubeconfig"
PLAYBOOK = Path(__file__).parent / "demo_playbook.yaml"
READY_WITHIN_SECS, ENDS_WITHIN_SECS = 120.0, 30.0
PORTS = (
    "AWOOOI_BROKER_PORT",
    "AWOOOI_STORE_PORT",
    "AWOOOI_GATEWAY_PORT",
    "AWOOOI_HEALTH_INGEST_PORT",
    "AWOOOI_HEALTH_SINK_PORT",
)


class NotReady(AwoooiError):
    """The stack did not come up; the message holds what its parts said last."""


@dataclass(frozen=True, slots=True)
class Logins:
    """Kubeconfigs: what evidence reads with, and what the executor acts with."""

    reads: Path
    writes: Path


@dataclass(slots=True)
class Stack:
    loaded: Loaded
    logins: Logins | None = None
    """its cluster's; none of ours where it is somebody else's"""
    keeps_logs: bool = False
    """something failed: its logs outlive it"""


@asynccontextmanager
async def own_stack(given: Logins | None = None) -> AsyncIterator[Stack]:
    """`awoooi up` as a child, ready. No settings of the surroundings reach it.

    It touches nothing real but the cluster that it is given; else it has one of its own, in memory.
    """
    folder = Path(tempfile.mkdtemp(prefix="awoooi-demo-"))
    logins = given or Logins(folder / KUBECONFIG, folder / EXECUTOR_KUBECONFIG)
    environment = _environment(folder, logins)
    stack, children = Stack(load(environment), logins), list[Child]()
    try:
        if given is None:
            children.append(await _start(folder, environment, "fake-cluster", *_cluster_options(logins)))
        children.append(await _start(folder, environment, "up"))
        await _until_ready(children[-1], folder)
        stack.loaded = load(environment)  # with what its first start has made
        yield stack
    except NotReady:
        stack.keeps_logs = True
        raise
    finally:
        for child in reversed(children):
            await child.stop(ENDS_WITHIN_SECS)
        _clear(folder, keeps_logs=stack.keeps_logs)


def _clear(folder: Path, *, keeps_logs: bool) -> None:
    if not keeps_logs:
        shutil.rmtree(folder, ignore_errors=True)
        return
    for path in folder.iterdir():
        if path.is_dir() and path.name != LOGS:
            shutil.rmtree(path, ignore_errors=True)
        elif path.is_file() and path.suffix != ".log":
            path.unlink()


async def _start(folder: Path, environment: Mapping[str, str], *words: str) -> Child:
    command = (sys.executable, "-m", "awoooi", *words)
    return await Child.start(command, folder / f"{words[0]}.log", environment, folder=folder)


def _cluster_options(logins: Logins) -> tuple[str, ...]:
    """A cluster in memory, with the demo's story in it."""
    written = "--kubeconfig", str(logins.reads), "--executor-kubeconfig", str(logins.writes)
    return "--port", "0", *written


def _environment(folder: Path, logins: Logins) -> Mapping[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    (folder / "awoooi.yaml").touch()
    ports = dict(zip(PORTS, map(str, free_ports(len(PORTS))), strict=True))
    places = {
        CONFIG_VARIABLE: str(folder / "awoooi.yaml"),
        "AWOOOI_STATE_DIR": str(folder),
        "AWOOOI_KUBERNETES_CLUSTERS": f"*={logins.reads}",
        "AWOOOI_EXECUTOR_CLUSTERS": f"*={logins.writes}",
        "AWOOOI_EXECUTORS": "DELETE_POD=mcp",
        "AWOOOI_MCP_KUBERNETES_CLUSTERS": f"*={logins.writes}",
        "AWOOOI_MCP_KUBERNETES_OPERATIONS": "DELETE_POD",
        "AWOOOI_MODELS_ORDER": "[]",  # no model of this machine is asked
        "AWOOOI_PLAYBOOKS": str(PLAYBOOK),
    }
    return {**inherited, **ports, **places, "PYTHONPATH": os.pathsep.join(sys.path)}


async def _until_ready(child: Child, folder: Path) -> None:
    deadline = time.monotonic() + READY_WITHIN_SECS
    while child.running and time.monotonic() < deadline:
        state = running(folder)
        if state is not None and state["ready"]:
            return
        await asyncio.sleep(0.1)
    why = f"not within {READY_WITHIN_SECS:.0f} s" if child.running else how_it_ended(await child.wait())
    raise NotReady(f"the system did not become ready: {why}\n{what_logs_say(folder)}")


def how_it_ended(exit_status: int) -> str:
    if exit_status == -signal.SIGKILL:
        return "it was killed; the kernel does that where memory runs out"
    return f"it ended with exit status {exit_status}"


def what_logs_say(state: Path) -> str:
    """The last word of each part, what went wrong where any line says so, and where the rest is."""
    told = []
    logs = [*sorted(state.glob("*.log")), *sorted((state / LOGS).glob("*.log"))]
    for log in logs:
        lines = last_lines(log, 40)
        bad = [line for line in lines if _is_bad(line)]
        for line in bad[-4:] or lines[-1:]:
            told.append(f"    {log.stem}: {line[:400]}")
    told.append(f"    The whole logs are in {state}.")
    return "\n".join(told)


def _is_bad(line: str) -> bool:
    with contextlib.suppress(ValueError):
        found = json.loads(line)
        return isinstance(found, dict) and found.get("level") in ("warning", "error", "critical")
    return "rror" in line
