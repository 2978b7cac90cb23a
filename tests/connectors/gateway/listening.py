"""A listener of the live stream over a plain connection: it reads as slowly as it likes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

STREAM = "/api/v1/dashboard/stream"


@dataclass
class Heard:
    event: str
    data: dict[str, Any]
    id: str


@dataclass
class Ears:
    """What came so far. `cursor` is the last id of what was asked for, as a browser would keep it."""

    status: int
    head: bytes
    reader: asyncio.StreamReader
    cursor: str = ""
    comments: int = 0
    _rest: str = ""
    _got: list[Heard] = field(default_factory=list)

    async def next(self, *skip: str) -> Heard:
        """The next message, those of the kinds to skip passed over; EOFError where the stream ended."""
        async with asyncio.timeout(10):
            while True:
                while not self._got:
                    self._parse(await self._chunk())
                heard = self._got.pop(0)
                self.cursor = heard.id or self.cursor
                if heard.event not in skip:
                    return heard

    async def events(self, count: int) -> list[str]:
        """The event ids of so many messages that tell of events."""
        return [(await self.next("start", "away", "back")).data["event_id"] for _ in range(count)]

    async def until_end(self) -> list[Heard]:
        found = []
        try:
            while True:
                found.append(await self.next())
        except EOFError:
            return found

    async def comment(self) -> None:
        """Until the next heartbeat."""
        before = self.comments
        async with asyncio.timeout(10):
            while self.comments == before:
                self._parse(await self._chunk())

    async def _chunk(self) -> str:
        try:
            size = int(await self.reader.readline() or b"0", 16)
            content = await self.reader.readexactly(size + 2)
        except (OSError, asyncio.IncompleteReadError) as error:
            raise EOFError from error
        if not size:
            raise EOFError
        return content[:-2].decode()

    def _parse(self, text: str) -> None:
        *blocks, self._rest = (self._rest + text).split("\n\n")
        for block in blocks:
            fields = dict(line.split(": ", 1) for line in block.split("\n") if not line.startswith(":"))
            self.comments += block.startswith(":")
            if "event" in fields:
                self._got.append(Heard(fields["event"], json.loads(fields["data"]), fields.get("id", "")))
            elif "id" in fields and self._got:
                self._got[-1].id = fields["id"]
            else:
                self.cursor = fields.get("id", self.cursor)


@asynccontextmanager
async def listening(
    url: str, token: str, cursor: str = "", query: str = "", **headers: str
) -> AsyncIterator[Ears]:
    """Its headers' `_` become `-`."""
    address = urlsplit(url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port, limit=2**16)
    sent = {
        "host": "test",
        "authorization": f"Bearer {token}",
        **({"last-event-id": cursor} if cursor else {}),
    }
    sent.update({name.replace("_", "-"): value for name, value in headers.items()})
    try:
        lines = [
            f"GET {STREAM}{query} HTTP/1.1",
            *(f"{name}: {value}" for name, value in sent.items()),
            "",
            "",
        ]
        writer.write("\r\n".join(lines).encode())
        async with asyncio.timeout(10):
            head = await reader.readuntil(b"\r\n\r\n")
        yield Ears(int(head.split(b" ", 2)[1]), head, reader)
    finally:
        writer.close()
