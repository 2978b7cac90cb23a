"""A stage in its worker: what it reads, whether it keeps rows, whether it is slow."""

from __future__ import annotations

from dataclasses import dataclass

from streams.runner import Runner


@dataclass(frozen=True, slots=True)
class Placed:
    runner: Runner
    topics: tuple[str, ...]
    keyed: bool
    slow: bool = False
    glances: bool = False
    """most of its records are told by their headers: larger batches cost little memory"""

    @property
    def name(self) -> str:
        return self.runner.stage.name
