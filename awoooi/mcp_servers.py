"""The executor `mcp` as the settings want it, with our own server where none is named."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from awoooi.settings import Settings
from connectors.executors.assigned import SETTING
from connectors.executors.contract import Executor
from connectors.mcp.config import OPERATIONS, SEVERAL_WRITES, ServerConfig
from schemas.errors import Misconfigured
from schemas.operations import Operation

if TYPE_CHECKING:
    from connectors.mcp.executor import McpExecutor

NAME = "mcp"
MISSING = "the MCP SDK is not installed: pip install 'awoooi[mcp]'"


def our_server() -> ServerConfig:
    """`awoooi mcp-kubernetes`, with nothing of our environment but its own settings."""
    return ServerConfig(
        command=(sys.executable, "-m", "awoooi", "mcp-kubernetes"),
        env_from=("AWOOOI_CONFIG", "AWOOOI_STATE_DIR", "AWOOOI_MCP_KUBERNETES_*"),
    )


def on_kubernetes(settings: Settings) -> Sequence[Operation]:
    """The operations on Kubernetes that the settings give to it."""
    named = [one for one in OPERATIONS if settings.executors.get(one) == NAME]
    wrong = [one for one in named if one in SEVERAL_WRITES]
    if wrong:
        raise Misconfigured(f"{SETTING}: {', '.join(wrong)}: several writes are not made over MCP")
    return named


def made(settings: Settings) -> McpExecutor | None:
    """None where nothing goes over MCP: then the SDK is not even imported."""
    if NAME not in settings.executors.values() and not settings.mcp.tools:
        return None
    named = on_kubernetes(settings)
    try:
        from connectors.mcp.executor import McpExecutor
    except ModuleNotFoundError as error:
        raise Misconfigured(f"{SETTING}, AWOOOI_MCP_TOOLS: {MISSING}") from error
    return McpExecutor(settings.mcp, our_server(), named)


def mcp_executors(settings: Settings, opened: AsyncExitStack) -> Sequence[Executor]:
    """Its servers start beside the rest: nobody waits for them before something is asked of them."""
    executor = made(settings)
    if executor is None:
        return ()
    opened.push_async_callback(executor.close)
    starting = asyncio.create_task(executor.start())
    opened.callback(starting.cancel)
    return (executor,)
