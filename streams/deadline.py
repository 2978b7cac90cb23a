"""How a run's time is shared out: each stage spends at most its share of what is left.

What one stage leaves over is there for those behind it, and the last share leaves the coordinator its own.
"""

from __future__ import annotations

from collections.abc import Mapping

SHARES: Mapping[str, float] = {
    "evidence": 0.12,
    "diagnose": 0.4,
    "solve": 0.5,
    "review": 0.8,
    "critique": 0.8,  # beside the review, not after it
}


def share(stage: str, deadline_at: int, now: int) -> float:
    """Seconds that the stage may spend from now on; 0.0 when the deadline has passed. Times in epoch ms."""
    return SHARES[stage] * max(0, deadline_at - now) / 1000
