"""The doctor's check of MCP servers: each starts and offers what is expected, and the log-ins of our own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from awoooi.check_clusters import of_each
from awoooi.check_executor import examiner
from awoooi.findings import Finding, Verdict
from awoooi.loading import Loaded
from awoooi.settings import Settings
from connectors.evidence import Unavailable
from schemas.errors import Misconfigured

if TYPE_CHECKING:
    from connectors.mcp.server import McpServer

PART = "mcp"
MEND = "correct AWOOOI_EXECUTORS, AWOOOI_MCP_SERVERS or AWOOOI_MCP_TOOLS, or what the server needs"
LOGIN = "correct AWOOOI_MCP_KUBERNETES_CLUSTERS or its log-in"


async def mcp(loaded: Loaded) -> list[Finding]:
    from awoooi.mcp_servers import made

    settings = loaded.settings
    try:
        executor = made(settings)
    except Misconfigured as error:
        return [Finding(PART, Verdict.WRONG, str(error), MEND)]
    found = await _clusters(settings)
    if executor is None:
        return [Finding(PART, Verdict.OK, "nothing goes over MCP"), *found]
    try:
        for name, server in executor.servers.items():
            found += await _server(settings, name, server)
    finally:
        await executor.close()
    return found


async def _server(settings: Settings, name: str, server: McpServer) -> Sequence[Finding]:
    try:
        offered = await server.offered()
    except Unavailable as error:
        return [Finding(PART, Verdict.WRONG, str(error), MEND)]
    told = f"server {name}: {len(offered)} tools, those that are needed among them"
    findings = [Finding(PART, Verdict.OK, told)]
    for tool, thing in settings.mcp.tools.items():
        if thing.server == name and thing.schema_sha256 is None:
            what = f"tool {tool}: any schema of {thing} that fits is taken"
            pin = f"mcp.tools.{tool}.schema_sha256: {offered[thing.tool].sha256} keeps it as it is today"
            findings.append(Finding(PART, Verdict.WARNING, what, pin))
    return findings


async def _clusters(settings: Settings) -> list[Finding]:
    """Of `awoooi mcp-kubernetes`, where it would run on this machine."""
    config = settings.mcp_kubernetes
    return await of_each(config, examiner(PART, LOGIN, config.operations)) if config.clusters else []
