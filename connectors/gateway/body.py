"""A request's body: of the right kind, bounded while it is read, well-formed JSON."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import orjson
from starlette.types import Receive

from connectors.gateway.problems import Refused

_MAX_DIGITS = 15
_ENDLESS = 10**_MAX_DIGITS


class Disconnected(Exception):
    """The caller went away before its body was whole: nobody is left to answer."""


def check_kind(headers: Mapping[bytes, bytes]) -> None:
    """application/json, plain. A `charset` is tolerated, since the bytes are checked to be UTF-8."""
    kind = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
    if kind != b"application/json":
        raise Refused(415, "content_type", "send application/json", {"Accept": "application/json"})
    if headers.get(b"content-encoding", b"identity").strip().lower() not in {b"identity", b""}:
        raise Refused(
            415,
            "content_encoding",
            "the body must not be compressed (no Content-Encoding)",
            {"Accept-Encoding": "identity"},
        )


def announced_size(headers: Mapping[bytes, bytes]) -> int | None:
    """Content-Length; None where the body comes in chunks of unknown number."""
    announced = headers.get(b"content-length")
    if announced is None:
        return None
    # the HTTP parser has refused what is no number; one of thousands of digits is not worth counting
    return int(announced) if len(announced) <= _MAX_DIGITS else _ENDLESS


async def read_body(receive: Receive, limit: int, timeout_secs: float) -> bytes:
    """The whole body; given up as soon as it is over the limit, whatever its head has said."""
    try:
        async with asyncio.timeout(timeout_secs):
            return await _read(receive, limit)
    except TimeoutError:
        raise Refused(
            408, "slow_body", f"the body did not arrive within {timeout_secs:g} s", {"Connection": "close"}
        ) from None


async def _read(receive: Receive, limit: int) -> bytes:
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise Disconnected
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            raise too_large(limit)
        chunks.append(chunk)
        if not message.get("more_body", False):
            return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def too_large(limit: int) -> Refused:
    return Refused(413, "too_large", f"the body is over {limit} bytes")


def parse_json(body: bytes) -> Any:
    """Well-formed, UTF-8, no NaN, not nested deeper than the parser's stack allows."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        # the parser's words name a place, never the text
        raise Refused(400, "bad_json", f"the body is no well-formed JSON: {error}") from None
