"""Large and slow bodies: refused while they are read, and never held beyond the bound."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.gateway.body import read_body
from connectors.gateway.problems import Refused
from tests.connectors.gateway.support import Gateway, raw_answer, running_gateway

LIMIT = 64 * 1024
CHUNK = 16 * 1024


def head(gateway: Gateway, framing: str) -> bytes:
    return (
        f"POST /api/v1/webhooks/alerts HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {gateway.token}\r\n"
        f"Content-Type: application/json\r\n{framing}\r\n\r\n"
    ).encode()


def chunks(count: int) -> Iterator[bytes]:
    """Blanks and a number, so that the whole is well-formed JSON."""
    blanks = b" " * CHUNK
    for chunk in [blanks] * (count - 1) + [blanks[1:] + b"7"]:
        yield b"%x\r\n%b\r\n" % (CHUNK, chunk)


async def test_chunks_within_the_limit_are_taken(tmp_path: Path) -> None:
    async with running_gateway(tmp_path, max_body_bytes=LIMIT) as gateway:
        parts = [head(gateway, "Transfer-Encoding: chunked"), *chunks(4), b"0\r\n\r\n"]
        answer = await _first_line(gateway.port, *parts)

    assert b" 202 " in answer
    assert len(gateway.log.records[0].value) == LIMIT


async def test_chunks_over_the_limit_are_refused_before_they_end(tmp_path: Path) -> None:
    async with running_gateway(tmp_path, max_body_bytes=LIMIT) as gateway:
        parts = [head(gateway, "Transfer-Encoding: chunked"), *chunks(5)]  # and no end
        answer = await raw_answer(gateway.port, *parts)

    assert b" 413 " in answer
    assert b"connection: close" in answer.lower()


async def test_an_announced_size_over_the_limit_is_refused_before_the_body(tmp_path: Path) -> None:
    async with running_gateway(tmp_path, max_body_bytes=LIMIT) as gateway:
        answer = await raw_answer(gateway.port, head(gateway, f"Content-Length: {LIMIT + 1}"))

    assert b" 413 " in answer
    assert b"connection: close" in answer.lower()


@pytest.mark.parametrize("digits", ["9" * 19, "0" * 5000 + "2"], ids=["huge", "many digits"])
async def test_an_odd_size_is_no_fault_of_ours(tmp_path: Path, digits: str) -> None:
    async with running_gateway(tmp_path) as gateway:
        answer = await raw_answer(gateway.port, head(gateway, f"Content-Length: {digits}"))

    assert b" 413 " in answer or b" 400 " in answer


async def test_the_reader_holds_no_more_than_the_limit_and_one_chunk() -> None:
    taken = itertools.count()

    async def receive() -> dict[str, object]:
        next(taken)
        return {"type": "http.request", "body": b"x" * CHUNK, "more_body": True}

    with pytest.raises(Refused) as refused:
        await read_body(receive, LIMIT, 5)

    assert refused.value.status == 413
    assert next(taken) == LIMIT // CHUNK + 1


async def test_a_body_that_does_not_arrive_is_given_up(tmp_path: Path) -> None:
    async with running_gateway(tmp_path, body_timeout_secs=0.1) as gateway:
        answer = await raw_answer(gateway.port, head(gateway, "Content-Length: 10"), b"{")

        assert b" 408 " in answer
        assert gateway.metric("awoooi_webhook_in_flight") == 0


async def test_a_stranger_is_refused_before_the_body(tmp_path: Path) -> None:
    async with running_gateway(tmp_path) as gateway:
        stranger = head(gateway, "Transfer-Encoding: chunked").replace(b"Bearer awt", b"Bearer x")
        answer = await raw_answer(gateway.port, stranger)

    assert b" 401 " in answer
    assert b"connection: close" in answer.lower()


async def _first_line(port: int, *parts: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.writelines(parts)
    line = await asyncio.wait_for(reader.readline(), 10)
    writer.close()
    return line
