"""`awoooi mcp-kubernetes`: the operations on Kubernetes as an MCP server, over standard input and output."""

from __future__ import annotations

import asyncio

from awoooi.logs import set_up
from awoooi.settings import Settings


def run(settings: Settings) -> None:
    """Until its input ends."""
    set_up(settings.log, "mcp-kubernetes")
    asyncio.run(_serve(settings))


async def _serve(settings: Settings) -> None:
    from importlib.metadata import version

    from connectors.kubernetes.execution.executor import KubernetesExecutor
    from connectors.mcp.config import OPERATIONS
    from connectors.mcp.kubernetes_tools import KubernetesTools
    from connectors.mcp.serving import make_server, serve

    config = settings.mcp_kubernetes
    executor = KubernetesExecutor(config)
    tools = KubernetesTools(executor, config.operations or OPERATIONS)
    try:
        await serve(make_server(tools, version("awoooi")))
    finally:
        await executor.close()
