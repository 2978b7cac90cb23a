"""What the tests of Prometheus ask about."""

from __future__ import annotations

from typing import Any

from connectors.evidence import Wanted
from connectors.prometheus.client import Prometheus
from connectors.prometheus.config import PrometheusConfig
from connectors.prometheus.fake import FakePrometheus, Samples

NOW = 1_800_000_000_000
MINUTE = 60_000


def wanted(kind: str = "pod", name: str = "web-1", **more: Any) -> Wanted:
    facts: dict[str, Any] = {
        "project_id": "default",
        "incident_id": "INC-1",
        "run_id": "run-1",
        "fingerprint": "ab" * 8,
        "alert_type": "HighCPU",
        "severity": "critical",
        "cluster": "default",
        "namespace": "shop",
        "kind": kind,
        "name": name,
        "labels": {},
        "metrics": {},
        "opened_at": NOW - 5 * MINUTE,
        "now": NOW,
    }
    return Wanted(**{**facts, **more})


def config(url: str = "http://prometheus:9090", **more: Any) -> PrometheusConfig:
    return PrometheusConfig(url=url, **more)


def client(fake: FakePrometheus, **more: Any) -> Prometheus:
    return Prometheus(config(**more), fake)


def line(*values: float, every: int = MINUTE, until: int = NOW) -> Samples:
    """Samples that end at `until`."""
    first = until - (len(values) - 1) * every
    return [(first + number * every, value) for number, value in enumerate(values)]
