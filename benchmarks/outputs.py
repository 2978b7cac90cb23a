"""How fast alerts were counted, read off the incident events and the broker's clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from schemas.codec import Codec

WARM = 0.1  # the first tenth is not timed: imports, joins, first fetches


@dataclass(frozen=True, slots=True)
class Pace:
    """`per_s` from the moment when a tenth was counted to the moment when all were."""

    counted: int
    events: int
    per_s: float
    first_ms: int
    last_ms: int


def pace(records: Sequence[Any], warm: float = WARM) -> Pace:
    """From the records of `incidents`; hit counts are cumulative, so each event adds what is new in it."""
    steps = _steps(records)
    total = sum(added for _, added in steps)
    counted, warm_at, warm_count = 0, steps[0][0], 0
    for moment, added in steps:
        counted += added
        if counted >= total * warm:
            warm_at, warm_count = moment, counted
            break
    last = steps[-1][0]
    secs = max(last - warm_at, 1) / 1000
    return Pace(total, len(steps), (total - warm_count) / secs, steps[0][0], last)


def _steps(records: Sequence[Any]) -> list[tuple[int, int]]:
    """(when, how many more are counted), in the order of time."""
    codec, hits, steps = Codec(), dict[bytes, int](), []
    for record in sorted(records, key=lambda record: (record.timestamp, record.partition, record.offset)):
        count = codec.read(record.value)[1]["payload"].get("hit_count")
        if count is None:
            continue
        before = hits.get(record.key, 0)
        hits[record.key] = max(before, count)
        steps.append((record.timestamp, max(0, count - before)))
    return steps
