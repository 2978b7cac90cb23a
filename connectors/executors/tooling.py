"""Which tool of the gateway a call of an executor is: its own by name, or what the executor itself names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol, runtime_checkable

from connectors.executors.contract import Executor
from connectors.tools import Tool
from schemas.operations import Step
from schemas.tool import Scope


@runtime_checkable
class NamesTools(Protocol):
    """An executor whose calls are those of other servers' tools: the record names them."""

    def tools(self) -> Iterator[Tool]: ...

    def tool_of(self, step: Step, what: str) -> str: ...


def tool_of(executor: Executor, step: Step, what: str) -> str:
    """`what`: check, execute, probe or verify."""
    return executor.tool_of(step, what) if isinstance(executor, NamesTools) else f"{executor.name}.{what}"


def tools_of(executor: Executor, scopes: Mapping[str, Scope]) -> Iterator[Tool]:
    yield from (Tool(f"{executor.name}.{what}", executor.name, scope) for what, scope in scopes.items())
    if isinstance(executor, NamesTools):
        yield from executor.tools()
