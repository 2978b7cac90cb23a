"""What a part gives back, and how much of it there is to be measured."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median


@dataclass(frozen=True, slots=True)
class Scale:
    """How large the loads are. Quick shows that all of it works; its figures are rough."""

    quick: bool
    folder: Path
    rounds: int = field(init=False)
    alerts: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "rounds", 1 if self.quick else 3)
        object.__setattr__(self, "alerts", 60_000 if self.quick else 200_000)

    def of(self, full: int, quick: int) -> int:
        return quick if self.quick else full


@dataclass(slots=True)
class Measured:
    """Key → figure; `more` are figures beside the binding ones, with their unit in the name."""

    keys: dict[str, float] = field(default_factory=dict)
    more: dict[str, float] = field(default_factory=dict)

    def __ior__(self, other: Measured) -> Measured:
        self.keys |= other.keys
        self.more |= other.more
        return self


def middle(values: Iterable[float]) -> float:
    return median(values)
