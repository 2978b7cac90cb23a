"""The sink's metrics: one described list, made for one registry."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Collection, Mapping

from prometheus_client import CollectorRegistry

from connectors.metrics import Described
from sinks.clickhouse.rows import EventRow, SetAside

ROWS = Described("awoooi_sink_rows_total", "rows stored in ClickHouse, by topic", ("topic",))
SET_ASIDE = Described(
    "awoooi_sink_set_aside_total",
    "records that are not in `events`, by topic and reason",
    ("topic", "reason"),
)
DELAY = Described(
    "awoooi_sink_delay_seconds",
    "from an event's writing to its being stored, for the oldest of each batch",
    buckets=(0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 3600.0),
)
LAG = Described("awoooi_sink_lag", "events in the log that are not stored yet, by topic", ("topic",))


class Meters:
    def __init__(self, registry: CollectorRegistry) -> None:
        self._rows = ROWS.counter(registry)
        self._set_aside = SET_ASIDE.counter(registry)
        self._delay = DELAY.histogram(registry)
        self._lag = LAG.gauge(registry)

    def stored(self, rows: Collection[EventRow], aside: Collection[SetAside]) -> None:
        """A batch is done with."""
        counts = Counter(row.topic for row in rows)
        counts.subtract(item.topic for item in aside if item.event_id)  # ClickHouse refused these
        for topic, count in counts.items():
            self._rows.labels(topic).inc(count)
        for item in aside:
            self._set_aside.labels(item.topic, item.reason.partition(":")[0]).inc()
        if rows:
            self._delay.observe(max(0.0, time.time() - min(row.recorded_at for row in rows) / 1000))

    def lag(self, by_topic: Mapping[str, int]) -> None:
        for topic, behind in by_topic.items():
            self._lag.labels(topic).set(behind)
