"""Workers of a test as child processes: started, waited for, killed at the end."""

from __future__ import annotations

import signal
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.peers.process import Process
from tests.peers.waiting import wait_until_async

ROOT = Path(__file__).parents[2]


async def nothing() -> None:
    return None


@dataclass
class Workers:
    """`python -m MODULE ARGUMENTS ...`; each start logs into a file of its own."""

    folder: Path
    module: str
    arguments: tuple[str, ...] = ()
    all: list[Process] = field(default_factory=list)

    def launch(self, *more: str, **env: str) -> Process:
        log = self.folder / f"worker-{len(self.all)}.log"
        command = [sys.executable, "-m", self.module, *self.arguments, *more]
        worker = Process(command, log, env=env, cwd=ROOT)
        self.all.append(worker)
        return worker.start()

    async def start(self, *more: str, **env: str) -> Process:
        """Back when it is ready, or was killed before."""
        worker = self.launch(*more, **env)
        await self.ready(worker)
        return worker

    async def ready(self, worker: Process) -> None:
        await wait_until_async(lambda: "ready" in worker.output() or not worker.running, 60)

    async def dead(
        self,
        worker: Process,
        what: str = "killed",
        meanwhile: Callable[[], Awaitable[object]] = nothing,
        timeout: float = 60,  # noqa: ASYNC109 (called like `wait_until`)
    ) -> None:
        """By -9, and by nothing else."""

        async def gone() -> bool:
            await meanwhile()
            return not worker.running

        await wait_until_async(gone, timeout, what=f"{what}\n{worker.tail()}", every=0.01)
        assert worker.exit_status == -signal.SIGKILL, worker.tail()


@contextmanager
def workers(folder: Path, module: str, *arguments: str) -> Iterator[Workers]:
    started = Workers(folder, module, arguments)
    try:
        yield started
    finally:
        for worker in started.all:
            worker.kill()
