"""A child process with a log file, stopped by its process group."""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.peers.waiting import wait_until

_alive: set[int] = set()


@dataclass
class Process:
    """One command; may be started again after it has ended. Output is appended to `log`."""

    command: Sequence[str]
    log: Path
    env: Mapping[str, str] = field(default_factory=dict)
    without: Callable[[str], bool] = lambda _: False  # which variables of ours it must not inherit
    cwd: Path | None = None
    _child: subprocess.Popen[bytes] | None = field(default=None, repr=False)
    _log_start: int = 0

    def start(self) -> Process:
        if self.running:
            raise RuntimeError(f"already running: {self.name}")
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as out:
            self._log_start = out.tell()
            self._child = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env=self._environment(),
                cwd=self.cwd,
                start_new_session=True,  # its own group, so that its children end with it
            )
        _alive.add(self._child.pid)
        return self

    def _environment(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not self.without(name)}
        return {**inherited, **self.env}

    @property
    def name(self) -> str:
        return self.log.stem

    @property
    def pid(self) -> int:
        if self._child is None:
            raise RuntimeError(f"not started: {self.name}")
        return self._child.pid

    @property
    def running(self) -> bool:
        return self._child is not None and self._child.poll() is None

    @property
    def exit_status(self) -> int | None:
        """None while it runs; negative: the signal that ended it."""
        return None if self._child is None else self._child.poll()

    def output(self) -> str:
        """What this start has written so far."""
        with self.log.open("rb") as log:
            log.seek(self._log_start)
            return log.read().decode(errors="replace")

    def wait_for_output(self, text: str, timeout: float) -> None:
        self.wait_until_ready(lambda: text in self.output(), timeout, what=f"{text!r} in {self.log}")

    def wait_until_ready(self, ready: Callable[[], object], timeout: float, *, what: str) -> None:
        """Poll `ready`; a child that ends meanwhile is reported with its last lines."""
        try:
            wait_until(lambda: ready() or not self.running, timeout, what=what)
        except TimeoutError as error:
            raise TimeoutError(f"{error}\n{self.tail()}") from None
        if not self.running and not ready():
            raise RuntimeError(
                f"{self.name} ended with {self.exit_status} before it was ready\n{self.tail()}"
            )

    def tail(self, lines: int = 30) -> str:
        return "\n".join(self.output().splitlines()[-lines:])

    def signal(self, number: int) -> None:
        """To the process alone; `stop` and `kill` mean its whole group."""
        if self.running:
            os.kill(self.pid, number)

    def freeze(self) -> None:
        """Back once every thread of it stands still, which on a busy machine is not at once."""
        os.kill(self.pid, signal.SIGSTOP)
        os.waitid(os.P_PID, self.pid, os.WSTOPPED | os.WNOWAIT)

    def wait(self, timeout: float = 10.0) -> int:
        """Its exit status, once it has ended."""
        assert self._child is not None, f"not started: {self.name}"
        return self._child.wait(timeout)

    def stop(self, timeout: float = 15.0) -> int | None:
        """Ask with SIGTERM, then insist with SIGKILL. Fine when it has ended already."""
        if self.running:
            _signal_group(self.pid, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.wait(timeout)
        return self.kill()

    def kill(self) -> int | None:
        """SIGKILL to the whole group, its stragglers too."""
        if self._child is None or self._child.pid not in _alive:
            return self.exit_status
        _signal_group(self._child.pid, signal.SIGKILL)
        _alive.discard(self._child.pid)
        return self.wait()

    def __enter__(self) -> Process:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def _signal_group(group: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, number)


@atexit.register
def _leave_nothing_behind() -> None:
    for group in _alive:
        _signal_group(group, signal.SIGKILL)
