"""`awoooi up`: the whole system on one machine, until ctrl-C; it leaves no process behind."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from awoooi import defaults
from awoooi.drain import drained
from awoooi.init import init
from awoooi.loading import Loaded
from awoooi.loading import load as load_settings
from awoooi.parts import WORKERS, Part, parts_of
from awoooi.ports import is_taken, owner_of
from awoooi.printing import print_made, warn
from awoooi.state_file import StateFile
from awoooi.status import Say, shown
from awoooi.supervisor import GaveUp, Supervisor
from connectors.http import HttpClient
from schemas.errors import Misconfigured

LOCK, LOGS = "up.lock", "logs"
FREED_WITHIN_SECS = 5.0
LONGEST_OWNER = 80
MEMORY_ONLY = (
    "The embedded broker keeps its log in memory: what is in ClickHouse stays, the log ends with this start."
)


def run(loaded: Loaded, seconds: float | None) -> None:
    """Returns when it was asked to end; GaveUp when a part cannot be kept alive."""
    state = loaded.settings.state_dir
    made = init(loaded.settings)
    if any(thing.is_new for thing in made):
        print_made(state, made)
        loaded = load_settings()  # with the passwords that are there now
    with _only_one(state):
        asyncio.run(_up(loaded, seconds))


async def _up(loaded: Loaded, seconds: float | None) -> None:
    state = loaded.settings.state_dir
    async with HttpClient(timeout_secs=2.0) as http:
        parts = parts_of(loaded, http)
        await _require_free(parts)
        supervisor = Supervisor(
            parts, state / LOGS, lambda epoch: _environment(state, epoch), lambda: _new_epoch(loaded)
        )
        file = StateFile(state)
        supervisor.listen(lambda _: file.write(supervisor))
        with shown(supervisor) as say:
            _greet(say, loaded)
            try:
                await _run_until_told(supervisor, seconds, say, loaded)
            finally:
                await supervisor.stop(lambda: _drain(http, supervisor, loaded, say))
                file.remove()
                say("Stopped.")


async def _run_until_told(supervisor: Supervisor, seconds: float | None, say: Say, loaded: Loaded) -> None:
    """Until ctrl-C, SIGTERM or the given time; GaveUp comes out."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, _told_to_end, stop, supervisor)
    tasks = [
        asyncio.create_task(supervisor.run(), name="parts"),
        asyncio.create_task(stop.wait(), name="stop"),
    ]
    if seconds is not None:
        tasks.append(asyncio.create_task(asyncio.sleep(seconds), name="time"))
    announcing = asyncio.create_task(_announce(supervisor, say, loaded))
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in (*tasks, announcing):
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError, GaveUp):
            await task
    for task in done:
        task.result()


def _told_to_end(stop: asyncio.Event, supervisor: Supervisor) -> None:
    """In order the first time; whoever asks again does not want to wait."""
    if stop.is_set():
        supervisor.kill()
    stop.set()


async def _drain(http: HttpClient, supervisor: Supervisor, loaded: Loaded, say: Say) -> None:
    """A log that stays needs none; parts that are down will not catch up."""
    behind = [supervisor.statuses[name] for name in (WORKERS, "sink")]
    if not loaded.starts_broker or not all(status.ready.is_set() for status in behind):
        return
    if not await drained(http, [status.part.address for status in behind]):
        say("The last alerts did not reach the record in time; they end with the log.")


async def _announce(supervisor: Supervisor, say: Say, loaded: Loaded) -> None:
    began = time.monotonic()
    for status in supervisor.statuses.values():
        await status.ready.wait()
    settings = loaded.settings
    gateway = defaults.local_url(settings.gateway.host, settings.gateway.port)
    say(
        f"Ready after {time.monotonic() - began:.1f} s. Webhooks: {gateway}/api/v1/webhooks/alertmanager, "
        f"token in {settings.state_dir / defaults.TOKEN}; `awoooi incidents` shows what came of them; "
        "ctrl-C stops."
    )
    say(f"Console: {gateway}/console/, log in with the token in {settings.state_dir / defaults.ADMIN_TOKEN}")


def _greet(say: Say, loaded: Loaded) -> None:
    say(f"State and logs: {loaded.settings.state_dir}")
    if loaded.starts_broker:
        say(MEMORY_ONLY)


# -- one at a time


@contextmanager
def _only_one(state: Path) -> Iterator[None]:
    """The lock ends with the process, however it ends."""
    lock = (state / LOCK).open("a+")
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            pid = lock.read().strip() or "unknown"
            raise Misconfigured(
                f"`awoooi up` already runs on {state}, pid {pid}; stop it with ctrl-C or `kill {pid}`, "
                "or choose another folder with AWOOOI_STATE_DIR"
            ) from None
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield


async def _require_free(parts: list[Part]) -> None:
    """Children of a killed `up` end with it, but not before it: they are given a moment."""
    deadline = time.monotonic() + FREED_WITHIN_SECS
    for part in parts:
        if not part.port:
            if part.probe is not None:
                raise Misconfigured(f"{part.setting}: `awoooi up` needs a port that stays, not 0")
            continue
        while is_taken(part.host, part.port):
            owner = owner_of(part.port)
            if time.monotonic() > deadline or (owner and "awoooi" not in owner and "tansu" not in owner):
                who = f" by {_cut(owner)}" if owner else ""
                raise Misconfigured(
                    f"{part.name}: port {part.port} on {part.host} is taken{who}; "
                    f"end that process, or choose another port with {part.setting}"
                )
            await asyncio.sleep(0.1)


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_OWNER else f"{text[:LONGEST_OWNER]} …)"


# -- what the children and other commands are told


def _environment(state: Path, epoch: str) -> Mapping[str, str]:
    ours = {"AWOOOI_STATE_DIR": str(state), "AWOOOI_LOG_FORMAT": "json", "PYTHONUNBUFFERED": "1"}
    return {**os.environ, **ours, **({"AWOOOI_LOG_EPOCH": epoch} if epoch else {})}


def _new_epoch(loaded: Loaded) -> str:
    """One for each life of an embedded log, in order of time; a real cluster has none of ours."""
    if not loaded.starts_broker:
        return ""
    epoch = time.strftime("%Y%m%dT%H%M%S", time.gmtime()) + f"-{os.getpid()}"
    file = loaded.settings.state_dir / defaults.EPOCH
    try:
        file.write_text(epoch + "\n")
    except OSError as error:  # the children are told by their environment
        warn(f"{file} cannot be written: {error.strerror}; start no worker by hand beside this `up`")
    return epoch
