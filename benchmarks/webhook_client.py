"""A cheap load of webhooks: `python -m benchmarks.webhook_client PORT TOKEN SECS CONNECTIONS ANSWER`.

Keep-alive connections, the next request when the answer to the one before is there. A client that costs
more than the gateway would measure itself.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import quantiles
from typing import Any

import uvloop

from benchmarks.loads import minutes_ago, raw

WARM_SECS = 1.5
PATH = "/api/v1/webhooks/alertmanager"


@dataclass(slots=True)
class Tally:
    until: float
    warm: float
    accepted: int = 0
    timed: list[float] = field(default_factory=list)
    refused: list[bytes] = field(default_factory=list)


class Caller(asyncio.Protocol):
    """One connection."""

    def __init__(self, requests: list[bytes], tally: Tally) -> None:
        self._requests, self._tally = requests, tally
        self._number, self._sent, self._answer = 0, 0.0, b""
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:  # uvloop's is no asyncio.Transport by name
        self._transport = transport
        self._send()

    def _send(self) -> None:
        self._sent = time.perf_counter()
        self._transport.write(self._requests[self._number % len(self._requests)])
        self._number += 1

    def data_received(self, data: bytes) -> None:
        self._answer += data
        head, found, body = self._answer.partition(b"\r\n\r\n")
        if not found or len(body) < _length(head):
            return
        self._answer = b""
        self._took(head)
        if self._sent_all():
            self._transport.close()
        else:
            self._send()

    def _took(self, head: bytes) -> None:
        tally, now = self._tally, time.perf_counter()
        if not head.startswith(b"HTTP/1.1 202"):
            tally.refused.append(head)
            return
        tally.accepted += 1
        if tally.warm <= now <= tally.until:
            tally.timed.append(now - self._sent)

    def _sent_all(self) -> bool:
        return time.perf_counter() >= self._tally.until

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002  asyncio's signature
        if not self.done.done():
            self.done.set_result(None)


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line[15:])
    return 0


def _request(body: bytes, token: str) -> bytes:
    head = (
        f"POST {PATH} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {token}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _same(caller: Caller) -> Caller:
    return caller


async def run(port: str, token: str, secs: str, connections: str) -> dict[str, float]:
    count = int(connections)
    bodies = list(raw(count * 20, 1_000, 1, minutes_ago()))
    start = time.perf_counter()
    tally = Tally(start + WARM_SECS + float(secs), start + WARM_SECS)
    loop, callers = asyncio.get_running_loop(), list[Caller]()
    for number in range(count):
        caller = Caller([_request(body, token) for body in bodies[number::count]], tally)
        callers.append(caller)
        await loop.create_connection(partial(_same, caller), "127.0.0.1", int(port))
    async with asyncio.timeout(WARM_SECS + float(secs) + 20):
        await asyncio.gather(*(caller.done for caller in callers))
    if tally.refused:
        raise SystemExit(f"{len(tally.refused)} refused, the first: {tally.refused[0].decode()}")
    cuts = [cut * 1000 for cut in quantiles(tally.timed, n=100)]
    return {
        "per_s": len(tally.timed) / float(secs),
        "accepted": tally.accepted,
        "p50_ms": cuts[49],
        "p99_ms": cuts[98],
    }


if __name__ == "__main__":
    *arguments, answer = sys.argv[1:]
    Path(answer).write_text(json.dumps(uvloop.run(run(*arguments))))
