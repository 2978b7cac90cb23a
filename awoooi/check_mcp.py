"""The doctor's check of MCP servers: each starts and offers what is expected, and the log-ins of our own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from awoooi.check_clusters import of_each
from awoooi.check_executor import examiner
from awoooi.findings import Finding, Verdict
from awoooi.loading import Loaded
from awoooi.mcp_servers import NAME, made
from awoooi.settings import Settings
from connectors.evidence import Unavailable
from schemas.errors import Misconfigured
from schemas.operations import SHAPES

if TYPE_CHECKING:
    from connectors.mcp.server import McpServer

PART = "mcp"
MEND = "correct AWOOOI_EXECUTORS, AWOOOI_MCP_SERVERS or AWOOOI_MCP_TOOLS, or what the server needs"
LOGIN = "correct AWOOOI_MCP_KUBERNETES_CLUSTERS or its log-in"


async def mcp(loaded: Loaded) -> list[Finding]:
    settings = loaded.settings
    try:
        executor = made(settings)
    except Misconfigured as error:
        return [Finding(PART, Verdict.WRONG, str(error), MEND)]
    found = [*_ways_back(settings), *await _clusters(settings)]
    if executor is None:
        return [Finding(PART, Verdict.OK, "nothing goes over MCP"), *found]
    try:
        for name, server in executor.servers.items():
            found += await _server(settings, name, server)
    finally:
        await executor.close()
    return found


def _ways_back(settings: Settings) -> Iterator[Finding]:
    """What is done over MCP may be taken back by the executor `kubernetes`, with a log-in of its own."""
    for operation, name in settings.executors.items():
        undo = SHAPES[operation].undo
        over_mcp = undo is None or settings.executors.get(undo) == name
        if name == NAME and not over_mcp and not settings.executor.clusters:
            what = f"{operation} is done over MCP, and {undo}, which takes it back, could be done by nobody"
            todo = f"AWOOOI_EXECUTORS={undo}={NAME} too, or a log-in in AWOOOI_EXECUTOR_CLUSTERS"
            yield Finding(PART, Verdict.WARNING, what, todo)


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
