"""CALL_TOOL: a configured write tool of any configured MCP server, its arguments filled from typed ones.

Nobody can know what a foreign tool does: what is observed is its configuration, an error of its own leaves
unknown whether something was done unless the configuration says otherwise, and only tools that are
configured for it say whether it was done and whether it holds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar

from connectors.evidence import Unavailable
from connectors.executors.by_name import Asked, ByName, Seen, What
from connectors.executors.contract import Done, End, Happened
from connectors.executors.plain_json import as_text, found_at
from connectors.mcp.answers import said
from connectors.mcp.config import Reading, ToolThing
from connectors.mcp.listing import Expected
from connectors.mcp.server import Answer, McpServer, Unanswered
from schemas.operations import Operation, Step
from schemas.preflight import Check
from schemas.tool import Scope

LISTED = "tools/list"


def expected(tools: Mapping[str, ToolThing], server: str) -> Iterator[Expected]:
    """What a server must offer so that these tools can be called."""
    for thing in tools.values():
        if thing.server == server:
            yield Expected(thing.tool, sha256=thing.schema_sha256 or "", sends=frozenset(thing.sends))
            for _, reading in thing.looks():
                yield Expected(reading.tool, sends=frozenset(reading.sends))


class NamedTools(ByName[ToolThing]):
    name = "mcp"
    operation: ClassVar[Operation] = Operation.CALL_TOOL

    def __init__(self, tools: Mapping[str, ToolThing], servers: Mapping[str, McpServer]) -> None:
        super().__init__(tools)
        self._servers = servers

    def calls(self) -> Iterator[tuple[str, str, Scope]]:
        for thing in self.things.values():
            yield thing.server, thing.tool, Scope.WRITE
            yield thing.server, LISTED, Scope.READ
            yield from ((thing.server, reading.tool, Scope.READ) for _, reading in thing.looks())

    def call_of(self, step: Step, what: str) -> tuple[str, str] | None:
        """A look that no tool is configured for asks at most for the list of tools."""
        thing = self.things.get(step.parameters.name or "")
        if thing is None:
            return None
        looks = {"check": thing.dry_run, "probe": thing.probe, "verify": thing.verify}
        look = looks.get(what)
        if what not in looks:
            return thing.server, thing.tool
        return thing.server, LISTED if look is None else look.tool

    def observed(self, asked: Asked[ToolThing]) -> Mapping[str, str]:
        return {}

    async def tried(self, asked: Asked[ToolThing]) -> Check:
        """That the server is there, and offers it as it is expected, is part of it."""
        await self._of(asked).offered()
        return await super().tried(asked)

    async def sent(self, asked: Asked[ToolThing], may_send: Callable[[], str]) -> Done:
        server, thing = self._of(asked), asked.thing
        try:
            await server.offered()
        except Unavailable as error:
            return Done(End.REFUSED, str(error))
        if why := may_send():
            return Done(End.REFUSED, why)
        try:
            answer = await server.send(thing.tool, asked.filled(thing.sends))
        except Unanswered as error:
            return Done(End.UNKNOWN, str(error))
        except Unavailable as error:
            return Done(End.REFUSED, str(error))
        told = _in_words(asked, answer)
        if answer.is_error:
            return Done(End.REFUSED if thing.error_is_no else End.UNKNOWN, told)
        return Done(End.DONE, told)

    async def looked(self, asked: Asked[ToolThing], what: What) -> Seen | None:
        reading: Reading | None = getattr(asked.thing, what)
        if reading is None:
            return None
        answer = await self._of(asked).call(reading.tool, asked.filled(reading.sends))
        return _meant(reading, answer), _in_words(asked, answer)

    def _of(self, asked: Asked[ToolThing]) -> McpServer:
        return self._servers[asked.thing.server]


def _meant(reading: Reading, answer: Answer) -> Happened:
    if answer.is_error:
        return Happened.UNKNOWN
    stands = _text_at(answer.structured, reading.at)
    if stands in reading.yes_when:
        return Happened.YES
    return Happened.NO if stands in reading.no_when else Happened.UNKNOWN


def _text_at(value: Any, place: str) -> str | None:
    """None where there is nothing, or more than one value."""
    found = found_at(value, filter(None, place.split(".")))
    return None if isinstance(found, Mapping | list) else as_text(found)


def _in_words(asked: Asked[ToolThing], answer: Answer) -> str:
    words = said(answer.words)
    return f"{asked.thing.text()}: {words}" if words else asked.thing.text()
