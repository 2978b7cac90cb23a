"""The doctor's check of Prometheus: reached, let in, and measuring what evidence asks for."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping

from awoooi.findings import Finding, Verdict
from awoooi.loading import Loaded
from connectors.evidence import Unavailable

PART = "prometheus"
TODO = "correct AWOOOI_PROMETHEUS_URL or its log-in"
# What evidence is made of, and who exports it.
EXPORTERS: Mapping[str, str] = {
    "container_cpu_usage_seconds_total": "the kubelet's cAdvisor: cpu and memory of pods",
    "kube_pod_container_status_restarts_total": "kube-state-metrics: restarts, replicas, limits",
    "node_load5": "the node exporter: cpu, memory and disks of machines",
}


async def prometheus(loaded: Loaded) -> list[Finding]:
    from connectors.prometheus.client import Prometheus, http_of

    config = loaded.settings.prometheus
    if config.url is None:
        return [Finding(PART, Verdict.OK, "none is configured: evidence does without")]
    async with http_of(config) as http:
        client, now = Prometheus(config, http), time.time_ns() // 1_000_000
        try:
            await client.query("vector(1)", now)
            known = {name: bool(await client.query(f"count({name})", now)) for name in EXPORTERS}
        except Unavailable as error:
            return [Finding(PART, Verdict.WRONG, str(error), TODO)]
    return [Finding(PART, Verdict.OK, f"{config.url} answers"), *_missing(known)]


def _missing(known: Mapping[str, bool]) -> Iterator[Finding]:
    for name, there in known.items():
        if not there:
            what = f"it has no {name}: less evidence"
            yield Finding(
                PART, Verdict.WARNING, what, f"where that is wanted, let it scrape {EXPORTERS[name]}"
            )
