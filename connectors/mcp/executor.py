"""The executor `mcp`: write tools of configured MCP servers, by our own templates and typed parameters.

Operations on Kubernetes go to the server that offers them, CALL_TOOL to whichever its name is configured of.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

import structlog

from connectors.evidence import Unavailable
from connectors.executors.contract import (
    Checked,
    Done,
    End,
    Executor,
    MayGoOn,
    Observed,
    Order,
    Probed,
    Verified,
)
from connectors.mcp import kubernetes, named_tools
from connectors.mcp.config import KUBERNETES, SEVERAL_WRITES, McpConfig, ServerConfig
from connectors.mcp.kubernetes import OverMcp
from connectors.mcp.listing import Expected
from connectors.mcp.named_tools import NamedTools
from connectors.mcp.server import McpServer, Reach, by_config
from connectors.tools import Tool
from schemas.operations import Operation, Step
from schemas.preflight import Check
from schemas.tool import Scope

log = structlog.get_logger(__name__)


class Part(Executor, Protocol):
    """An executor that says which tool of which server each of its calls is."""

    def calls(self) -> Iterator[tuple[str, str, Scope]]: ...

    def call_of(self, step: Step, what: str) -> tuple[str, str] | None:
        """None: it would be refused unasked."""
        ...


class McpExecutor:
    """`on_kubernetes`: the operations that the settings give to it, beside the tools that they name."""

    def __init__(
        self,
        config: McpConfig,
        ours: ServerConfig,
        on_kubernetes: Sequence[Operation],
        reach: Reach = by_config,
    ) -> None:
        self.name = "mcp"
        configured = {KUBERNETES: ours, **config.servers}
        used = {thing.server for thing in config.tools.values()} | ({KUBERNETES} if on_kubernetes else set())
        self.servers: Mapping[str, McpServer] = {
            name: McpServer(name, configured[name], tuple(_expected(config, on_kubernetes, name)), reach)
            for name in sorted(used)
        }
        parts: list[Part] = [NamedTools(config.tools, self.servers)]
        if on_kubernetes:
            parts.append(OverMcp(self.servers[KUBERNETES], on_kubernetes))
        self._parts = {operation: part for part in parts for operation in part.operations}
        self.operations = frozenset(self._parts)

    def tools(self) -> Iterator[Tool]:
        """Of every server: what is called of it, under names that no other executor's have."""
        for part in set(self._parts.values()):
            for server, tool, scope in part.calls():
                yield Tool(_full(server, tool), server, scope)

    def tool_of(self, step: Step, what: str) -> str:
        part = self._parts.get(step.operation)
        call = part.call_of(step, what) if part is not None else None
        return f"{self.name}.{what}" if call is None else _full(*call)

    async def start(self) -> None:
        """Every server is started and looked at; one that is refused is told, and tried again when needed."""
        for server in self.servers.values():
            try:
                await server.offered()
                log.info("mcp_server_ready", server=server.name)
            except Unavailable as error:
                log.warning("mcp_server_unavailable", server=server.name, error=str(error))

    async def close(self) -> None:
        await asyncio.gather(*(server.close() for server in self.servers.values()))

    def validate(self, order: Order) -> str:
        operation = order.step.operation
        if operation in SEVERAL_WRITES:
            return f"{operation} takes several writes, and between them nobody could say no: not over MCP"
        part = self._parts.get(operation)
        return f"{operation} is not done over MCP here" if part is None else part.validate(order)

    async def check(self, order: Order) -> Checked:
        wrong = self.validate(order)
        if wrong:
            return Checked((Check(name="parameters", passed=False, message=wrong),))
        return await self._part(order).check(order)

    async def dry_run(self, order: Order) -> Check:
        return await self._part(order).dry_run(order)

    async def execute(self, order: Order, expected: str, may_go_on: MayGoOn) -> Done:
        wrong = self.validate(order)
        if wrong:
            return Done(End.REFUSED, wrong)
        return await self._part(order).execute(order, expected, may_go_on)

    async def probe(self, order: Order, expected: str, before: Observed | None = None) -> Probed:
        return await self._part(order).probe(order, expected, before)

    async def verify(self, order: Order, before: Observed | None = None) -> Verified:
        return await self._part(order).verify(order, before)

    def undo(self, order: Order, checked: Checked) -> Step | None:
        return self._part(order).undo(order, checked)

    def _part(self, order: Order) -> Part:
        part = self._parts.get(order.step.operation)
        if part is None:
            raise Unavailable(self.validate(order))
        return part


def _expected(config: McpConfig, on_kubernetes: Sequence[Operation], server: str) -> Iterator[Expected]:
    if server == KUBERNETES and on_kubernetes:
        yield from kubernetes.expected(on_kubernetes)
    yield from named_tools.expected(config.tools, server)


def _full(server: str, tool: str) -> str:
    return f"mcp.{server}.{tool}"


def check_contract(executor: McpExecutor) -> Executor:
    return executor
