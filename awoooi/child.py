"""One child process: its log file, its end, and that it never outlives us."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
KEPT_LOGS = 3
TAIL_LINES, TAIL_BYTES = 12, 16 * 1024


class Child:
    """Started when made; `wait` gives its exit status."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path) -> None:
        self._process = process
        self.log = log

    @classmethod
    async def start(
        cls, command: Sequence[str], log: Path, environment: Mapping[str, str], folder: Path | None = None
    ) -> Child:
        """In a session of its own: ctrl-C reaches us alone, and we stop the children in order."""
        with log.open("ab") as out:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                env=dict(environment),
                cwd=folder,
                start_new_session=True,
                preexec_fn=_dying_with(os.getpid()),
            )
        return cls(process, log)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.returncode is None

    async def wait(self) -> int:
        return await self._process.wait()

    async def stop(self, patience_secs: float) -> None:
        """SIGTERM, then SIGKILL for the whole group; done when it has ended."""
        self._signal(signal.SIGTERM)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience_secs):
                await self._process.wait()
        self._signal(signal.SIGKILL)
        await self._process.wait()

    def kill(self) -> None:
        self._signal(signal.SIGKILL)

    def _signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)

    def last_lines(self) -> list[str]:
        return last_lines(self.log)


def last_lines(log: Path, count: int = TAIL_LINES) -> list[str]:
    """Of a log file; none where there is no such file."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - TAIL_BYTES))
            return file.read().decode(errors="replace").splitlines()[-count:]
    except OSError:
        return []


def rotate(log: Path) -> None:
    """`x.log` of the last start becomes `x.log.1`, and so on."""
    for number in range(KEPT_LOGS, 0, -1):
        older = log.with_name(f"{log.name}.{number}")
        newer = log if number == 1 else log.with_name(f"{log.name}.{number - 1}")
        if newer.exists():
            newer.replace(older)


def _dying_with(parent: int) -> Callable[[], None]:
    """Between fork and exec: the kernel kills the child when its parent dies, even by SIGKILL."""

    def arrange() -> None:
        if _LIBC is not None:
            _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != parent:  # it died in between
                os._exit(1)

    return arrange
