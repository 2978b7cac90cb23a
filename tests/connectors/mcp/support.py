"""The executor of Kubernetes behind an MCP server, and the executor `mcp` before it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from mcp.server import Server
from mcp.shared.memory import create_client_server_memory_streams

from connectors.executors.contract import Executor
from connectors.mcp.config import McpConfig, ServerConfig
from connectors.mcp.executor import McpExecutor
from connectors.mcp.kubernetes import ONE_WRITE
from connectors.mcp.kubernetes_tools import KubernetesTools
from connectors.mcp.over_stdio import Ended
from connectors.mcp.server import Reach
from connectors.mcp.serving import make_server
from schemas.operations import Operation
from tests.connectors.kubernetes.orders import executing

NOWHERE = ServerConfig(command=("/nowhere",))


def within(server: Server[Any]) -> Reach:
    """In this process: the SDK's own messages, but no pipe."""

    @asynccontextmanager
    async def reach(_: ServerConfig, __: Ended) -> AsyncIterator[Any]:
        async with create_client_server_memory_streams() as (ours, theirs):
            served = asyncio.create_task(server.run(*theirs, server.create_initialization_options()))
            try:
                yield ours
            finally:
                served.cancel()
                await asyncio.gather(served, return_exceptions=True)

    return reach


@asynccontextmanager
async def over_mcp(
    behind: Executor, operations: Sequence[Operation] = tuple(ONE_WRITE), **settings: Any
) -> AsyncIterator[McpExecutor]:
    server = make_server(KubernetesTools(behind), "test")
    config = NOWHERE.model_copy(update=settings)
    executor = McpExecutor(McpConfig(), config, operations, within(server))
    try:
        yield executor
    finally:
        await executor.close()


@asynccontextmanager
async def on_cluster(kubeconfig: Path, **settings: Any) -> AsyncIterator[McpExecutor]:
    async with executing(kubeconfig, **settings) as behind, over_mcp(behind) as executor:
        yield executor


LAMP = {"command": ["/nowhere"]}
OWNER = "[^ ]+"
TURN_ON = {
    "description": "Turns the lamp on",
    "server": "lamp",
    "tool": "turn",
    "arguments": {"owner": {"pattern": OWNER}, "times": {"least": 1, "most": 9, "default": 2}},
    "sends": {"owner": "{owner}", "to": "on", "key": "{action_id}", "times": "{times}"},
    "dry_run": {"tool": "state", "at": "lamp.state", "yes_when": ["off"]},
    "probe": {
        "tool": "done",
        "sends": {"key": "{action_id}"},
        "at": "done",
        "yes_when": ["true"],
        "no_when": ["false"],
    },
    "verify": {"tool": "state", "at": "lamp.state", "yes_when": ["on"], "no_when": ["off"]},
    "undo": "turn-off",
}
TURN_OFF = {**TURN_ON, "description": "Turns the lamp off", "undo": None, "dry_run": None} | {
    "sends": {"owner": "{owner}", "to": "off", "key": "{action_id}", "times": "{times}"}
}
SLOW = {**TURN_OFF, "description": "Is never answered", "server": "slow"}
