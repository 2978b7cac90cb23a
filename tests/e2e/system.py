"""One `awoooi up` of a test's own, driven the way an operator drives it."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from awoooi.demo_alert import payload
from awoooi.loading import load
from awoooi.printing import as_text
from awoooi.stack import PORTS
from sinks.clickhouse.client import connected
from sinks.clickhouse.errors import Away
from tests.peers import program
from tests.peers.process import Process
from tests.peers.waiting import free_ports, wait_until

READY_SECS = 60.0  # in under 15 on a machine with nothing else to do


@dataclass
class System:
    """On ports and in a folder of its own."""

    folder: Path
    env: Mapping[str, str]
    up: Process = field(init=False)

    def __post_init__(self) -> None:
        self.up = self.command("up")

    def command(self, *words: str) -> Process:
        return program.awoooi(*words, folder=self.folder, env=self.env)

    @property
    def state(self) -> dict[str, Any]:
        """What it says of itself."""
        file = self.folder / "state" / "up.json"
        if not file.exists():
            return {"ready": False, "parts": {}}
        found: dict[str, Any] = json.loads(file.read_text())
        return found

    def start(self) -> None:
        self.up.start()
        self.until_ready()

    def until_ready(self) -> None:
        self.up.wait_until_ready(lambda: self.state["ready"], READY_SECS, what="all parts ready")

    def pid(self, part: str) -> int | None:
        pid: int | None = self.state["parts"][part]["pid"]
        return pid

    def children(self) -> list[int]:
        return [part["pid"] for part in self.state["parts"].values() if part["pid"]]

    def run(self, *words: str) -> str:
        """What another command prints meanwhile."""
        process = self.command(*words)
        with process.start():
            process.wait(60)
        return process.output()

    def send(self, pod: str) -> None:
        self.post(json.dumps(payload(pod, datetime.now(UTC))).encode())

    def post(self, body: bytes) -> None:
        url = f"http://127.0.0.1:{self.env['AWOOOI_GATEWAY_PORT']}/api/v1/webhooks/alertmanager"
        token = (self.folder / "state" / "gateway.token").read_text().strip()
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=10) as answer:
            assert answer.status == 202

    def has_incident(self, pod: str) -> bool:
        return any(row["target_resource"] == pod for row in json.loads(self.run("incidents", "--json")))

    def until_incident(self, pod: str) -> None:
        wait_until(lambda: self.has_incident(pod), 30, what=f"an incident of {pod}", every=0.5)

    def until_rows(self, sql: str, count: int) -> list[dict[str, Any]]:
        """As `awoooi query` shows them; a command for each look would take most of a test's time."""

        def enough() -> list[dict[str, Any]]:
            found = self._ask(sql)
            return found if len(found) >= count else []

        return wait_until(enough, 30, what=f"{count} rows of {sql}", every=0.2)

    def _ask(self, sql: str) -> list[dict[str, Any]]:
        async def ask() -> list[dict[str, Any]]:
            async with connected(load(self.env).settings.clickhouse.reader()) as client:
                return await client.ask(sql)

        try:
            rows = [{name: as_text(value) for name, value in row.items()} for row in asyncio.run(ask())]
        except Away:
            return []
        found: list[dict[str, Any]] = json.loads(json.dumps(rows, default=str))
        return found


@contextmanager
def fresh(folder: Path, **more: str) -> Iterator[System]:
    ports = dict(zip(PORTS, map(str, free_ports(len(PORTS))), strict=True))
    system = System(folder, {**ports, "AWOOOI_STATE_DIR": str(folder / "state"), **more})
    try:
        yield system
    finally:
        system.up.stop(timeout=40)
