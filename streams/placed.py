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

    @property
    def name(self) -> str:
        return self.runner.stage.name
