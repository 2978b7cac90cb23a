"""A worker begins when it knows what every process must know, and not before."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from awoooi.worker import Worker


class App:
    """Faust's, as far as a worker drives it."""

    def __init__(self) -> None:
        self.steps: list[str] = []
        self.crash_reason: BaseException | None = None
        self.stopped = asyncio.Event()

    def finalize(self) -> None:
        self.steps.append("finalized")

    async def start(self) -> None:
        self.steps.append("started")

    async def wait_until_stopped(self) -> None:
        await self.stopped.wait()


class View:
    def __init__(self) -> None:
        self.ready, self.steps = asyncio.Event(), list[str]()

    async def start(self) -> None:
        self.steps.append("started")

    async def stop(self) -> None:
        self.steps.append("stopped")


def worker_of(app: App, view: View) -> Any:
    async def stop() -> None:
        app.steps.append("stopped")

    worker: Any = Worker.__new__(Worker)

    async def tell(codec: object, reference: object) -> None:
        app.steps.append("told")

    worker.config, worker.codec = SimpleNamespace(kind="policy", tell=tell), None
    worker.engine = SimpleNamespace(app=app, ready=True, stop=stop)
    worker.shared, worker.reference = None, view
    return worker


@pytest.fixture
def parts() -> tuple[App, View]:
    return App(), View()


async def test_no_stage_begins_before_the_reference_data_is_read(parts: tuple[App, View]) -> None:
    app, view = parts
    worker, asked = worker_of(app, view), asyncio.get_running_loop().create_future()
    work = asyncio.create_task(worker._work(asked))
    for _ in range(20):
        await asyncio.sleep(0)
    assert (view.steps, app.steps) == (["started"], ["finalized"])
    assert worker.unready() == "the reference data is being read"

    view.ready.set()
    for _ in range(20):
        await asyncio.sleep(0)
    assert app.steps == ["finalized", "started", "told"]
    assert worker.unready() is None

    asked.set_result(None)
    await work
    assert (view.steps[-1], app.steps[-1]) == ("stopped", "stopped")


async def test_it_ends_while_it_waits_for_the_reference_data(parts: tuple[App, View]) -> None:
    app, view = parts
    asked = asyncio.get_running_loop().create_future()
    work = asyncio.create_task(worker_of(app, view)._work(asked))
    await asyncio.sleep(0)
    asked.set_result(None)
    await asyncio.wait_for(work, 5)

    assert (view.steps, app.steps) == (["started", "stopped"], ["finalized"])
