"""The one HTTP client. Nothing else imports httpx, so that it can be exchanged here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import httpx
import orjson

from schemas.catalog import MIB
from schemas.errors import Never, NotNow, Unreadable

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


class HttpClient:
    """Keeps its connections; follows no redirects, since a log-in must not travel to another host.

    Raises NotNow when nobody answers in time, Never for an address that is none or an endless answer.
    """

    def __init__(
        self,
        *,
        timeout_secs: float = 10.0,
        basic_auth: tuple[str, str] | None = None,
        ca_file: str | None = None,
        max_answer_bytes: int = MAX_ANSWER_BYTES,
    ) -> None:
        self._max_answer_bytes = max_answer_bytes
        self._client = httpx.AsyncClient(
            timeout=timeout_secs,
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
        except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
            raise Never(f"no address that can be asked: {error}") from error
        except httpx.HTTPError as error:
            raise NotNow(f"{_host(url)} does not answer: {_told(error)}") from error

    async def _read(self, answer: httpx.Response, url: str) -> bytes:
        chunks, size = [], 0
        async for chunk in answer.aiter_bytes():
            size += len(chunk)
            if size > self._max_answer_bytes:
                raise Never(f"{_host(url)}: its answer is over {self._max_answer_bytes} bytes")
            chunks.append(chunk)
        return b"".join(chunks)


def _context(ca_file: str) -> Any:
    return httpx.create_ssl_context(verify=ca_file)


def _host(url: str) -> str:
    """Paths and queries may hold secrets: errors name the host alone."""
    return httpx.URL(url).netloc.decode(errors="replace").rpartition("@")[2]


def _told(error: httpx.HTTPError) -> str:
    return str(error) or type(error).__name__
