"""What a running `up` leaves for others to read."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from awoooi.state_file import NAME, StateFile, running
from awoooi.supervisor import Supervisor


def idle_supervisor(tmp_path: Path) -> Supervisor:
    return Supervisor((), tmp_path, lambda _: os.environ, lambda: "e1")


def test_a_state_file_that_cannot_be_written_is_told_once_until_it_can(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "state"
    file, supervisor = StateFile(folder), idle_supervisor(tmp_path)

    for _ in range(3):
        file.write(supervisor)
    assert capsys.readouterr().err.count("cannot be written: No such file or directory; all goes on") == 1

    folder.mkdir()
    file.write(supervisor)
    assert json.loads((folder / NAME).read_text())["pid"] == os.getpid()
    file.remove()
    assert list(folder.iterdir()) == []


def test_the_state_file_of_a_process_that_is_gone_is_none(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    (tmp_path / NAME).write_text(json.dumps({"pid": process.pid}))

    assert running(tmp_path) is None
