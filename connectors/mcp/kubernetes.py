"""Operations on Kubernetes through an MCP server that offers them: the executor's contract, tool by tool.

A write is one call of one tool. Right before it the target is looked at through the same server, the last
word is asked, and the version that was seen travels with the call: where it is another one by then, the
server sends nothing, and all of it begins anew. Operations that take several writes are not done this way,
since nobody could ask for the last word between them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from connectors.evidence import Unavailable
from connectors.executors.contract import (
    Checked,
    Done,
    End,
    MayGoOn,
    Observed,
    Order,
    Probed,
    Verified,
)
from connectors.kubernetes.execution.operations import troubles
from connectors.mcp import asks
from connectors.mcp.answers import (
    SaidCheck,
    SaidChecked,
    SaidDone,
    SaidLook,
    SaidProbed,
    SaidVerified,
    read,
    said,
)
from connectors.mcp.config import OPERATIONS, SEVERAL_WRITES
from connectors.mcp.listing import Expected
from connectors.mcp.server import Answer, McpServer, Unanswered
from schemas.envelope import Plain
from schemas.operations import Operation, Step
from schemas.preflight import Check
from schemas.tool import Scope

MOST_LOOKS = 5
SEND = "execute"
"""of the contract, what writes; the others are looks that have a tool of the same name"""
ONE_WRITE = frozenset(OPERATIONS) - SEVERAL_WRITES
A = TypeVar("A", bound=Plain)


def expected(operations: Sequence[Operation]) -> Sequence[Expected]:
    """The tools that these operations need, with the schemas that are sent."""
    names = (*asks.LOOKS, *map(asks.tool_of, operations))
    return [Expected(name, asks.schema_of(name)) for name in names]


class OverMcp:
    """All but `validate` and `undo` ask the server; what of it cannot be read counts as no answer."""

    def __init__(self, server: McpServer, operations: Sequence[Operation]) -> None:
        self.name, self.server = "mcp", server
        self.operations = frozenset(operations) & ONE_WRITE

    def calls(self) -> Iterator[tuple[str, str, Scope]]:
        yield from ((self.server.name, name, Scope.READ) for name in asks.LOOKS)
        yield from ((self.server.name, asks.tool_of(one), Scope.WRITE) for one in self.operations)

    def call_of(self, step: Step, what: str) -> tuple[str, str] | None:
        return self.server.name, asks.tool_of(step.operation) if what == SEND else what

    def validate(self, order: Order) -> str:
        return "; ".join(troubles(order.step))

    async def check(self, order: Order) -> Checked:
        return (await self._look("check", order, SaidChecked)).checked(order.step)

    async def dry_run(self, order: Order) -> Check:
        wrong = self.validate(order)
        if wrong:
            return Check(name="dry_run", passed=False, message=wrong)
        return (await self._look("dry_run", order, SaidCheck)).check()

    async def execute(self, order: Order, expected: str, may_go_on: MayGoOn) -> Done:
        for _ in range(MOST_LOOKS):
            try:
                looked = await self._look("look", order, SaidLook, expected_state=expected)
            except Unavailable as error:  # nothing was sent yet
                return Done(End.REFUSED, str(error))
            observed = looked.observed.observed() if looked.observed is not None else None
            if not looked.ready or observed is None:
                return looked.done()
            if observed.hash != expected:
                return Done(End.CHANGED, "the target is not what was approved", observed)
            why = may_go_on(observed)
            if why:
                return Done(End.REFUSED, why, observed)
            done = await self._send(order, expected, observed)
            if done is not None:
                return done
        return Done(End.REFUSED, "the target changes faster than it can be looked at", observed)

    async def _send(self, order: Order, expected: str, observed: Observed) -> Done | None:
        """Once; None: nothing happened, and it may be looked at again."""
        tool = asks.tool_of(order.step.operation)
        try:
            answer = await self.server.send(tool, asks.writing(order, expected, observed.version))
        except Unanswered as error:
            return Done(End.UNKNOWN, str(error), observed)
        except Unavailable:
            return None
        told = None if answer.is_error else read(SaidDone, answer.structured)
        if told is None:
            return Done(End.UNKNOWN, self._no_answer(tool, answer), observed)
        if told.outdated and told.end is End.REFUSED:
            return None
        done = told.done()
        return Done(done.end, done.message, observed, done.retry_after_secs)

    async def probe(self, order: Order, expected: str, before: Observed | None = None) -> Probed:
        told = {"expected_state": expected, "before": asks.sight(before)}
        return (await self._look("probe", order, SaidProbed, **told)).probed()

    async def verify(self, order: Order, before: Observed | None = None) -> Verified:
        return (await self._look("verify", order, SaidVerified, before=asks.sight(before))).verified()

    def undo(self, order: Order, checked: Checked) -> Step | None:
        return checked.undo

    async def _look(self, tool: str, order: Order, model: type[A], **beside: Any) -> A:
        answer = await self.server.call(tool, asks.about(order, **beside))
        told = None if answer.is_error else read(model, answer.structured)
        if told is None:
            raise Unavailable(self._no_answer(tool, answer))
        return told

    def _no_answer(self, tool: str, answer: Answer) -> str:
        who = f"the MCP server {self.server.name}: {tool}"
        return f"{who}: {said(answer.words)}" if answer.is_error else f"{who} answered what is no answer"
