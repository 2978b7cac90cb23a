"""A program, run to its end or its time: own process group, own folder, clean environment, bounded output."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import FileIO
from pathlib import Path

from connectors.executors.launch import FOLDER, KEPT
from connectors.executors.named import MIB, Limits
from schemas.errors import Misconfigured

LAUNCH = Path(__file__).with_name("launch.py")
MOST_OUTPUT = 64 * 1024
"""of each of its two streams; what is beyond is read and thrown away"""
KILLED_WITHIN_SECS = 5.0
LAST_WORDS_SECS = 1.0
"""what left the group may keep the streams open: it is not waited for"""
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True)
class User:
    uid: int
    gid: int
    groups: tuple[int, ...]

    @classmethod
    def named(cls, name: str) -> User:
        try:
            entry = pwd.getpwnam(name)
        except KeyError as error:
            raise Misconfigured(f"run_as: there is no user {name!r} here") from error
        return cls(entry.pw_uid, entry.pw_gid, tuple(os.getgrouplist(name, entry.pw_gid)))


def user_for(run_as: str, *, allow_root: bool) -> User | None:
    """None: as who we are. Misconfigured where that would be root, or where it cannot be another."""
    if not run_as:
        if os.geteuid() == 0 and not allow_root:
            raise Misconfigured("run_as: this process is root: name another user, or set allow_root: true")
        return None
    user = User.named(run_as)
    if user.uid == 0 and not allow_root:
        raise Misconfigured(f"run_as: {run_as} is root: name another user, or set allow_root: true")
    if os.geteuid() != 0:
        if user.uid != os.geteuid():
            raise Misconfigured(f"run_as: only root can run as {run_as}; leave it out, or start as {run_as}")
        return None
    return user


@dataclass(frozen=True, slots=True)
class Job:
    words: Sequence[str] = field(repr=False)
    environment: Mapping[str, str] = field(repr=False)
    limits: Limits
    timeout_secs: float
    user: User | None = None


@dataclass(frozen=True, slots=True)
class Ran:
    """`status` None: it did not end by itself. `not_started`: nothing happened."""

    status: int | None
    out: str = field(default="", repr=False)
    error: str = field(default="", repr=False)
    not_started: str = ""
    killed: str = ""
    """why, where a signal ended it"""


async def run(job: Job) -> Ran:
    """Whoever cancels this kills it, all of its group."""
    with _folder(job.user) as folder, _pipe() as (report, reporting):
        try:
            transport, heard = await _started(job, folder, reporting.fileno())
        except OSError as error:
            return Ran(None, not_started=f"nothing can be started: {error.strerror}")
        reporting.close()  # else we would never see its end
        return await _followed(transport, heard, job.timeout_secs, report.fileno())


async def _started(job: Job, folder: str, report: int) -> tuple[asyncio.SubprocessTransport, Heard]:
    own = {"HOME": folder, "TMPDIR": folder}
    return await asyncio.get_running_loop().subprocess_exec(
        Heard,
        *_command(job, report),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=folder,
        env={"PATH": PATH, "LANG": "C.UTF-8", **job.environment, **own},
        pass_fds=(report,),
        start_new_session=True,
    )


def _command(job: Job, report: int) -> Sequence[str]:
    user, limits = job.user, job.limits
    who = (KEPT, KEPT, "") if user is None else (user.uid, user.gid, ",".join(map(str, user.groups)))
    bounds = (
        limits.cpu_secs,
        limits.memory_mib * MIB,
        limits.file_mib * MIB,
        limits.open_files,
        limits.processes,
    )
    return (sys.executable, "-I", "-S", str(LAUNCH), *map(str, (report, *who, *bounds)), *job.words)


async def _followed(
    transport: asyncio.SubprocessTransport, heard: Heard, timeout_secs: float, report: int
) -> Ran:
    late = ""
    try:
        try:
            async with asyncio.timeout(timeout_secs):
                await _readable(report)
        except TimeoutError:
            late = f"not done within {timeout_secs:g} s"
            _end_stdin(transport)
            await _readable(report)
        told = os.read(report, 64).decode()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(heard.silent.wait(), LAST_WORDS_SECS)
        return _told(told, heard.text(1), heard.text(2), late)
    finally:
        await _over(transport, report)


async def _over(transport: asyncio.SubprocessTransport, report: int) -> None:
    """The end of it all, also where we are cancelled: the watcher kills what is left, and ends."""
    _end_stdin(transport)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(KILLED_WITHIN_SECS):
            while True:
                await _readable(report)
                if not os.read(report, 64):
                    break
    transport.close()


def _end_stdin(transport: asyncio.SubprocessTransport) -> None:
    stdin = transport.get_pipe_transport(0)
    if stdin is not None:
        stdin.close()


async def _readable(descriptor: int) -> None:
    """The process itself is not waited for: asyncio does so until whoever got its streams has closed them."""
    loop, ready = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(descriptor, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(descriptor)


class Heard(asyncio.SubprocessProtocol):
    """What it says, up to a bound; all of it is read, so that nobody is held up."""

    def __init__(self) -> None:
        self._kept = {1: b"", 2: b""}
        self._cut = set[int]()
        self._open = {1, 2}
        self.silent = asyncio.Event()

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        if len(self._kept[fd]) + len(data) > MOST_OUTPUT:
            self._cut.add(fd)
        self._kept[fd] = (self._kept[fd] + data)[:MOST_OUTPUT]

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        self._open.discard(fd)
        if not self._open:
            self.silent.set()

    def text(self, fd: int) -> str:
        """A last line that was cut is left out: half of a value is none that anybody would know."""
        kept = self._kept[fd].rpartition(b"\n")[0] if fd in self._cut else self._kept[fd]
        return kept.decode(errors="replace")


def _told(report: str, out: str, error: str, late: str) -> Ran:
    """Without a report the launcher itself was killed: nobody knows how far the program came."""
    kind, number = report[:1], report[1:]
    if kind == "e":
        return Ran(None, out, error, not_started=os.strerror(int(number.split("x")[0])))
    if kind == "x" and not late:
        return Ran(int(number), out, error)
    if kind == "s" and not late:
        return Ran(None, out, error, killed=f"it was killed by {_signal_name(int(number))}")
    return Ran(None, out, error, killed=late or "it was killed with what watched it")


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


@contextmanager
def _pipe() -> Iterator[tuple[FileIO, FileIO]]:
    """To read from, and to write to."""
    inner, outer = os.pipe()
    with FileIO(inner, "r") as reading, FileIO(outer, "w") as writing:
        yield reading, writing


@contextmanager
def _folder(user: User | None) -> Iterator[str]:
    """Its own, gone afterwards."""
    folder = tempfile.mkdtemp(prefix=FOLDER)
    try:
        if user is not None:
            os.chown(folder, user.uid, user.gid)
        yield folder
    finally:
        with contextlib.suppress(OSError):
            shutil.rmtree(folder, ignore_errors=True)
