"""The tool gateway: every call of a tool passes its gates and leaves one record, whatever came of it.

Agents that gather evidence read; only execution writes. A call that a gate refuses is never made. What a
record shows of a call passes the privacy shield, which whoever writes the record gives (`Entry.payload`).
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

import structlog

from schemas import ids
from schemas.errors import AwoooiError
from schemas.tool import Gate, Scope, ToolCall, ToolStatus

log = structlog.get_logger(__name__)
T = TypeVar("T")
Cover = Callable[[str], str]
"""Text with its personal values covered; raises where it cannot."""

MOST_DETAIL = 500
MOST_ARGUMENT = 200


@dataclass(frozen=True, slots=True)
class Tool:
    name: str
    server: str
    scope: Scope


@dataclass(frozen=True, slots=True)
class Grant:
    """What an agent may do at most; `tools` names those that it may use, None is all of its scope."""

    scope: Scope
    tools: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Caller:
    """On whose behalf a call is made."""

    run_id: str
    agent: str
    node: str
    """which stage of the pipeline"""
    project_id: str = "default"


@dataclass(frozen=True, slots=True)
class Ask:
    tool: str
    timeout_secs: float
    arguments: Mapping[str, str] = field(default_factory=dict)
    resources: frozenset[str] = frozenset()
    """which arguments name resources: masked too where the settings say so"""
    approval: str = ""
    """the approval that a write stands on"""
    shadow: bool = False
    """recorded, not really called"""


Policy = Callable[[Caller, Ask, Tool], str]
"""Why a call may not be made; empty where it may."""


@dataclass(frozen=True, slots=True)
class GatewayConfig:
    tools: Mapping[str, Tool]
    grants: Mapping[str, Grant]
    """by agent; who is not named may do nothing"""
    calls_per_run: int = 100
    mask_names: bool = False
    policy: Policy | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One call as it was, with its real values: `payload` is what may be written."""

    call_id: str
    caller: Caller
    ask: Ask
    tool: Tool | None
    gates: tuple[Gate, ...]
    policy_enforced: bool
    status: ToolStatus
    latency_ms: int
    mask_names: bool
    detail: str = field(repr=False)
    shown: str = ""
    """what may be said where the shield fails: of our own words alone"""

    @property
    def blocked_by(self) -> str:
        return next((gate.name for gate in self.gates if not gate.passed), "")

    def payload(self, cover: Cover) -> ToolCall:
        """The record. Where the shield fails, values are left out, never shown."""
        ask, tool = self.ask, self.tool
        names = self._names()
        return ToolCall(
            call_id=self.call_id,
            agent=self.caller.agent,
            node=self.caller.node,
            server=tool.server if tool else "",
            tool=ask.tool,
            scope=tool.scope if tool else Scope.READ,
            arguments={
                name: _safe(value, MOST_ARGUMENT, cover, names) for name, value in ask.arguments.items()
            },
            policy_enforced=self.policy_enforced,
            gates=self.gates,
            blocked_by=self.blocked_by,
            status=self.status,
            detail=_safe(self.detail, MOST_DETAIL, cover, names, self.shown),
            latency_ms=self.latency_ms,
            shadow=ask.shadow,
        )

    def _names(self) -> Mapping[str, str]:
        """Resource names and the labels that stand for them, the longest first."""
        if not self.mask_names:
            return {}
        values = {self.ask.arguments[name] for name in sorted(self.ask.resources & self.ask.arguments.keys())}
        ordered = sorted(filter(None, values), key=lambda value: (-len(value), value))
        return {value: f"[NAME_{number}]" for number, value in enumerate(ordered, 1)}


@dataclass(frozen=True, slots=True)
class Called(Generic[T]):
    """What came of a call: a value, or why there is none. `failure` may hold real values."""

    entry: Entry
    value: T | None = None
    failure: str = field(default="", repr=False)

    @property
    def ok(self) -> bool:
        return self.entry.status is ToolStatus.OK


class Session:
    """The calls of one stage for one run: they share a budget."""

    def __init__(
        self, config: GatewayConfig, caller: Caller, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._config, self._caller, self._clock = config, caller, clock
        self._numbers: Counter[str] = Counter()
        self._made = 0

    async def call(self, ask: Ask, work: Callable[[], Awaitable[T]]) -> Called[T]:
        """Never raises but for cancellation: what went wrong stands in the result and in its record."""
        tool = self._config.tools.get(ask.tool)
        gates = tuple(self._gates(ask, tool))
        blocked = next((gate for gate in gates if not gate.passed), None)
        if blocked is not None:
            why = f"the gate {blocked.name} refused it: {blocked.why}"
            return Called(self._entry(ask, tool, gates, ToolStatus.BLOCKED, 0, why), failure=why)
        self._made += 1
        if ask.shadow:
            return Called(self._entry(ask, tool, gates, ToolStatus.OK, 0, "shadow: not really called"))
        return await self._call(ask, tool, gates, work)

    async def _call(
        self, ask: Ask, tool: Tool | None, gates: tuple[Gate, ...], work: Callable[[], Awaitable[T]]
    ) -> Called[T]:
        started, value, shown = self._clock(), None, ""
        try:
            async with asyncio.timeout(ask.timeout_secs):
                value = await work()
            status, why = ToolStatus.OK, ""
        except TimeoutError:
            status = ToolStatus.TIMED_OUT
            why = shown = f"no answer within {ask.timeout_secs:.1f} s"
        except AwoooiError as error:
            status, why = ToolStatus.FAILED, str(error) or type(error).__name__
        except Exception as error:  # noqa: BLE001  a tool's bug is a failed call, never a failed run
            log.warning("tool_broken", tool=ask.tool, run_id=self._caller.run_id, error=place_of(error))
            status, why = ToolStatus.FAILED, f"broken: {type(error).__name__}"
            shown = why
        took = round((self._clock() - started) * 1000)
        entry = self._entry(ask, tool, gates, status, took, why, shown)
        return Called(entry, value, why)

    def _gates(self, ask: Ask, tool: Tool | None) -> list[Gate]:
        """All that can be asked are asked: the record shows the whole result."""
        if tool is None:
            return [_gate("tool_known", f"there is no tool {ask.tool!r}")]
        config, grant = self._config, self._config.grants.get(self._caller.agent)
        policy = config.policy(self._caller, ask, tool) if config.policy else ""
        needs_approval = tool.scope is Scope.WRITE and not ask.approval
        spent = self._made >= config.calls_per_run
        return [
            _gate("tool_known", ""),
            _gate("agent_allowed", _not_granted(self._caller.agent, grant, tool)),
            _gate("scope", _beyond_scope(grant, tool)),
            _gate("policy", policy),
            _gate("approval", "a write needs an approval, and none was given" if needs_approval else ""),
            _gate("budget", f"{config.calls_per_run} calls of this run are made" if spent else ""),
        ]

    def _entry(
        self,
        ask: Ask,
        tool: Tool | None,
        gates: tuple[Gate, ...],
        status: ToolStatus,
        latency_ms: int,
        detail: str,
        shown: str = "",
    ) -> Entry:
        self._numbers[ask.tool] += 1
        number = self._numbers[ask.tool]
        return Entry(
            call_id=ids.derive_id("call", self._caller.run_id, self._caller.node, ask.tool, str(number)),
            caller=self._caller,
            ask=ask,
            tool=tool,
            gates=gates,
            policy_enforced=self._config.policy is not None,
            status=status,
            latency_ms=latency_ms,
            mask_names=self._config.mask_names,
            detail=detail,
            shown=shown,
        )


def _gate(name: str, why: str) -> Gate:
    return Gate(name=name, passed=not why, why=why)


def _not_granted(agent: str, grant: Grant | None, tool: Tool) -> str:
    if grant is None:
        return f"{agent!r} may use no tools"
    if grant.tools is not None and tool.name not in grant.tools:
        return f"{agent!r} may not use {tool.name!r}"
    return ""


def _beyond_scope(grant: Grant | None, tool: Tool) -> str:
    if tool.scope is Scope.WRITE and (grant is None or grant.scope is not Scope.WRITE):
        return "the tool writes, and the agent may only read"
    return ""


def _safe(text: str, most: int, cover: Cover, names: Mapping[str, str], instead: str = "") -> str:
    """Covered first and cut then: half of a value is no value that the shield would know."""
    try:
        covered = cover(text)
    except Exception as error:  # noqa: BLE001  whatever is wrong with the shield, nothing goes past it
        log.warning("shield_failed", error=place_of(error))
        return instead or ("(not shown: the privacy shield failed)" if text else "")
    for name, label in names.items():
        covered = covered.replace(name, label)
    return covered[:most]


def place_of(error: BaseException) -> str:
    """What kind of error, and where; its text may hold real values and is left out of the log."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return type(error).__name__
    code = trace.tb_frame.f_code
    return f"{type(error).__name__} in {code.co_name}, {Path(code.co_filename).name}:{trace.tb_lineno}"
