"""An MCP server of the official SDK around the tools of Kubernetes."""

from __future__ import annotations

import logging

import mcp_types as types
import structlog
from mcp.server import Server
from mcp.server.context import ServerRequestContext
from mcp.server.stdio import stdio_server

from connectors.evidence import Unavailable
from connectors.mcp import asks
from connectors.mcp.answers import ANSWERS, SaidDone
from connectors.mcp.kubernetes_tools import KubernetesTools
from connectors.tools import place_of
from schemas.envelope import Plain
from schemas.errors import BadPayload

log = structlog.get_logger(__name__)
NAME = "awoooi-kubernetes"
INSTRUCTIONS = (
    "Operations on Kubernetes. First `check`: it tells whether one can be done, and the hash of its target's "
    "state. A write takes that hash and an action id: it is done once, and only to a target in that state. "
    "Then `probe` tells whether it was done, and `verify` whether it helped."
)
LOOK_TEXTS = {
    "check": "All checks of an operation, its dry run among them, and its target's state. Changes nothing.",
    "look": "What a write would meet now: ready, or why not. Changes nothing.",
    "dry_run": "The API server's own trial of an operation. Changes nothing.",
    "probe": "Whether an action id was carried out. Changes nothing.",
    "verify": "Whether the target is now as the operation wanted it. Changes nothing.",
}
WRITE_TEXT = "Carries out {} once: to a target in the expected state, under an action id."


def make_server(tools: KubernetesTools, version: str) -> Server[dict[str, object]]:
    listed = [_tool(name) for name in tools.names]

    async def list_tools(
        _: ServerRequestContext[dict[str, object]], __: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        return types.ListToolsResult(tools=listed)

    async def call_tool(
        _: ServerRequestContext[dict[str, object]], params: types.CallToolRequestParams
    ) -> types.CallToolResult:
        return await _call(tools, params)

    return Server(
        NAME, version=version, instructions=INSTRUCTIONS, on_list_tools=list_tools, on_call_tool=call_tool
    )


async def serve(server: Server[dict[str, object]]) -> None:
    """Over this process's standard input and output, until the input ends."""
    logging.getLogger("mcp").setLevel(logging.CRITICAL)  # what cannot be read would be logged with its values
    async with stdio_server() as (read, write):
        await server.run(read, write, server.create_initialization_options())


async def _call(tools: KubernetesTools, params: types.CallToolRequestParams) -> types.CallToolResult:
    try:
        said = await tools.call(params.name, params.arguments or {})
    except (BadPayload, Unavailable) as error:
        return _failed(str(error))
    except Exception as error:  # noqa: BLE001  a bug is told as such, without values that its text may hold
        log.warning("tool_broken", tool=params.name, error=place_of(error))
        return _failed(f"broken: {type(error).__name__}")
    return types.CallToolResult(content=[_text(said)], structured_content=said.model_dump(mode="json"))


def _tool(name: str) -> types.Tool:
    reads = name in asks.LOOKS
    text = LOOK_TEXTS[name] if reads else WRITE_TEXT.format(asks.WRITES[name])
    model = ANSWERS[name] if reads else SaidDone
    hints = types.ToolAnnotations(
        read_only_hint=reads, destructive_hint=not reads, idempotent_hint=True, open_world_hint=False
    )
    return types.Tool(
        name=name,
        description=text,
        input_schema=asks.schema_of(name),
        output_schema=model.model_json_schema(mode="serialization"),
        annotations=hints,
    )


def _text(said: Plain) -> types.TextContent:
    """The same for clients that read text alone."""
    return types.TextContent(type="text", text=said.model_dump_json())


def _failed(why: str) -> types.CallToolResult:
    return types.CallToolResult(content=[types.TextContent(type="text", text=why)], is_error=True)
