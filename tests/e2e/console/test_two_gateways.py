"""Two gateways of one system: who listens at one goes on at the other, and neither waits for them."""

from __future__ import annotations

import json
import signal
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from connectors.tokens import Role
from tests.e2e.console.system import ConsoleSystem
from tests.peers.http import get
from tests.peers.process import Process
from tests.peers.waiting import free_port

pytestmark = pytest.mark.timeout(120)


@dataclass
class Stream:
    """What one connection was told, read as far as somebody asks."""

    lines: Iterator[bytes]
    cursor: str = ""
    told: list[dict[str, Any]] = field(default_factory=list)

    def until(self, kind: str) -> dict[str, Any]:
        """Up to the first event of this type or kind."""
        for data in self._messages():
            if kind in (data["kind"], data.get("type")):
                return data
        raise AssertionError(f"the stream ended before {kind}: {[one['type'] for one in self.told]}")

    def _messages(self) -> Iterator[dict[str, Any]]:
        event = ""
        for line in self.lines:
            name, _, value = line.decode().rstrip("\n").partition(": ")
            if name == "id":
                self.cursor = value
            elif name == "event":
                event = value
            elif name == "data":
                data = {"kind": event, **json.loads(value)}
                self.told += [data] if "event_id" in data else []
                yield data

    @property
    def ids(self) -> list[str]:
        return [data["event_id"] for data in self.told]


@contextmanager
def stream(origin: str, token: str, cursor: str = "") -> Iterator[Stream]:
    headers = {"Authorization": f"Bearer {token}", **({"Last-Event-ID": cursor} if cursor else {})}
    asked = urllib.request.Request(f"{origin}/api/v1/dashboard/stream", headers=headers)
    with urllib.request.urlopen(asked, timeout=60) as answer:
        found = Stream(iter(answer))
        found.until("start")
        yield found


@pytest.fixture
def second(system: ConsoleSystem, tmp_path: Path) -> Iterator[tuple[str, Process]]:
    """Another gateway of the same log, record and people."""
    port = free_port()
    command = [sys.executable, "-m", "awoooi", "gateway"]
    env = {**system.environment, "AWOOOI_GATEWAY_PORT": str(port), "AWOOOI_EMBEDDED": "true"}
    env["AWOOOI_PARTITIONS"] = str(system.settings.partitions)
    process = Process(command, tmp_path / "gateway.log", env, lambda name: name.startswith("AWOOOI_"))
    process.start()
    try:
        origin = f"http://127.0.0.1:{port}"
        process.wait_until_ready(lambda: bool(get(f"{origin}/readyz")), 40, what="a second gateway")
        yield origin, process
    finally:
        process.stop()


def test_a_listener_goes_on_at_another_gateway(system: ConsoleSystem, second: tuple[str, Process]) -> None:
    origin, process = second
    token = system.token("heidi", (Role.VIEWER,))
    with stream(system.origin, token) as all_of_it:
        with stream(system.origin, token) as first:
            system.send("changes-gateways", "elsewhere")
            first.until("incident.opened")
        all_of_it.until("rca.decided")
        with stream(origin, token, first.cursor) as going_on:
            while missing := set(all_of_it.ids) - {*first.ids, *going_on.ids}:
                assert next(going_on._messages()), missing  # partitions have no order among each other
            seen = first.ids + going_on.ids
            assert len(seen) == len(set(seen))

            began = time.monotonic()
            process.signal(signal.SIGTERM)
            assert process.wait(15) == 0
            assert time.monotonic() - began < 5, "it waits for no listener"
