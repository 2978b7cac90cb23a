"""The executor `mcp` as the settings want it, with our own server where none is named."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

from awoooi.loading import CONFIG_VARIABLE
from awoooi.settings import Settings
from connectors.executors.assigned import SETTING
from connectors.executors.contract import Executor
from connectors.mcp.config import OPERATIONS, SEVERAL_WRITES, McpKubernetesConfig, ServerConfig
from schemas.errors import Misconfigured
from schemas.operations import Operation

if TYPE_CHECKING:
    from connectors.mcp.executor import McpExecutor

NAME = "mcp"
SURROUNDINGS = ("PYTHONPATH", "KUBERNETES_SERVICE_*", "SSL_CERT_*")
"""where our packages are, and how a pod finds and trusts its own cluster"""
MISSING = "the MCP SDK is not installed: pip install 'awoooi[mcp]'"


def our_server(config: McpKubernetesConfig) -> ServerConfig:
    """`awoooi mcp-kubernetes`, with its own settings and none of ours: neither environment nor file."""
    own = {
        f"AWOOOI_MCP_KUBERNETES_{name.upper()}": _as_text(value)
        for name, value in config.model_dump(mode="json", exclude_defaults=True).items()
    }
    command = (sys.executable, "-m", "awoooi", "mcp-kubernetes")
    return ServerConfig(command=command, env={CONFIG_VARIABLE: os.devnull, **own}, env_from=SURROUNDINGS)


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


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
    return McpExecutor(settings.mcp, our_server(settings.mcp_kubernetes), named)


def mcp_executors(settings: Settings, opened: AsyncExitStack) -> Sequence[Executor]:
    """Its servers start beside the rest: nobody waits for them before something is asked of them."""
    executor = made(settings)
    if executor is None:
        return ()
    starting = asyncio.create_task(executor.start())

    async def stop() -> None:
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
        await executor.close()

    opened.push_async_callback(stop)
    return (executor,)
