"""The operations on Kubernetes as tools: arguments in, an answer out, carried out by the executor given.

Who calls a write has given the last word for one version of the target alone: when it has another by then,
nothing is sent, and the answer says so.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from connectors.executors.contract import End, Executor, Observed, Order
from connectors.mcp import asks
from connectors.mcp.answers import (
    SaidCheck,
    SaidChecked,
    SaidDone,
    SaidLook,
    SaidProbed,
    SaidVerified,
    Sight,
)
from connectors.mcp.config import OPERATIONS
from schemas.envelope import Plain
from schemas.errors import BadPayload
from schemas.operations import Operation

OUTDATED = "it has another version now than the one that was told: look again"
ONLY_LOOKED = "it was only looked at"


@dataclass(slots=True)
class OneVersion:
    """The last word of whoever calls: for this version, and for all writes of that one act."""

    version: str
    outdated: bool = False
    granted: Observed | None = None

    def __call__(self, observed: Observed) -> str:
        if self.granted is observed:
            return ""
        self.outdated = self.granted is not None or self.version not in ("", observed.version)
        if self.outdated:
            return OUTDATED
        self.granted = observed
        return ""


class KubernetesTools:
    def __init__(self, executor: Executor, operations: Collection[Operation] = OPERATIONS) -> None:
        self._executor = executor
        self.operations = tuple(one for one in OPERATIONS if one in operations)

    @property
    def names(self) -> tuple[str, ...]:
        return (*asks.LOOKS, *map(asks.tool_of, self.operations))

    async def call(self, tool: str, arguments: Mapping[str, Any]) -> Plain:
        """BadPayload: it cannot be meant. Unavailable: nobody could be asked, and nothing was done."""
        if tool not in self.names:
            raise BadPayload(f"there is no such tool; there are: {', '.join(self.names)}", field="name")
        if tool in asks.WRITES:
            return await self._write(tool, arguments)
        return await self._look(tool, asks.read_look(tool, arguments))

    async def _write(self, tool: str, arguments: Mapping[str, Any]) -> SaidDone:
        order, state, version = asks.read_write(tool, arguments)
        word = OneVersion(version)
        done = await self._executor.execute(order, state, word)
        return SaidDone.of(done, outdated=word.outdated and done.end is End.REFUSED)

    async def _look(self, tool: str, about: asks.About) -> Plain:
        order, executor = about.order(), self._executor
        wrong = executor.validate(order)
        if about.operation not in self.operations:
            wrong = f"{about.operation} is not offered here"
        if wrong:
            raise BadPayload(wrong, field="arguments")
        match about:
            case asks.AboutBoth():
                return SaidProbed.of(await executor.probe(order, about.expected_state, _then(about.before)))
            case asks.AboutState():
                return await self._before_a_write(order, about.expected_state)
            case asks.AboutThen():
                return SaidVerified.of(await executor.verify(order, _then(about.before)))
        if tool == "dry_run":
            return SaidCheck.of(await executor.dry_run(order))
        return SaidChecked.of(await executor.check(order))

    async def _before_a_write(self, order: Order, state: str) -> SaidLook:
        """Everything up to the write, which is refused."""
        asked = False

        def never(_: Observed) -> str:
            nonlocal asked
            asked = True
            return ONLY_LOOKED

        done = await self._executor.execute(order, state, never)
        return SaidLook(**dict(SaidDone.of(done)), ready=asked)


def _then(before: Sight | None) -> Observed | None:
    return None if before is None else before.observed()
