"""The search for hostile text in alerts that hold none: what nearly every alert pays."""

from __future__ import annotations

import random
import time
from statistics import median

from benchmarks.measured import Measured, Scale
from connectors.alerts.hostile_text import clean

LENGTH = 500
RULES = (
    "KubePodCrashLooping: Pod {name}-7c9d5b8f4-x2k9q is restarting {number} times in 10 minutes.",
    "HighErrorRate: {name} has {number}.4 % of requests with status 5xx.",
    "NodeFilesystemAlmostOutOfSpace: Filesystem /dev/sda1 at 10.0.3.{number}:9100 has {number} % left.",
    "PostgreSQL replication lag of {name}-db is above {number} s (threshold: 30 s)",
    'Latency p99 of {name}.prod.svc.cluster.local:8080 above {number} ms for 15m, job="{name}"',
    "Kafka consumer group {name} is {number} records behind, partition {number}.",
)
NAMES = ("checkout", "cart", "payment", "catalog", "search", "auth", "frontend")


async def measure(scale: Scale) -> Measured:
    """The middle of several rounds over texts of about 500 characters, none of them seen twice in a round."""
    texts = _texts(random.Random(8), scale.of(500, 50))
    rounds = [_round(texts) for _ in range(9)]
    return Measured({"hostile_clean_us": median(rounds)}, {"hostile_clean_best_us": min(rounds)})


def _texts(draw: random.Random, count: int) -> list[str]:
    texts = []
    while len(texts) < count:
        lines = [
            draw.choice(RULES).format(name=draw.choice(NAMES), number=draw.randrange(99)) for _ in range(9)
        ]
        texts.append(" ".join(lines)[:LENGTH].rpartition(" ")[0])  # no half words
    if any(clean(text)[1] for text in texts):
        raise RuntimeError("something was found in text that is clean")
    return texts


def _line(draw: random.Random) -> str:
    return draw.choice(RULES).format(name=draw.choice(NAMES), number=draw.randrange(99))


def _round(texts: list[str]) -> float:
    began = time.perf_counter()
    for text in texts:
        clean(text)
    return (time.perf_counter() - began) * 1e6 / len(texts)
