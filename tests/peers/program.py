"""`awoooi` subcommands as child processes, the way an operator starts them."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from tests.peers.process import Process


def awoooi(
    *arguments: str, folder: Path, env: Mapping[str, str] | None = None, name: str | None = None
) -> Process:
    """Not started yet. Settings come from `env` alone: AWOOOI_* of the surroundings do not reach it.

    No model of this machine is asked unless `env` names one.

    The log is `folder/<name>.log`; a second start of the same process goes on in the same log.
    """
    script = Path(sys.executable).with_name("awoooi")
    if not script.exists():
        raise RuntimeError(f"{script} is missing: install the project (`make test` does)")
    label = name or "-".join(argument for argument in arguments if not argument.startswith("-"))
    settings = {"AWOOOI_MODELS_ORDER": "[]", **(env or {})}
    return Process(
        [str(script), *arguments], folder / f"{label}.log", env=settings, without=_own_settings, cwd=folder
    )


def _own_settings(variable: str) -> bool:
    return variable.startswith("AWOOOI_") and not variable.startswith("AWOOOI_TEST_")
