"""GET /api/v1/dashboard/stream: what happens, as server-sent events, for as long as a person may see it.

A listener owns no queue: it is a place in the ring that all share. One that is too slow is cut off, and one
that comes back with its last id is given what it has missed, by any gateway.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

import structlog
from starlette.types import Receive, Scope, Send

from connectors.gateway.config import GatewayConfig
from connectors.gateway.live_ring import Listener, Message, Ring
from connectors.gateway.live_told import KINDS
from connectors.gateway.meters import LiveMeters
from connectors.gateway.openapi import refusal
from connectors.gateway.problems import Refused, come_again
from connectors.gateway.reader_door import Caller, ReaderDoor
from connectors.gateway.webhooks import Headers, refuse
from connectors.tokens import PROJECT_PATTERN

log = structlog.get_logger(__name__)

PATH = "/api/v1/dashboard/stream"
AT_A_TIME = 50
"""messages of one write"""
MOST_FIELDS = 20
_PROJECT = re.compile(PROJECT_PATTERN)
_HEADERS = (
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),  # a proxy before us passes each message on
    (b"x-content-type-options", b"nosniff"),
)


class Ended(Exception):
    """The stream is over; whoever wants more comes back with the last id."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass(slots=True)
class _Stream:
    """One listener's connection."""

    headers: Headers
    caller: Caller
    project: str
    send: Send
    cursor: str = ""
    listener: Listener | None = None
    """None until it is known where it begins"""
    told_away: bool = False
    sent_at: float = 0.0
    looked_at: float = 0.0

    def wants(self, message: Message) -> bool:
        if message.project is None:
            return True
        return self.caller.covers(message.project) and self.project in ("", message.project)


class Live:
    """ASGI endpoint."""

    def __init__(
        self,
        door: ReaderDoor,
        ring: Ring,
        config: GatewayConfig,
        meters: LiveMeters,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._door, self._ring, self._config, self._meters = door, ring, config, meters
        self._clock = clock
        self._open: Counter[str] = Counter()
        self._is_closing = False

    def close(self) -> None:
        """Every stream ends within a moment: a gateway that stops need not wait for them."""
        self._is_closing = True
        self._ring.tell()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers, asked = dict(scope["headers"]), _asked(scope)
        try:
            caller = await self._door.caller(headers)
            self._door.let_in(caller)
            project = _project(asked, caller)
            self._must_have_room(caller)
        except Refused as refused:
            self._meters.ended(refused.reason)
            await refuse(send, refused)
            return
        if scope["method"] == "HEAD":
            await send({"type": "http.response.start", "status": 200, "headers": list(_HEADERS)})
            await send({"type": "http.response.body", "body": b""})
            return
        cursor = headers.get(b"last-event-id", b"").decode("latin-1") or asked.get("last_event_id", "")
        await self._serve(_Stream(headers, caller, project, send, cursor), scope, receive)

    def _must_have_room(self, caller: Caller) -> None:
        each, in_all = self._config.streams_of_one_person, self._config.streams_at_once
        if self._is_closing or self._open.total() >= in_all:
            raise come_again("too_many_streams", f"{in_all} listen already", 5)
        if self._open[caller.person] >= each:
            raise come_again("too_many_streams_of_one", f"{caller.person} has {each} streams open already", 5)

    async def _serve(self, stream: _Stream, scope: Scope, receive: Receive) -> None:
        person = stream.caller.person
        self._open[person] += 1
        self._meters.listen(self._open.total())
        left = asyncio.create_task(_gone(receive), name="listener gone")
        why = "closed"
        try:
            await self._begin(stream)
            await self._go_on(stream, left)
        except Ended as ended:
            why = ended.why
        except TimeoutError:
            why = "too_slow"
        finally:
            left.cancel()
            self._open[person] -= 1
            if not self._open[person]:
                del self._open[person]
            self._meters.listen(self._open.total())
            self._meters.ended(why)
        log.info("listener_ended", why=why, person=person)
        await self._end(stream, scope, why)

    async def _end(self, stream: _Stream, scope: Scope, why: str) -> None:
        """In good order, except for one that takes nothing: what waits for it would be kept for ever."""
        if why == "too_slow":
            scope.get("state", {}).get("abort", lambda: None)()
            await asyncio.sleep(0)
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(self._config.stream_patience_secs):
                await stream.send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _begin(self, stream: _Stream) -> None:
        stream.looked_at = self._clock()
        await stream.send({"type": "http.response.start", "status": 200, "headers": list(_HEADERS)})
        await self._write(stream, b"retry: 2000\n\n")

    async def _go_on(self, stream: _Stream, left: asyncio.Task[None]) -> None:
        """Until the listener leaves, or may hear no more."""
        while not left.done():
            coming = self._ring.coming
            if self._is_closing:
                raise Ended("stopping")
            await self._still_may(stream)
            more = await self._tell(stream)
            if not more:
                either = (coming, left)
                await asyncio.wait(either, timeout=self._config.stream_look_secs, return_when=FIRST_COMPLETED)

    async def _still_may(self, stream: _Stream) -> None:
        """A token that ended or was revoked, a person who was removed, ends what they listen to."""
        now = self._clock()
        if now - stream.looked_at < self._config.stream_look_secs:
            return
        stream.looked_at = now
        try:
            same = await self._door.caller(stream.headers) == stream.caller
        except Refused as refused:
            same = refused.status >= 500  # nobody can tell at the moment, and nothing new is told either
        if not same:
            raise Ended("token_ended")

    # -- what is told

    async def _tell(self, stream: _Stream) -> bool:
        """Whether there is more to be told at once."""
        await self._tell_how_it_stands(stream)
        if stream.listener is None:
            if not self._ring.is_ready:
                return await self._beat(stream)
            await self._place(stream)
        listener = stream.listener
        assert listener is not None
        if self._ring.is_behind(listener):
            raise Ended("too_slow_for_the_ring")
        news = [message for message in self._ring.news(listener, AT_A_TIME) if stream.wants(message)]
        if news:
            await self._write(stream, b"".join(message.frame for message in news))
            self._meters.told(len(news))
        elif not self._ring.has_more(listener):
            await self._beat(stream)
        return self._ring.has_more(listener)

    async def _place(self, stream: _Stream) -> None:
        """Where it goes on; a listener from nowhere begins now."""
        found = self._ring.after(stream.cursor) if stream.cursor else self._ring.from_now()
        stream.listener = found or self._ring.from_now()
        kind = b"start" if found is not None else b"reset"
        mark = self._ring.mark() if found is None or not stream.cursor else b""
        await self._write(stream, mark + b"event: " + kind + b"\ndata: {}\n\n")

    async def _tell_how_it_stands(self, stream: _Stream) -> None:
        if self._ring.is_away != stream.told_away:
            stream.told_away = self._ring.is_away
            kind = b"away" if stream.told_away else b"back"
            await self._write(stream, b"event: " + kind + b"\ndata: {}\n\n")

    async def _beat(self, stream: _Stream) -> bool:
        """Now and then, with how far it is: what happened elsewhere makes no cursor old."""
        if self._clock() - stream.sent_at >= self._config.stream_heartbeat_secs:
            mark = self._ring.mark() if stream.listener is not None else b""
            await self._write(stream, b": here\n" + mark + b"\n")
        return False

    async def _write(self, stream: _Stream, content: bytes) -> None:
        async with asyncio.timeout(self._config.stream_patience_secs):
            await stream.send({"type": "http.response.body", "body": content, "more_body": True})
        stream.sent_at = self._clock()


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _asked(scope: Scope) -> Mapping[str, str]:
    """The last of a name counts, as everywhere here."""
    try:
        asked = parse_qs(scope.get("query_string", b"").decode("latin-1"), max_num_fields=MOST_FIELDS)
    except ValueError:
        return {}
    return {name: values[-1] for name, values in asked.items()}


def _project(asked: Mapping[str, str], caller: Caller) -> str:
    project = asked.get("project", "")
    if project and not _PROJECT.fullmatch(project):
        raise Refused(422, "bad_project", "project: small letters, digits, . _ -")
    caller.asking_for(project)
    return project


_TEXT = {"type": "string"}
_PARAMETERS = [
    {
        "name": "project",
        "in": "query",
        "description": "what happens in this one alone; left out: in all of yours",
        "schema": {"type": "string", "pattern": f"^{PROJECT_PATTERN}$"},
    },
    {"name": "last_event_id", "in": "query", "description": "as the header of this name", "schema": _TEXT},
    {
        "name": "Last-Event-ID",
        "in": "header",
        "description": "the last id that was seen: the stream goes on after it",
        "schema": {"type": "string", "pattern": "^[!-~]{0,16384}$"},
    },
]
_REFUSALS = {
    401: "no token of a person, or a wrong one",
    403: "the person was removed",
    404: "the project is not one of yours",
    422: "the project is no project's name",
    503: "too many streams, or over the token's limit: come again after Retry-After",
}
_EXAMPLE = (
    "id: 1.5f0c…\nevent: new_approval\n"
    'data: {"kind":"new_approval","id":"INC-20260301-0A1B2C3D4E-A1","risk":"HIGH"}\n\n'
)


def with_live(document: dict[str, Any]) -> None:
    stream = {"text/event-stream": {"schema": {**_TEXT, "description": KINDS}, "example": _EXAMPLE}}
    document["paths"][PATH] = {
        "get": {
            "operationId": "stream",
            "summary": "what happens, as it happens: server-sent events",
            "security": [{"personalToken": []}],
            "parameters": _PARAMETERS,
            "responses": {
                "200": {"description": "it goes on until one of the two ends it", "content": stream},
                **{str(code): refusal(code, text) for code, text in _REFUSALS.items()},
            },
        }
    }
