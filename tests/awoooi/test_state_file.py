"""What a running `up` leaves for others to read."""

from __future__ import annotations

from pathlib import Path

import pytest

from awoooi.state_file import NAME, StateFile, running
from awoooi.supervisor import Supervisor


def test_a_state_that_cannot_be_written_is_told_once_and_ends_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    supervisor = Supervisor([], tmp_path / "logs", lambda _: {}, lambda: "e1")
    (tmp_path / f"{NAME}.new").mkdir()  # whoever it is: nothing can be written there
    file = StateFile(tmp_path)
    file.write(supervisor)
    file.write(supervisor)
    said = "".join(capsys.readouterr())
    assert said.count("cannot be written") == 1
    assert running(tmp_path) is None
