"""How sure model, playbook and evidence are together. What is missing or no number leaves it to a person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from schemas.outcome import Fused
from streams.policy.policy import FusionPolicy

AUTOMATIC, PROPOSE, LOW_CONFIDENCE, INCOMPLETE = "automatic", "propose", "low_confidence", "incomplete"


@dataclass(frozen=True, slots=True)
class Inputs:
    """As they came: each should be 0 to 1. None where there is none, with the reason beside it."""

    model: Any = None
    playbook: Any = None
    evidence: Any = None
    why_missing: tuple[tuple[str, str], ...] = ()


def fuse(inputs: Inputs, policy: FusionPolicy) -> Fused:
    weights = dict(policy.weights)
    given = {"model": inputs.model, "playbook": inputs.playbook, "evidence": inputs.evidence}
    read = {name: _share(value) for name, value in given.items()}
    reasons = dict(inputs.why_missing)
    missing = tuple(
        f"{name}: {reasons.get(name, 'missing') if given[name] is None else 'no number from 0 to 1'}"
        for name, share in read.items()
        if share is None
    )
    sure = sum(weights[name] * share for name, share in read.items() if share is not None)
    value = None if missing else min(1.0, sure)
    return Fused(**read, weights=weights, value=value, branch=_branch(value, policy), missing=missing)


def _share(value: Any) -> float | None:
    """Text that looks like a number is none: whoever sends text is not who we think."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value <= 1 else None  # of NaN neither holds


def _branch(value: float | None, policy: FusionPolicy) -> str:
    if value is None:
        return INCOMPLETE
    value = round(value, 9)  # 0.4 × 0.85 + 0.3 × 0.85 + 0.3 × 0.85 is 0.85 to people
    if value >= policy.automatic_from:
        return AUTOMATIC
    return PROPOSE if value >= policy.propose_from else LOW_CONFIDENCE


def smoothed(successes: int, tries: int) -> float:
    """A share that a single lucky try does not make certain (Laplace's rule)."""
    return (successes + 1) / (tries + 2)
