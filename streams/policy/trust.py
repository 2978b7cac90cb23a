"""Trust that is earned: verified successes raise it, one rejection or failure takes all of it away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from schemas.operations import Risk, Target
from schemas.trust import Earned
from streams.policy.policy import TrustPolicy

DAY_MS = 24 * 60 * 60 * 1000


@dataclass(frozen=True, slots=True)
class Score:
    value: int = 0
    used_at: int = 0
    """when it last earned, lost or faded, in epoch milliseconds: the next loss counts from here"""
    recent: tuple[bool, ...] = ()
    """the latest outcomes, oldest first"""


@dataclass(frozen=True, slots=True)
class Drift:
    before: float
    after: float
    outcomes: int


def observed(score: Score, outcome: Earned, at: int, policy: TrustPolicy) -> Score:
    """An approval alone proves nothing: only what was verified counts."""
    if outcome == Earned.RESET:
        return Score(0, at)
    good = outcome == Earned.VERIFIED
    value = decayed(score, at, policy).value + 1 if good else 0
    return Score(value, max(at, score.used_at), (*score.recent, good)[-policy.drift_window :])


def decayed(score: Score, now: int, policy: TrustPolicy) -> Score:
    """One less for each time that it lay unused; a clock that runs back changes nothing."""
    period = policy.decay_days * DAY_MS
    periods = max(0, now - score.used_at) // period
    value = max(0, score.value - periods)
    return replace(score, value=value, used_at=score.used_at + periods * period) if periods else score


def decays_at(score: Score, now: int, policy: TrustPolicy) -> int | None:
    """When it is one less than now; None: there is nothing left to lose."""
    if decayed(score, now, policy).value == 0:
        return None
    period = policy.decay_days * DAY_MS
    return score.used_at + (max(0, now - score.used_at) // period + 1) * period


def lowered(risk: Risk, score: int, policy: TrustPolicy) -> Risk:
    """One level at most; LOW is low, CRITICAL never falls."""
    if risk == Risk.MEDIUM and score >= policy.medium_counts_low_from:
        return Risk.LOW
    if risk == Risk.HIGH and score >= policy.high_counts_medium_from:
        return Risk.MEDIUM
    return risk


def drift(recent: Sequence[bool], policy: TrustPolicy) -> Drift | None:
    """Of a full window, its older half against its newer one."""
    if len(recent) < policy.drift_window:
        return None
    half = len(recent) // 2
    before, after = _share(recent[:half]), _share(recent[half:])
    return Drift(before, after, len(recent)) if before - after >= policy.drift_drop else None


def _share(outcomes: Sequence[bool]) -> float:
    return sum(outcomes) / len(outcomes)


def trust_key(project_id: str, operation: str, target: Target, workload: str) -> str:
    """`workload` is the owner's name: what one pod earned counts for the next.

    A slash within a part is written %2F, so that two different acts never share one key.
    """
    parts = (project_id, operation, target.cluster, target.namespace, f"{workload}-*")
    return "/".join(part.replace("%", "%25").replace("/", "%2F") for part in parts)
