from __future__ import annotations

import pytest

from connectors.alerts.metrics import from_text


@pytest.mark.parametrize(
    ("text", "metrics"),
    [
        ("throttled 85% of the time", {"throttle_percent": 85}),
        ("memory at 91%", {"memory_percent": 91}),
        ("restarted 7 times", {"restart_count": 7}),
        ("Pod x-1 restarted 7 times in 10 minutes", {"restart_count": 7}),
        ("12 restarts in an hour", {"restart_count": 12}),
        ("25% throttling of CPU in namespace shop", {"throttle_percent": 25}),
        ("using 85% of memory limit", {"memory_percent": 85}),
        ("Memory usage is 91.5 %", {"memory_percent": 91.5}),
        ("CPU usage at 97.25% on node-3", {"cpu_percent": 97.25}),
        ("CPU throttled 85% of the time", {"throttle_percent": 85}),
        ("cpu 95%, memory 91%", {"cpu_percent": 95, "memory_percent": 91}),
        ("Disk usage is 92%", {"disk_percent": 92}),
        ("error rate is 12.5%", {"error_rate": 12.5}),
        ("5xx errors at a rate of 12%", {"error_rate": 12}),
        ("p99 latency is 2.5s", {"latency_p99_ms": 2500}),
        ("p99 = 340 ms", {"latency_p99_ms": 340}),
        ("99th percentile latency: 1 second", {"latency_p99_ms": 1000}),
    ],
)
def test_a_number_that_the_text_names(text: str, metrics: dict[str, float]) -> None:
    assert from_text(text) == metrics


@pytest.mark.parametrize(
    "text",
    [
        "Pod is being CPU throttled",
        "memory usage above 90%",
        "CPU usage > 80%",
        "memory more than 90%",
        "p99 latency above 2s",
        "Pod checkout-85 restarted",
        "memory of pod a; 91% of users see errors",
        "",
    ],
)
def test_a_threshold_or_another_number_is_no_measurement(text: str) -> None:
    assert from_text(text) == {}
