"""The worlds of the executor `mcp` for the suite that every executor is held to."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from connectors.mcp.config import McpConfig
from connectors.mcp.executor import McpExecutor
from schemas.operations import Operation
from tests.connectors.executors.worlds import OWNER, World, named_order, scaling_world
from tests.connectors.kubernetes.orders import executing
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
async def behind_mcp(kubeconfig: Path, **settings: Any) -> AsyncIterator[McpExecutor]:
    async with executing(kubeconfig) as behind, over_mcp(behind, [SCALE], **settings) as executor:
        yield executor


WORLDS = {"mcp": tool_world, "kubernetes over mcp": partial(scaling_world, opened=behind_mcp)}
