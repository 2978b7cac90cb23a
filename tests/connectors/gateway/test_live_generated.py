"""Made-up requests to the routes that a browser asks first: none of them is ever a 500, or hangs."""

from __future__ import annotations

import asyncio
import os
import random
import re
from pathlib import Path

import pytest

from tests.connectors.gateway.test_live import Stage, stage

REQUESTS = 3000 if os.environ.get("AWOOOI_FULL") == "1" else 300
PATHS = (
    *["/api/v1/dashboard/stream"] * 5,
    "/api/v1/session",
    "/api/v1/console/config",
    "/console/",
    "/console/index.html",
    "/console/{}",
    "/",
)
PIECES = (
    *(
        "",
        "shop",
        "bank",
        "*",
        "..",
        "%2e%2e%2f",
        "%00",
        "%ff",
        "%",
        "a" * 5000,
        "☃",
        "\x7f",
        "'",
        '"',
        "<x>",
    ),
    *(
        "1.0123456789abcdef.AAAA",
        "1..",
        "2.",
        "-1",
        "9" * 400,
        "AA==",
        "\t",
        ";",
        "&",
        "=",
        "[]",
        "{}",
        "&" * 50,
    ),
)


def request(made: random.Random, house: Stage) -> bytes:
    def some() -> str:
        return "".join(made.choices(PIECES, k=made.randint(0, 3)))

    query = made.choice(["", "?project=", "?last_event_id=", "?project=shop&project=", "?"])
    path = made.choice(PATHS).replace("{}", some()) + (query + some() if query else "")
    token = made.choice([house.tokens["bob"][1], house.tokens["carol"][1], some(), "a.b.c", "."])
    scheme = made.choice(["Bearer", "bearer", "bearer", "Basic", ""])
    method = made.choice(["GET"] * 8 + ["HEAD", "POST", "DELETE", "OPTIONS"])
    lines = [
        f"{method} {re.sub(r'[^!-~]', '', path)} HTTP/1.1",
        "host: x",
        f"authorization: {scheme} {token}",
        f"last-event-id: {some()}",
        f"if-none-match: {some()}",
    ]
    return "\r\n".join(lines).encode("latin-1", "replace").replace(b"\x7f", b"") + b"\r\n\r\n"


async def status(port: int, content: bytes) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(content)
        async with asyncio.timeout(5):
            line = await reader.readline()
        return int(line.split()[1]) if line else 400  # what is no HTTP may end without an answer
    finally:
        writer.close()


async def test_no_request_is_a_500(tmp_path: Path) -> None:
    made = random.Random(2026)
    async with stage(tmp_path, streams_at_once=2000, streams_of_one_person=2000) as house:
        port, seen = int(house.url.rpartition(":")[2]), dict[int, int]()
        for _ in range(REQUESTS):
            content = request(made, house)
            answer = await status(port, content)
            seen[answer] = seen.get(answer, 0) + 1
            assert answer < 500, content[:300]
        assert seen.keys() >= {200, 401, 404, 405, 422}, seen


HEADS = {
    "a long token": b"authorization: Bearer " + b"x" * 400_000,
    "a long cursor": b"last-event-id: " + b"1" * 400_000,
    "many headers": b"\r\n".join(b"x-%d: y" % number for number in range(40_000)),
}


@pytest.mark.parametrize("head", HEADS.values(), ids=HEADS)
async def test_a_huge_head_ends_the_connection(tmp_path: Path, head: bytes) -> None:
    async with stage(tmp_path) as house:
        port = int(house.url.rpartition(":")[2])
        content = b"GET /api/v1/dashboard/stream HTTP/1.1\r\nhost: x\r\n" + head + b"\r\n\r\n"
        assert await status(port, content) in (400, 431)
