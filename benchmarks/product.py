"""The product's own commands as processes, on ports and in a folder of their own."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from benchmarks.broker import PARTITIONS
from tests.peers.process import Process
from tests.peers.waiting import free_ports

PORTS = ("BROKER_PORT", "GATEWAY_PORT", "STORE_PORT", "HEALTH_INGEST_PORT", "HEALTH_SINK_PORT")


CALM = {"AWOOOI_STORMS_THRESHOLD": "0", "AWOOOI_RUNS_PER_DAY": "0", "AWOOOI_RUNS_PER_ALERT_PER_DAY": "0"}
"""every run begins at once: what is measured is the work, not how it is put off"""


@dataclass(frozen=True)
class Product:
    """`bootstrap` empty: it starts its own embedded broker."""

    folder: Path
    bootstrap: str = ""
    ports: dict[str, int] = field(
        default_factory=lambda: dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
    )

    more: Mapping[str, str] = field(default_factory=dict)
    """other settings, by variable"""

    @property
    def state(self) -> Path:
        return self.folder / "state"

    def env(self) -> dict[str, str]:
        given = {f"AWOOOI_{name}": str(port) for name, port in self.ports.items()}
        given |= {"AWOOOI_STATE_DIR": str(self.state), "AWOOOI_LOG_LEVEL": "warning", **CALM}
        if self.bootstrap:
            given |= {
                "AWOOOI_KAFKA_BOOTSTRAP_SERVERS": self.bootstrap,
                "AWOOOI_PARTITIONS": str(PARTITIONS),
            }
        return {**given, **self.more}

    def process(self, *command: str) -> Process:
        """Not started yet. Settings of the surroundings do not reach it."""
        return Process(
            [sys.executable, "-m", "awoooi", *command],
            self.folder / f"{'-'.join(command)}.log",
            env=self.env(),
            without=lambda name: name.startswith("AWOOOI_"),
        )

    def run(self, *command: str) -> None:
        """A command that ends by itself."""
        process = self.process(*command).start()
        if process.wait(60):
            raise RuntimeError(f"awoooi {' '.join(command)} failed:\n{process.tail()}")

    @contextmanager
    def running(self, *command: str, port: str = "") -> Iterator[Process]:
        """`port`: wait until that one is ready."""
        process = self.process(*command)
        process.start()
        try:
            if port:
                self.wait_ready(process, port)
            yield process
        finally:
            process.stop()

    def wait_ready(self, process: Process, port: str, secs: float = 120) -> None:
        url = f"http://127.0.0.1:{self.ports[port]}/readyz"
        process.wait_until_ready(lambda: answers_ok(url), secs, what=f"{url} says ready")


def answers_ok(url: str) -> bool:
    try:
        with urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False


def cores() -> list[int]:
    return sorted(os.sched_getaffinity(0))
