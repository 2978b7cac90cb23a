"""A server at an address: streamable HTTP, with a client of ours that bounds what it reads."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus

import httpx2
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._stream_protocols import ReadStream, WriteStream
from mcp.shared.message import SessionMessage

from connectors.mcp.config import ServerConfig
from schemas.errors import Misconfigured

CONNECT_SECS = 5.0
PLAIN = "identity"
Streams = tuple[ReadStream[SessionMessage | Exception], WriteStream[SessionMessage]]


@asynccontextmanager
async def over_http(config: ServerConfig) -> AsyncIterator[Streams]:
    assert config.url is not None  # its own kind
    timeout = httpx2.Timeout(config.call_timeout_secs, connect=CONNECT_SECS, read=None)
    bearer = config.bearer()
    headers = {"Accept-Encoding": PLAIN} | ({} if bearer is None else {"Authorization": f"Bearer {bearer}"})
    transport = Bounded(config.most_bytes, _authorities(config))
    async with (
        httpx2.AsyncClient(headers=headers, timeout=timeout, transport=transport) as client,
        streamable_http_client(
            config.url, http_client=client, max_sse_event_size=config.most_bytes
        ) as streams,
    ):
        yield streams


def _authorities(config: ServerConfig) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=config.ca_file)
    except OSError as error:
        raise Misconfigured(f"ca_file: {config.ca_file} cannot be read as PEM: {error.strerror}") from error


class Bounded(httpx2.AsyncHTTPTransport):
    """An answer to a message has a size; what is packed would have another one inside."""

    def __init__(self, most_bytes: int, authorities: ssl.SSLContext) -> None:
        super().__init__(verify=authorities)
        self._most_bytes = most_bytes

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        response = await super().handle_async_request(request)
        if response.headers.get("content-encoding", PLAIN) != PLAIN:
            await response.aclose()
            raise httpx2.RemoteProtocolError("the answer is packed, which was not asked for")
        answers = request.method == "POST" and response.status_code < HTTPStatus.MULTIPLE_CHOICES
        if answers or response.status_code >= HTTPStatus.BAD_REQUEST:
            assert isinstance(response.stream, httpx2.AsyncByteStream)  # of an async transport
            response.stream = Counted(response.stream, self._most_bytes)
        return response


class Counted(httpx2.AsyncByteStream):
    def __init__(self, inner: httpx2.AsyncByteStream, most_bytes: int) -> None:
        self._inner, self._left = inner, most_bytes

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._inner:
            self._left -= len(part)
            if self._left < 0:
                raise httpx2.RemoteProtocolError("the answer is too long")
            yield part

    async def aclose(self) -> None:
        await self._inner.aclose()
