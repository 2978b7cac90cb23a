"""Runs one program as somebody else and within limits, and kills all of it when its reader goes away.

A process of its own, of the standard library alone, since between fork and exec a program with threads may
do next to nothing. Started with nothing on its own stdin: when that ends, because the worker closed it or
died, the whole process group is killed. How the program ended is written to a descriptor: `e2` it could not
be started (errno), `x0` it ended by itself, `s9` by a signal.

    launch.py DESCRIPTOR UID GID GROUPS CPU MEMORY FILE FILES PROCESSES PROGRAM WORD…
"""

from __future__ import annotations

import contextlib
import os
import resource
import select
import signal
import sys

FOLDER = "awoooi-action-"
"""how the names of working folders begin"""
KEPT = "-"
"""in place of a user: as who we are"""
LIMITS = (
    resource.RLIMIT_CPU,
    resource.RLIMIT_AS,
    resource.RLIMIT_FSIZE,
    resource.RLIMIT_NOFILE,
    resource.RLIMIT_NPROC,
)


def main(given: list[str]) -> None:
    report = int(given[0])
    os.set_inheritable(report, False)
    ended, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    child = os.fork()
    if child == 0:
        _become(report, given[1:4], given[4:9], given[9:])
    with contextlib.suppress(OSError):  # it may have done so itself, or be gone
        os.setpgid(child, child)
    told, deserted = _until_it_ends(child, ended)
    _kill(child)  # what it left behind in its group
    with contextlib.suppress(BrokenPipeError):
        os.write(report, told.encode())
    if deserted:
        _clear_up(os.environ["HOME"])


def _until_it_ends(child: int, ended: int) -> tuple[str, bool]:
    """How; and whether the worker had gone away before."""
    watched = [0, ended]
    while True:
        ready, _, _ = select.select(watched, [], [])
        if 0 in ready and not os.read(0, 1):
            _kill(child)
            watched = [ended]
        pid, status = os.waitpid(child, 0 if watched == [ended] else os.WNOHANG)
        if pid:
            by_signal = os.WIFSIGNALED(status)
            told = f"s{os.WTERMSIG(status)}" if by_signal else f"x{os.WEXITSTATUS(status)}"
            return told, watched == [ended]
        if ended in ready:
            os.read(ended, 64)


def _kill(group: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


def _clear_up(folder: str) -> None:
    """A worker that was killed does not."""
    if folder.rpartition("/")[2].startswith(FOLDER):
        import shutil  # noqa: PLC0415  which costs as much as the rest together

        shutil.rmtree(folder, ignore_errors=True)


def _become(report: int, user: list[str], limits: list[str], words: list[str]) -> None:
    """In the child: never returns."""
    try:
        os.setpgid(0, 0)
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.umask(0o077)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        for what, most in zip(LIMITS, limits, strict=True):
            _limit(what, int(most))
        _change_user(*user)
        os.execve(words[0], words, os.environ)  # noqa: S606  a shell is what must not be between
    except OSError as error:
        os.write(report, f"e{error.errno}".encode())
    finally:
        os._exit(127)


def _limit(what: int, most: int) -> None:
    """Never more than we have ourselves."""
    _, hard = resource.getrlimit(what)
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(what, (most, most))


def _change_user(uid: str, gid: str, groups: str) -> None:
    if uid != KEPT:
        os.setgroups([int(group) for group in groups.split(",") if group])
        os.setgid(int(gid))
        os.setuid(int(uid))


if __name__ == "__main__":
    main(sys.argv[1:])
