"""What the store counts about itself."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector


class StoreMetrics:
    """One set a process, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.requests = Counter(
            "awoooi_store_requests_total",
            "Statements by user and result (ok, or ClickHouse's error code)",
            ["user", "result"],
            registry=self.registry,
        )
        self.seconds = Histogram(
            "awoooi_store_statement_seconds",
            "How long statements took, by kind (read, write), waiting for a thread included",
            ["kind"],
            registry=self.registry,
        )
        self.rows_written = Counter(
            "awoooi_store_rows_written_total",
            "Rows that were sent and written",
            registry=self.registry,
        )
        self.running = Gauge(
            "awoooi_store_statements_running",
            "Statements running or waiting for a thread, by kind",
            ["kind"],
            registry=self.registry,
        )
