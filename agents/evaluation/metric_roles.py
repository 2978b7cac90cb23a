"""What a metric's name says it is. Services are never told by name; metrics have nothing else."""

from __future__ import annotations

import re

import numpy as np

from agents.detectors import Floats, Role

_WORDS: tuple[tuple[Role, re.Pattern[str]], ...] = (
    (Role.LATENCY, re.compile(r"latenc|duration|response_?time|elapsed|_ms$|_seconds$|\brtt?\b")),
    (Role.ERRORS, re.compile(r"avail|success|error|fault|fail|exception|5xx|4xx")),
    (Role.CPU, re.compile(r"cpu")),
    (Role.MEMORY, re.compile(r"mem|heap|\brss\b")),
    (Role.RATE, re.compile(r"workload|request|traffic|throughput|calls|\b[rqt]ps\b|_count$|_total$")),
)
_GOOD = re.compile(r"avail|success")
_SHARE = re.compile(r"avail|success|%|percent|pct|ratio|rate|share")
_STATISTICS = ("avg|average|mean", "p50|median", "p90", "p95", "p99|max")
_SECOND_BEST = 1.5  # a name that tells no statistic: after the median, before the tails


def role_of(metric: str) -> Role:
    name = metric.lower()
    return next((role for role, words in _WORDS if words.search(name)), Role.OTHER)


def chosen(metrics: list[str], symptom: str) -> list[str]:
    """One metric a role, the symptom's own first; of what has no role, all."""
    best: dict[Role, str] = {}
    for metric in sorted(metrics, key=lambda metric: _order(metric, symptom)):
        best.setdefault(role_of(metric), metric)
    return [metric for metric in metrics if metric in best.values() or role_of(metric) == Role.OTHER]


def _order(metric: str, symptom: str) -> tuple[bool, bool, float, str]:
    """What a service's callers see comes before what it sees itself as a client; a mean can be summed up."""
    name = metric.lower()
    told = (float(at) for at, words in enumerate(_STATISTICS) if re.search(words, name))
    return metric != symptom, "client" in name, next(told, _SECOND_BEST), metric


def as_rising(metric: str, values: Floats, highest: float) -> Floats:
    """Errors as the share that failed; everything else as it is. `highest` tells percent from shares."""
    if role_of(metric) != Role.ERRORS:
        return values
    name = metric.lower()
    share = values / 100 if _SHARE.search(name) and highest > 1.5 else values
    return 1 - share if _GOOD.search(name) else share


def highest_of(*tables: Floats) -> float:
    known = [float(np.nanmax(table)) for table in tables if not np.isnan(table).all()]
    return max(known, default=0.0)
