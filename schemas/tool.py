"""One call of a tool, for evidence or for execution, with the gates that it passed or failed."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar, Literal

from pydantic import Field

from schemas.envelope import Event, Long, Plain


class Scope(StrEnum):
    READ = "read"
    WRITE = "write"


class ToolStatus(StrEnum):
    OK = "ok"
    BLOCKED = "blocked"
    TIMED_OUT = "timed_out"
    FAILED = "failed"


class Gate(Plain):
    name: str = Field(description="tool_known, agent_allowed, scope, policy, approval or budget")
    passed: bool = Field(description="whether the call may go on")
    why: str = Field("", description="where it may not")


class ToolCall(Plain):
    call_id: str = Field(description="derived from the run, the tool and its number in the run")
    agent: str = Field(description="who called")
    node: str = Field(description="which stage of the pipeline")
    server: str = Field(description="kubernetes, prometheus, clickhouse, an MCP server's name, …")
    tool: str = Field(description="its name")
    scope: Scope = Field(description="what it may do")
    arguments: dict[str, str] = Field(default_factory=dict, description="personal values covered")
    policy_enforced: bool = Field(description="whether a gate of policy was asked")
    gates: tuple[Gate, ...] = Field(description="in the order they were asked")
    blocked_by: str = Field("", description="the gate that said no")
    status: ToolStatus = Field(description="how it ended")
    detail: str = Field("", description="why it failed, personal values covered")
    latency_ms: Long = Field(description="of the call itself")
    shadow: bool = Field(False, description="true: recorded, not really called")


class ToolCalled(Event):
    """A tool was called, or a gate refused the call."""

    type: Literal["tool.called"] = "tool.called"
    payload: ToolCall
    id_over: ClassVar[str] = "the run, the tool, its number in the run and the try"
