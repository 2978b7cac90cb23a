"""A cluster, a broker, a worker `execution` that is started, killed and frozen, and what is asked of it."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from connectors.kubernetes.execution.executor import KubernetesExecutor
from schemas.authorization import ActionAuthorized
from tests.connectors.kubernetes.orders import executing
from tests.connectors.kubernetes.worlds import World
from tests.faults.executing import Setup
from tests.faults.executions import Executions, again, lifted, on_paper, restart
from tests.faults.workers import Workers, workers
from tests.peers import KafkaPeer
from tests.peers.process import Process
from tests.peers.waiting import wait_until_async
from tests.streams.policy.signing import signers

MODULE = "tests.faults.executing"
S = TypeVar("S", bound="Site")


@dataclass
class Site:
    folder: Path
    world: World
    executor: KubernetesExecutor
    executions: Executions
    workers: Workers
    made: Iterator[int] = field(init=False, default_factory=lambda: iter(range(10**6)))

    @property
    def group(self) -> str:
        return self.folder.name

    def launch(self, name: str, group: str = "", **env: str) -> Process:
        """It loads, and waits for `begin`."""
        return self.workers.launch(name, group or self.group, **env)

    async def begin(self, worker: Process) -> Process:
        await wait_until_async(lambda: "loaded" in worker.output(), 60)
        worker.signal(signal.SIGUSR2)
        await self.workers.ready(worker)
        return worker

    async def arm(self, worker: Process, name: str, point: str, number: int = signal.SIGKILL) -> None:
        (self.folder / f"{name}.arm").write_text(f"{point} {int(number)}")
        told = worker.output().count("armed")
        worker.signal(signal.SIGUSR1)
        await wait_until_async(lambda: worker.output().count("armed") > told, 20, what="armed", every=0.01)

    async def restart(self) -> ActionAuthorized:
        return await restart(self.world, self.executor, f"app-{next(self.made)}")

    async def again(self, event: ActionAuthorized, **given: int) -> ActionAuthorized:
        """Another act on that deployment, as it is now: scaled, or restarted."""
        return await again(self.executor, event.payload.action.step, **given)

    def on_paper(self) -> ActionAuthorized:
        return on_paper(self.world.namespace, f"job-{next(self.made)}")


@asynccontextmanager
async def standing(
    kind: type[S], folder: Path, broker: KafkaPeer, world: World, login: Path, **more: Any
) -> AsyncIterator[S]:
    """`login` is the executor's; the kill switch is lifted. `more` is what this kind of site has besides."""
    (folder / "signers.json").write_text(signers().model_dump_json(exclude_defaults=True))
    Setup(broker.bootstrap, str(login), str(folder / "signers.json"), str(folder / "paper")).write(folder)
    async with executing(login) as executor, Executions(broker.bootstrap) as executions:
        await executions.put("switches", lifted(), partitions=1)
        with workers(folder, MODULE, str(folder)) as started:
            yield kind(folder, world, executor, executions, started, **more)
