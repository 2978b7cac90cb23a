"""The one HTTP client. Nothing else imports httpx, so that it can be exchanged here."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import httpx
import orjson

from connectors.reasons import reason_of
from schemas.catalog import MIB
from schemas.errors import Misconfigured, Never, NotNow, Unreadable

MAX_ANSWER_BYTES = 64 * MIB


@dataclass(frozen=True, slots=True)
class Reply:
    """Whatever the server said, whole; a status that means trouble is the caller's to judge."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    def json(self) -> Any:
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError as error:
            raise Unreadable(f"the answer is no JSON: {error}") from error


class Unreachable(NotNow):
    """Nobody took the connection: asking again at once is useless."""


class Silent(NotNow):
    """Connected, but nothing came for too long."""


class Streaming:
    """An answer while it arrives: status and head are there, the body comes in pieces, bounded as a whole."""

    def __init__(self, answer: httpx.Response, url: str, max_bytes: int) -> None:
        self.status = answer.status_code
        self.headers: Mapping[str, str] = answer.headers
        self._answer, self._url, self._max_bytes = answer, url, max_bytes

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    async def lines(self) -> AsyncIterator[bytes]:
        """Without their line feeds. Only these end a line: other separators may stand within JSON."""
        parts: list[bytes] = []
        async for chunk in self._chunks():
            first, *more = chunk.split(b"\n")
            parts.append(first)
            for piece in more:
                yield b"".join(parts)
                parts = [piece]
        if rest := b"".join(parts):
            yield rest

    async def beginning(self, size: int) -> bytes:
        """So much of the body, for an error's text; the rest is not waited for."""
        found = b""
        async for chunk in self._chunks():
            found += chunk
            if len(found) >= size:
                break
        return found[:size]

    async def _chunks(self) -> AsyncIterator[bytes]:
        size = 0
        async for chunk in self._answer.aiter_bytes():
            size += len(chunk)
            if size > self._max_bytes:
                raise _endless(self._url, self._max_bytes)
            yield chunk


class HttpClient:
    """Keeps its connections; follows no redirects, since a log-in must not travel to another host.

    Raises NotNow when nobody answers in time, Never for an address that is none or an endless answer.
    """

    def __init__(
        self,
        *,
        timeout_secs: float = 10.0,
        connect_secs: float | None = None,
        basic_auth: tuple[str, str] | None = None,
        ca_file: str | None = None,
        max_answer_bytes: int = MAX_ANSWER_BYTES,
        max_connections: int | None = 100,
    ) -> None:
        self._max_answer_bytes = max_answer_bytes
        self._client = httpx.AsyncClient(
            timeout=httpx.Timeout(timeout_secs, connect=connect_secs or timeout_secs),
            limits=httpx.Limits(max_connections=max_connections, max_keepalive_connections=20),
            auth=basic_auth,
            verify=True if ca_file is None else _context(ca_file),
            follow_redirects=False,
            trust_env=False,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        await self._client.aclose()

    async def get(self, url: str, headers: Mapping[str, str] | None = None) -> Reply:
        return await self.request("GET", url, headers=headers)

    async def post(self, url: str, content: bytes, headers: Mapping[str, str] | None = None) -> Reply:
        return await self.request("POST", url, content=content, headers=headers)

    async def request(
        self,
        method: str,
        url: str,
        *,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        try:
            async with self._client.stream(method, url, content=content, headers=headers) as answer:
                body = await self._read(answer, url)
                return Reply(answer.status_code, dict(answer.headers), body)
        except (httpx.InvalidURL, httpx.HTTPError) as error:
            raise _translated(error, url) from error

    @asynccontextmanager
    async def stream(
        self,
        url: str,
        content: bytes,
        headers: Mapping[str, str] | None = None,
        *,
        connect_secs: float,
        silence_secs: float,
    ) -> AsyncIterator[Streaming]:
        """A POST whose answer is read as it comes: only connecting and silence are bounded in time.

        Raises Unreachable, Silent, NotNow where the answer breaks off, Never as `request` does.
        """
        bounds = httpx.Timeout(silence_secs, connect=connect_secs, pool=connect_secs)
        try:
            async with self._client.stream(
                "POST", url, content=content, headers=headers, timeout=bounds
            ) as answer:
                yield Streaming(answer, url, self._max_answer_bytes)
        except (httpx.InvalidURL, httpx.HTTPError) as error:
            raise _translated(error, url) from error

    async def _read(self, answer: httpx.Response, url: str) -> bytes:
        chunks, size = [], 0
        async for chunk in answer.aiter_bytes():
            size += len(chunk)
            if size > self._max_answer_bytes:
                raise _endless(url, self._max_answer_bytes)
            chunks.append(chunk)
        return b"".join(chunks)


def _context(ca_file: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except ssl.SSLError as error:
        raise Misconfigured(f"ca_file: {ca_file} holds no certificates in PEM") from error
    except OSError as error:
        raise Misconfigured(f"ca_file: {ca_file} cannot be read: {error.strerror}") from error


def _host(url: str) -> str:
    """Paths and queries may hold secrets: errors name the host alone."""
    return httpx.URL(url).netloc.decode(errors="replace").rpartition("@")[2]


def _endless(url: str, max_bytes: int) -> Never:
    return Never(f"{_host(url)}: its answer is over {max_bytes} bytes")


def _translated(error: httpx.InvalidURL | httpx.HTTPError, url: str) -> Never | NotNow:
    match error:
        case httpx.InvalidURL() | httpx.UnsupportedProtocol():
            return Never(f"no address that can be asked: {error}")
        case httpx.LocalProtocolError():  # its text repeats the header, which may be a secret
            return Never(f"{_host(url)}: a header holds what HTTP does not allow")
        case httpx.ConnectError() | httpx.ConnectTimeout() | httpx.PoolTimeout():
            return Unreachable(f"{_host(url)} does not answer: {_told(error)}")
        case httpx.ReadTimeout() | httpx.WriteTimeout():
            return Silent(f"{_host(url)} does not answer: it fell silent ({_told(error)})")
        case _:
            return NotNow(f"{_host(url)} does not answer: {_told(error)}")


def _told(error: httpx.HTTPError) -> str:
    """The system's own words stand at the end of the chain: what is before them names no reason."""
    root: BaseException = error
    while (cause := root.__cause__ or root.__context__) is not None:
        root = cause
    return reason_of(root if isinstance(root, OSError) else error)
