"""What `awoooi up` leaves for others to read."""

from __future__ import annotations

from pathlib import Path

from awoooi.supervisor import Supervisor
from awoooi.up import STATE, _write_state, running


def test_a_state_that_cannot_be_written_ends_nothing(tmp_path: Path) -> None:
    supervisor = Supervisor([], tmp_path / "logs", lambda _: {}, lambda: "e1")
    (tmp_path / f"{STATE}.new").mkdir()  # whoever it is: nothing can be written there
    _write_state(tmp_path, supervisor)
    assert running(tmp_path) is None
