"""The worlds of the executor `mcp` for the suite that every executor is held to."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from connectors.kubernetes import kinds
from connectors.kubernetes.fake import FakeCluster
from connectors.kubernetes.fake_server import Fault, serving
from connectors.mcp.config import McpConfig
from connectors.mcp.executor import McpExecutor
from schemas.operations import Operation
from tests.connectors.executors.worlds import OWNER, World, named_order
from tests.connectors.kubernetes.orders import executing, order
from tests.connectors.kubernetes.worlds import fake_world
from tests.connectors.mcp import lamp as program
from tests.connectors.mcp.support import NOWHERE, SLOW, TURN_OFF, TURN_ON, over_mcp

SCALE, TOOL = Operation.SCALE_DEPLOYMENT, Operation.CALL_TOOL


def lamp_command(folder: Path) -> tuple[str, ...]:
    """Python alone, without site: it starts in a moment."""
    return (sys.executable, "-S", "-E", str(Path(program.__file__)), str(folder))


def lamp_config(folder: Path) -> McpConfig:
    """Two servers around one lamp: the calls of one are not answered in time."""
    command = lamp_command(folder)
    servers = {"lamp": {"command": command}, "slow": {"command": command, "call_timeout_secs": 0.4}}
    tools = {"turn-on": TURN_ON, "turn-off": TURN_OFF, "slow": SLOW}
    return McpConfig.model_validate({"servers": servers, "tools": tools})


@asynccontextmanager
async def tool_world(folder: Path) -> AsyncIterator[World]:
    ledger, state = folder / "ledger", folder / "state"
    executor = McpExecutor(lamp_config(folder), NOWHERE, [])
    try:
        yield World(
            executor,
            lambda action_id: named_order(TOOL, "turn-on", action_id, owner=OWNER),
            named_order(TOOL, "turn-on", owner="a b"),
            (executor, named_order(TOOL, "slow", owner=OWNER)),
            lambda: len(ledger.read_text().split()) if ledger.exists() else 0,
            lambda: state.read_text() if state.exists() else "off",
            (OWNER,),
            lambda: (folder / "trouble").write_text("hangs"),
        )
    finally:
        await executor.close()


@asynccontextmanager
async def kubernetes_world(folder: Path) -> AsyncIterator[World]:
    with serving(FakeCluster()) as server:
        world = fake_world(server, folder)
        for name in ("api", "slow"):
            world.deploy(name, replicas=1)
        before = len(server.cluster.writes)
        async with (
            executing(world.peer.kubeconfig) as behind,
            over_mcp(behind, [SCALE]) as executor,
            over_mcp(behind, [SCALE], call_timeout_secs=0.8) as hasty,
        ):
            yield World(
                executor,
                lambda action_id: order(world, SCALE, "deployment", "api", replicas=2, action_id=action_id),
                order(world, SCALE, "deployment", "-api", replicas=2),
                (hasty, order(world, SCALE, "deployment", "slow", replicas=2)),
                lambda: len(server.cluster.writes) - before,
                lambda: server.cluster.get(kinds.DEPLOYMENT, "shop", "api")["spec"]["replicas"],
                ("api",),
                lambda: server.faults.append(Fault("PATCH", delay_secs=60)),
            )


WORLDS = {"mcp": tool_world, "kubernetes over mcp": kubernetes_world}
