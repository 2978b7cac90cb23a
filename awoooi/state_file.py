"""What a running `up` says of itself in a file, for `demo --attach`, `doctor` and whoever looks."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path

from awoooi.ports import command_of
from awoooi.printing import warn
from awoooi.supervisor import Supervisor

NAME = "up.json"


class StateFile:
    """A convenience: a full disk is told once, and nothing depends on it."""

    def __init__(self, state: Path) -> None:
        self._file = state / NAME
        self._is_current = True

    def write(self, supervisor: Supervisor) -> None:
        beside = self._file.with_name(f"{NAME}.new")
        try:
            beside.write_text(json.dumps(_content(supervisor), indent=2) + "\n")
            beside.replace(self._file)
        except OSError as error:
            if self._is_current:
                why = f"{self._file} cannot be written: {error.strerror}"
                warn(f"{why}; all goes on, but `doctor` and `demo --attach` see an old state")
            self._is_current = False
        else:
            self._is_current = True

    def remove(self) -> None:
        with contextlib.suppress(OSError):  # whoever reads it sees that the process has gone
            self._file.with_name(f"{NAME}.new").unlink(missing_ok=True)
            self._file.unlink(missing_ok=True)


def _content(supervisor: Supervisor) -> dict[str, object]:
    return {
        "pid": os.getpid(),
        "epoch": supervisor.epoch,
        "ready": supervisor.all_ready,
        "parts": {
            status.part.name: {
                "state": status.state.value,
                "pid": status.pid,
                "address": status.part.address,
                "detail": status.detail,
            }
            for status in supervisor.statuses.values()
        },
    }


def running(state: Path) -> dict[str, object] | None:
    """What a running `up` on this folder says of itself."""
    try:
        found: dict[str, object] = json.loads((state / NAME).read_text())
    except (OSError, json.JSONDecodeError):
        return None
    return found if "awoooi" in command_of(int(str(found["pid"]))) else None
