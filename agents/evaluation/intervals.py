"""How far a share that was seen in a few cases may be from the true one."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

_Z = 1.959963984540054  # 95 %


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many, with Wilson's 95 % interval."""

    hits: int
    of: int

    @property
    def value(self) -> float | None:
        return self.hits / self.of if self.of else None

    @property
    def low(self) -> float:
        return self._bound(-1)

    @property
    def high(self) -> float:
        return self._bound(1)

    def _bound(self, side: int) -> float:
        if not self.of:
            return float(side > 0)
        share, z2 = self.hits / self.of, _Z * _Z
        middle = share + z2 / (2 * self.of)
        spread = _Z * sqrt(share * (1 - share) / self.of + z2 / (4 * self.of**2))
        return min(1.0, max(0.0, (middle + side * spread) / (1 + z2 / self.of)))

    def plain(self) -> dict[str, float | int | None]:
        return {"hits": self.hits, "of": self.of, "share": self.value, "low": self.low, "high": self.high}

    def __str__(self) -> str:
        if self.value is None:
            return "none to measure"
        bounds = f"95 % interval {100 * self.low:.1f} to {100 * self.high:.1f} %"
        return f"{100 * self.value:.1f} % ({self.hits} of {self.of}, {bounds})"
