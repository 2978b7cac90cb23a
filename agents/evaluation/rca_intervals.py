"""How sure a measured figure is: 95 % intervals."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

Z = 1.959964
RESAMPLES = 1_000


def wilson(share: float, count: int) -> tuple[float, float]:
    """Of a share of `count` trials; the whole range where there is none."""
    if count == 0:
        return 0.0, 1.0
    middle = share + Z * Z / (2 * count)
    spread = Z * math.sqrt(share * (1 - share) / count + Z * Z / (4 * count * count))
    whole = 1 + Z * Z / count
    return max(0.0, (middle - spread) / whole), min(1.0, (middle + spread) / whole)


def bootstrap(values: Sequence[float], seed: int = 0) -> tuple[float, float]:
    """Of a mean, by drawing again."""
    if not values:
        return 0.0, 1.0
    draw = random.Random(seed)
    means = sorted(sum(draw.choices(values, k=len(values))) / len(values) for _ in range(RESAMPLES))
    return means[int(0.025 * RESAMPLES)], means[int(0.975 * RESAMPLES) - 1]
