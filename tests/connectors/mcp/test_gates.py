"""Calls over MCP pass the gates of the tool gateway, and their record names server and tool."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from awoooi.execution import gateway_of
from awoooi.loading import load
from connectors.executors.contract import Order
from connectors.executors.tooling import tool_of
from connectors.mcp.config import McpConfig
from connectors.mcp.executor import McpExecutor
from connectors.tools import Ask, Caller, Entry, Session
from schemas.operations import Operation, Parameters, Step, Target
from schemas.tool import Scope, ToolCall, ToolStatus
from streams.executing import AGENT as EXECUTE
from streams.stages.preflight import AGENT as PREFLIGHT
from tests.connectors.mcp.support import LAMP, NOWHERE, TURN_OFF, TURN_ON

POD = Step(operation=Operation.DELETE_POD, target=Target(namespace="shop", kind="pod", name="api-1"))
LAMP_OFF = Step(operation=Operation.CALL_TOOL, parameters=Parameters(name="turn-off"))
LAMP_ON = Step(operation=Operation.CALL_TOOL, parameters=Parameters(name="turn-on"))


@dataclass
class Gate:
    executor: McpExecutor
    made: list[str] = field(default_factory=list)

    async def call(self, tool: str, agent: str, approval: str = "") -> ToolCall:
        gateway = gateway_of(load({}).settings, (self.executor,))

        async def work() -> None:
            self.made.append(tool)

        session = Session(gateway, Caller("run", agent, agent))
        entry: Entry = (await session.call(Ask(tool, 1, approval=approval), work)).entry
        return entry.payload(str)


@pytest.fixture
def gate() -> Gate:
    config = McpConfig.model_validate(
        {"servers": {"lamp": LAMP}, "tools": {"turn-on": TURN_ON, "turn-off": TURN_OFF}}
    )
    return Gate(McpExecutor(config, NOWHERE, [Operation.DELETE_POD]))


@pytest.mark.parametrize(
    ("step", "what", "told"),
    [
        (POD, "execute", ("mcp.kubernetes.delete_pod", "kubernetes", Scope.WRITE)),
        (POD, "check", ("mcp.kubernetes.check", "kubernetes", Scope.READ)),
        (POD, "probe", ("mcp.kubernetes.probe", "kubernetes", Scope.READ)),
        (POD, "verify", ("mcp.kubernetes.verify", "kubernetes", Scope.READ)),
        (LAMP_ON, "execute", ("mcp.lamp.turn", "lamp", Scope.WRITE)),
        (LAMP_ON, "check", ("mcp.lamp.state", "lamp", Scope.READ)),
        (LAMP_OFF, "check", ("mcp.lamp.tools/list", "lamp", Scope.READ)),
        (LAMP_ON, "probe", ("mcp.lamp.done", "lamp", Scope.READ)),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_each_call_is_that_of_a_tool(
    gate: Gate, step: Step, what: str, told: tuple[str, str, Scope]
) -> None:
    call = await gate.call(tool_of(gate.executor, step, what), EXECUTE, "INC-1-A1")

    assert (call.tool, call.server, call.scope) == told
    assert (call.status, len(gate.made)) == (ToolStatus.OK, 1)


@pytest.mark.parametrize(
    ("tool", "agent", "approval", "blocked_by"),
    [
        ("mcp.kubernetes.delete_pod", EXECUTE, "", "approval"),
        ("mcp.kubernetes.delete_pod", PREFLIGHT, "INC-1-A1", "scope"),
        ("mcp.kubernetes.delete_pod", "diagnostician", "INC-1-A1", "agent_allowed"),
        ("mcp.kubernetes.cordon_node", EXECUTE, "INC-1-A1", "tool_known"),
        ("mcp.lamp.turn", EXECUTE, "", "approval"),
        ("mcp.lamp.turn", PREFLIGHT, "INC-1-A1", "scope"),
    ],
)
async def test_what_a_gate_refuses_is_not_called_and_is_recorded(
    gate: Gate, tool: str, agent: str, approval: str, blocked_by: str
) -> None:
    call = await gate.call(tool, agent, approval)

    assert (call.status, call.blocked_by, gate.made) == (ToolStatus.BLOCKED, blocked_by, [])


def test_an_order_that_is_not_done_here_is_recorded_under_the_executor(tmp_path: Path) -> None:
    executor = McpExecutor(McpConfig(), NOWHERE, [])

    assert tool_of(executor, POD, "check") == "mcp.check"
    assert "not done over MCP here" in executor.validate(Order(POD, "a-1"))
