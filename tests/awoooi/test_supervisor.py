"""Children kept alive: each story with small programs in the parts' places."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from awoooi import supervisor as supervising
from awoooi.parts import NO_ANSWER, Part, Probe
from awoooi.supervisor import GaveUp, State, Status, Supervisor
from tests.peers.waiting import wait_until, wait_until_async

FOREVER = "import time; time.sleep(600)"
BROKEN = "print('the reason'); raise SystemExit(3)"


def python(name: str, program: str, **more: object) -> Part:
    async def ready() -> str:
        return ""

    once = bool(more.get("once"))
    part = {"probe": None if once else ready, "patience_secs": 5.0, **more}
    return Part(name, (sys.executable, "-c", program), **part)  # type: ignore[arg-type]


class Epochs:
    """e1, e2, …: one for each life of the log."""

    def __init__(self) -> None:
        self.given = 0

    def __call__(self) -> str:
        self.given += 1
        return f"e{self.given}"


@asynccontextmanager
async def running(tmp_path: Path, *parts: Part) -> AsyncIterator[Supervisor]:
    def environment(epoch: str) -> dict[str, str]:
        return {**os.environ, "EPOCH": epoch}

    kept = Supervisor(parts, tmp_path / "logs", environment, Epochs())
    task = asyncio.create_task(kept.run())
    try:
        yield kept
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await kept.stop()


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_a_part_waits_for_what_it_needs(tmp_path: Path) -> None:
    began: list[str] = []
    parts = (
        python("gateway", FOREVER, needs=("topics",)),
        python("topics", "import time; time.sleep(0.3)", once=True),
    )
    async with running(tmp_path, *parts) as kept:
        kept.listen(lambda status: began.append(f"{status.part.name} {status.state.value}"))

        await wait_until_async(lambda: kept.all_ready)

    assert began.index("topics done") < began.index("gateway starting")


async def test_a_killed_part_is_restarted(tmp_path: Path) -> None:
    async with running(tmp_path, python("store", FOREVER)) as kept:
        await wait_until_async(lambda: kept.all_ready)
        status = kept.statuses["store"]
        first = status.pid
        assert first is not None

        os.kill(first, signal.SIGKILL)
        await wait_until_async(lambda: status.restarts == 1 and kept.all_ready)

        assert status.pid not in (None, first)


async def test_a_part_that_dies_again_and_again_ends_the_whole_and_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervising, "FIRST_BACKOFF_SECS", 0.01)
    kept = Supervisor(
        (python("store", BROKEN), python("sink", FOREVER)), tmp_path, lambda _: os.environ, Epochs()
    )

    with pytest.raises(GaveUp) as caught:
        await asyncio.wait_for(kept.run(), 20)
    await kept.stop()

    assert "store ended 6 times" in str(caught.value)
    assert "exit status 3" in str(caught.value)
    assert "the reason" in str(caught.value)
    assert kept.statuses["sink"].pid is None


async def test_a_listener_that_breaks_is_told_once_and_the_parts_are_kept_alive(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    heard: list[State] = []

    def broken(_: Status) -> None:
        raise OSError(28, "No space left on device")

    async with running(tmp_path, python("store", FOREVER)) as kept:
        kept.listen(broken)
        kept.listen(lambda status: heard.append(status.state))
        await wait_until_async(lambda: kept.all_ready)
        status = kept.statuses["store"]
        assert status.pid is not None
        os.kill(status.pid, signal.SIGKILL)
        await wait_until_async(lambda: status.restarts == 1 and kept.all_ready)

    assert capsys.readouterr().err.count("No space left on device; all goes on") == 1
    assert heard.count(State.READY) == 2, "the other listeners hear everything"


async def test_what_breaks_the_watching_of_a_part_ends_the_whole_at_once(tmp_path: Path) -> None:
    """Nobody would see any longer how that part fares."""

    async def broken() -> str:
        raise ZeroDivisionError

    kept = Supervisor((python("store", FOREVER, probe=broken),), tmp_path, lambda _: os.environ, Epochs())

    with pytest.raises(ZeroDivisionError):
        await asyncio.wait_for(kept.run(), 20)
    await kept.stop()


async def test_a_part_that_hangs_is_killed_and_restarted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that says why it is not ready is left alone, and so is one that has not begun to answer."""
    for name, secs in (("HUNG_SECS", 0.3), ("READY_EVERY_SECS", 0.05), ("UNREADY_EVERY_SECS", 0.05)):
        monkeypatch.setattr(supervising, name, secs)
    answers = {"store": "", "sink": "", "gateway": NO_ANSWER}
    parts = [python(name, FOREVER, probe=answering(answers, name)) for name in answers]
    told: list[str] = []
    async with running(tmp_path, *parts) as kept:
        store, sink, gateway = (kept.statuses[name] for name in answers)
        kept.listen(lambda status: told.append(f"{status.part.name}: {status.detail}"))
        await wait_until_async(lambda: store.ready.is_set() and sink.ready.is_set())
        before = store.pid

        answers.update(store=NO_ANSWER, sink="kafka: away")
        await wait_until_async(lambda: store.restarts == 1)
        answers.update(store="")
        await wait_until_async(store.ready.is_set)

        assert store.pid not in (None, before)
        assert (sink.restarts, gateway.restarts) == (0, 0)
        assert "store: does not answer" in told
        assert any(line.startswith("store: killed, since it did not answer") for line in told)


def answering(answers: dict[str, str], name: str) -> Probe:
    async def probe() -> str:
        return answers[name]

    return probe


async def test_what_read_a_lost_log_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has nothing to save; the parts' own patience is for an end in order."""
    monkeypatch.setattr(supervising, "BURIED_WITHIN_SECS", 0.1)
    deaf = (
        f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); {FOREVER}"
    )
    parts = (
        python("broker", FOREVER, bears_log=True),
        python("workers", deaf, needs=("broker",), patience_secs=30.0),
    )
    log = tmp_path / "logs" / "workers.log"
    async with running(tmp_path, *parts) as kept:
        await wait_until_async(lambda: kept.all_ready and "deaf" in log.read_text())
        broker = kept.statuses["broker"].pid
        assert broker is not None

        os.kill(broker, signal.SIGKILL)

        await wait_until_async(lambda: kept.epoch == "e2" and kept.all_ready)
        kept.kill()


async def test_when_the_broker_dies_what_reads_its_log_starts_anew_with_it(tmp_path: Path) -> None:
    """And in a new epoch; what does not hang on the log lives on."""
    told = tmp_path / "told"
    tell = f"import os; print(os.environ['EPOCH'], file=open({str(told)!r}, 'a')); {FOREVER}"
    parts = (
        python("broker", FOREVER, bears_log=True),
        python("store", FOREVER),
        python("topics", "pass", once=True, needs=("broker",)),
        python("workers", tell, needs=("topics",)),
    )
    async with running(tmp_path, *parts) as kept:
        await wait_until_async(lambda: kept.all_ready and told.exists() and told.read_text())
        before = {name: status.pid for name, status in kept.statuses.items()}
        assert before["broker"] is not None

        os.kill(before["broker"], signal.SIGKILL)
        await wait_until_async(lambda: told.read_text().split() == ["e1", "e2"] and kept.all_ready)

        after = {name: status.pid for name, status in kept.statuses.items()}
        assert after["store"] == before["store"]
        assert after["workers"] != before["workers"]
        assert after["broker"] != before["broker"]
        assert before["workers"] is not None
        assert not alive(before["workers"])


async def test_a_part_that_does_not_end_when_asked_is_killed(tmp_path: Path) -> None:
    deaf = (
        f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); {FOREVER}"
    )
    async with running(tmp_path, python("store", deaf, patience_secs=0.2)) as kept:
        log = tmp_path / "logs" / "store.log"
        await wait_until_async(lambda: log.exists() and "deaf" in log.read_text())
        pid = kept.statuses["store"].pid
        assert pid is not None

    assert not alive(pid)
    assert kept.statuses["store"].state is State.STOPPED


async def test_whoever_asks_twice_does_not_wait_for_the_last_alerts(tmp_path: Path) -> None:
    drains = asyncio.Event()

    async def endless() -> None:
        drains.set()
        await asyncio.Event().wait()

    parts = (python("gateway", FOREVER), python("store", FOREVER))
    kept = Supervisor(parts, tmp_path, lambda _: os.environ, Epochs())
    task = asyncio.create_task(kept.run())
    await wait_until_async(lambda: kept.all_ready)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    stopping = asyncio.create_task(kept.stop(endless))
    await drains.wait()
    assert kept.statuses["store"].pid is not None, "it is still needed"
    kept.kill()
    await asyncio.wait_for(stopping, 10)

    assert {status.state for status in kept.statuses.values()} == {State.STOPPED}


async def test_what_had_died_before_the_end_is_shown_as_stopped(tmp_path: Path) -> None:
    kept = Supervisor((python("store", FOREVER),), tmp_path, lambda _: os.environ, Epochs())
    task = asyncio.create_task(kept.run())
    await wait_until_async(lambda: kept.all_ready)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    kept.kill()
    await wait_until_async(lambda: kept.statuses["store"].pid is None)

    await kept.stop()

    assert kept.statuses["store"].state is State.STOPPED


def test_a_child_dies_with_its_parent(tmp_path: Path) -> None:
    """Even when that is killed in a way that nobody can catch."""
    program = f"""
import asyncio, os, signal, sys
from pathlib import Path
from awoooi.child import Child
async def main():
    command = (sys.executable, "-c", {FOREVER!r})
    child = await Child.start(command, Path({str(tmp_path / "log")!r}), os.environ)
    Path({str(tmp_path / "pid")!r}).write_text(str(child.pid))
    os.kill(os.getpid(), signal.SIGKILL)
asyncio.run(main())
"""
    os.spawnv(os.P_WAIT, sys.executable, [sys.executable, "-c", program])

    child = int((tmp_path / "pid").read_text())

    wait_until(lambda: not alive(child) or _is_zombie(child), what="the child's end")


def _is_zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


async def test_logs_of_earlier_starts_are_kept_beside(tmp_path: Path) -> None:
    log = tmp_path / "logs" / "store.log"
    for number in (1, 2, 3):
        async with running(tmp_path, python("store", f"print({number}, flush=True); {FOREVER}")) as kept:
            await wait_until_async(lambda: kept.all_ready)
            await wait_until_async(lambda: log.read_text().strip())

    kept_logs = {path.name: path.read_text().strip() for path in (tmp_path / "logs").iterdir()}

    assert kept_logs == {"store.log": "3", "store.log.1": "2", "store.log.2": "1"}
