"""A program, run to its end or its time: own process group, own folder, clean environment, bounded output."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pwd
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from connectors.executors.launch import FOLDER, KEPT
from connectors.executors.named import MIB, Limits
from schemas.errors import Misconfigured

LAUNCH = Path(__file__).with_name("launch.py")
MOST_OUTPUT = 64 * 1024
"""of each of its two streams; what is beyond is read and thrown away"""
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
    with _folder(job.user) as folder:
        inner, outer = os.pipe()
        try:
            started = asyncio.create_subprocess_exec(
                *_command(job, outer),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                cwd=folder,
                env={"PATH": PATH, "LANG": "C.UTF-8", **job.environment, "HOME": folder, "TMPDIR": folder},
                pass_fds=(outer,),
                start_new_session=True,
            )
            process = await started
            os.close(outer)
            outer = -1
            return await _followed(process, job.timeout_secs, inner)
        finally:
            for descriptor in (inner, outer):
                if descriptor >= 0:
                    os.close(descriptor)


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


async def _followed(process: asyncio.subprocess.Process, timeout_secs: float, report: int) -> Ran:
    assert process.stdin is not None
    streams = [asyncio.ensure_future(_beginning(stream)) for stream in (process.stdout, process.stderr)]
    late = False
    try:
        try:
            async with asyncio.timeout(timeout_secs):
                await _readable(report)
        except TimeoutError:
            late = True
            process.stdin.close()
            await _readable(report)
        await asyncio.wait(streams, timeout=LAST_WORDS_SECS)
        out, error = (stream.result() if stream.done() else "" for stream in streams)
        return _told(os.read(report, 64).decode(), out, error, f"not done within {timeout_secs:g} s" * late)
    finally:
        process.stdin.close()  # the end of it all, also where we are cancelled
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), LAST_WORDS_SECS)
        for stream in streams:
            stream.cancel()


async def _readable(descriptor: int) -> None:
    """The process itself is not waited for: asyncio does so until whoever got its streams has closed them."""
    loop, ready = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(descriptor, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(descriptor)


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


async def _beginning(stream: asyncio.StreamReader | None) -> str:
    """All of it is read, so that nobody is held up; a last line that was cut is left out, since half of a
    value is none that anybody would know."""
    assert stream is not None
    kept, cut = b"", False
    while chunk := await stream.read(MOST_OUTPUT):
        cut = cut or len(kept) + len(chunk) > MOST_OUTPUT
        kept = (kept + chunk)[:MOST_OUTPUT]
    if cut:
        kept = kept.rpartition(b"\n")[0]
    return kept.decode(errors="replace")


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
