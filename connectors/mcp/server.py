"""One configured MCP server, as its client sees it: started when first needed, and anew when it has ended.

Each start begins with its list of tools, which must be what is expected. Nobody here answers what a server
asks for by itself (a model's words, a person's input, our folders), and no answer is longer than configured.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import structlog
from mcp import Client, MCPError
from mcp.client.session import ClientSession
from mcp_types import (
    CONNECTION_CLOSED,
    CallToolRequest,
    CallToolRequestParams,
    CallToolResult,
    PaginatedRequestParams,
    TextContent,
)

from connectors.evidence import Unavailable
from connectors.executors.by_name import spoken
from connectors.mcp.answers import said
from connectors.mcp.config import ServerConfig
from connectors.mcp.listing import Expected, Offered, troubles
from connectors.mcp.over_http import over_http
from connectors.mcp.over_stdio import Ended, over_stdio
from connectors.secret import secrets_of
from schemas.errors import AwoooiError

log = structlog.get_logger(__name__)
MOST_PAGES, MOST_TOOLS = 50, 2000
LEAVE_SECS = 10.0
T = TypeVar("T")
for _name in ("mcp", "client", "httpx2", "httpcore2"):
    logging.getLogger(_name).setLevel(logging.CRITICAL)  # they log messages with the values in them


class Unanswered(Unavailable):
    """It was sent, and nobody told what came of it."""


@dataclass(frozen=True, slots=True)
class Answer:
    structured: Any
    words: str
    is_error: bool


Reach = Callable[[ServerConfig, Ended], AbstractAsyncContextManager[Any]]
"""A transport as the SDK takes them."""


def by_config(config: ServerConfig, ended: Ended) -> AbstractAsyncContextManager[Any]:
    return over_http(config) if config.url else over_stdio(config, ended)


class Life:
    """A server from its start to its end. One task enters and leaves it, as the SDK wants."""

    def __init__(self, config: ServerConfig, reach: Reach) -> None:
        self._config, self.ended = config, Ended()
        self._transport = reach(config, self.ended)
        self._stop = asyncio.Event()
        self._session: asyncio.Future[ClientSession] = asyncio.get_running_loop().create_future()
        self._under_way, self.hangs = 0, False
        self._task = asyncio.create_task(self._live())

    @property
    def is_over(self) -> bool:
        return bool(self.ended.why) or self._task.done()

    async def _live(self) -> None:
        try:
            async with Client(self._transport, cache=None) as client:
                self._session.set_result(client.session)
                await self._stop.wait()
        except Exception as error:  # noqa: BLE001  whatever ends it, who waits for it is told
            self.ended.why = self.ended.why or _why(error)
        finally:
            if not self._session.done():
                self._session.set_exception(Unavailable(self.ended.why or "it ended"))
                self._session.exception()  # it is no fault where nobody waits any more

    async def tools(self) -> Mapping[str, Offered]:
        """All that it offers."""
        session = await asyncio.shield(self._session)
        offered: dict[str, Offered] = {}
        cursor: str | None = None
        for _ in range(MOST_PAGES):
            try:
                listed = await session.list_tools(params=PaginatedRequestParams(cursor=cursor))
            except Exception as error:
                raise Unavailable(self.ended.why or _why(error)) from error
            offered |= {tool.name: Offered(tool.name, tool.input_schema) for tool in listed.tools}
            cursor = listed.next_cursor
            if cursor is None:
                return offered
            if len(offered) > MOST_TOOLS:
                break
        raise Unavailable("its list of tools has no end")

    async def call(self, tool: str, arguments: Mapping[str, Any]) -> Answer:
        """Unanswered where nobody told what came of it."""
        session = await asyncio.shield(self._session)
        secs = self._config.call_timeout_secs
        request = CallToolRequest(params=CallToolRequestParams(name=tool, arguments=dict(arguments)))
        self._under_way += 1
        try:
            async with asyncio.timeout(secs):
                return _answer(await session.send_request(request, CallToolResult))
        except TimeoutError as error:
            if self._under_way == 1:  # nobody else waits for it
                self.hangs, self.ended.why = True, f"it gave no answer within {secs:g} s"
            raise Unanswered(f"no answer within {secs:g} s") from error
        except MCPError as error:
            if error.code == CONNECTION_CLOSED:
                self.ended.why = self.ended.why or "it ended"
            raise Unanswered(self.ended.why or error.message) from error
        except Exception as error:
            raise Unanswered(f"its answer cannot be read: {type(error).__name__}") from error
        finally:
            self._under_way -= 1

    async def leave(self) -> None:
        self._stop.set()
        if not self._session.done():
            self._task.cancel()
        with suppress(TimeoutError, asyncio.CancelledError):
            await asyncio.wait_for(self._task, LEAVE_SECS)


class McpServer:
    def __init__(
        self, name: str, config: ServerConfig, expected: Sequence[Expected] = (), reach: Reach = by_config
    ) -> None:
        self.name, self._config, self._expected, self._reach = name, config, expected, reach
        self._life: Life | None = None
        self._starting = asyncio.Lock()
        self._leaving: set[asyncio.Task[None]] = set()

    async def call(self, tool: str, arguments: Mapping[str, Any]) -> Answer:
        """What changes nothing; tried a second time where it had ended without a word."""
        life = await self._alive()
        try:
            return await self._ask(life, tool, arguments)
        except Unanswered:
            if not life.is_over or life.hangs:
                raise
        return await self._ask(await self._alive(), tool, arguments)

    async def send(self, tool: str, arguments: Mapping[str, Any]) -> Answer:
        """What changes something: once, and only where it is there, since the last word does not keep.

        Unanswered: it was sent. Unavailable: it was not.
        """
        life = self._life
        if life is None or life.is_over:
            raise Unavailable(f"the MCP server {self.name} went away before anything was sent")
        return await self._ask(life, tool, arguments)

    async def offered(self) -> Mapping[str, Offered]:
        """Of a server that is there, and offers what is expected: now too, not only when it started."""
        return await self._listed(await self._alive(), self._config.call_timeout_secs)

    async def close(self) -> None:
        if self._life is not None:
            await self._life.leave()
        await asyncio.gather(*self._leaving, return_exceptions=True)

    async def _ask(self, life: Life, tool: str, arguments: Mapping[str, Any]) -> Answer:
        try:
            answer = await self._told(life.call(tool, arguments))
        finally:
            self._forget_if_over(life)
        return replace(answer, words=self._without_secrets(answer.words))

    def _forget_if_over(self, life: Life) -> None:
        if life.is_over and self._life is life:
            log.warning("mcp_server_ended", server=self.name)
            self._life = None
            self._leave(life)

    async def _alive(self) -> Life:
        async with self._starting:
            if self._life is not None:
                self._forget_if_over(self._life)
            if self._life is None:
                self._life = await self._start()
            return self._life

    async def _start(self) -> Life:
        life = Life(self._config, self._reach)
        try:
            await self._listed(life, self._config.start_timeout_secs)
        except BaseException:  # a start that was cancelled leaves nothing behind either
            self._leave(life)
            raise
        return life

    async def _listed(self, life: Life, secs: float) -> Mapping[str, Offered]:
        try:
            async with asyncio.timeout(secs):
                offered = await self._told(life.tools())
        except TimeoutError as error:
            raise Unavailable(f"the MCP server {self.name} told no tools within {secs:g} s") from error
        wrong = list(troubles(offered, self._expected))
        if wrong:
            raise Unavailable(f"the MCP server {self.name} is refused: {'; '.join(wrong)}")
        return offered

    def _leave(self, life: Life) -> None:
        """In its own time: nobody waits for a server that does not end."""
        task = asyncio.create_task(life.leave())
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

    async def _told(self, work: Awaitable[T]) -> T:
        """Its words without our secrets, and whose they are."""
        try:
            return await work
        except Unavailable as error:
            raise type(error)(f"the MCP server {self.name}: {self._words(str(error))}") from None

    def _words(self, text: str) -> str:
        return said(self._without_secrets(text))

    def _without_secrets(self, text: str) -> str:
        """Before anything is cut: half a secret is none that anybody knows again."""
        bearer = self._config.bearer()
        secrets = secrets_of(self._config.env_files) | ({} if bearer is None else {"token": bearer})
        return spoken(text, {}, secrets)


def _answer(result: CallToolResult) -> Answer:
    words = " ".join(part.text for part in result.content if isinstance(part, TextContent))
    return Answer(result.structured_content, words, result.is_error)


def _why(error: BaseException) -> str:
    """Of a group, as the SDK raises it, the first that is one."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return str(error) if isinstance(error, AwoooiError | MCPError) else f"{type(error).__name__}: {error}"
