"""The gateway's metrics, with their label children kept at hand: looking one up costs more than adding."""

from __future__ import annotations

import time

from prometheus_client import CollectorRegistry, Counter

from connectors import metrics
from connectors.gateway.limits import Load


class Meters:
    """`source` is one of ours or `unknown`, so that nobody outside makes up labels."""

    def __init__(self, registry: CollectorRegistry, load: Load) -> None:
        self._webhooks = metrics.WEBHOOKS.counter(registry)
        self._bytes = metrics.WEBHOOK_BYTES.counter(registry)
        self._seconds = metrics.WEBHOOK_SECONDS.histogram(registry)
        self._children: dict[tuple[str, str], Counter] = {}
        metrics.WEBHOOKS_IN_FLIGHT.gauge(registry).set_function(lambda: load.requests)
        metrics.WEBHOOK_BYTES_IN_FLIGHT.gauge(registry).set_function(lambda: load.bytes)

    def accepted(self, source: str, size: int, started: float) -> None:
        self.count(source, "accepted", started)
        self._bytes.labels(source).inc(size)

    def count(self, source: str, outcome: str, started: float) -> None:
        child = self._children.get((source, outcome))
        if child is None:
            child = self._children[source, outcome] = self._webhooks.labels(source, outcome)
        child.inc()
        self._seconds.observe(time.perf_counter() - started)


class SignatureMeters:
    """Outcomes are constants of ours: what a token or the log says is no label."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._signatures = metrics.SIGNATURES.counter(registry)
        self._seconds = metrics.SIGNATURE_SECONDS.histogram(registry)

    def count(self, outcome: str, started: float) -> None:
        self._signatures.labels(outcome).inc()
        self._seconds.observe(time.perf_counter() - started)


class ActMeters:
    """`act` is one of ours or `unknown`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._acts = metrics.ACTS.counter(registry)
        self._seconds = metrics.ACT_SECONDS.histogram(registry)

    def count(self, act: str, outcome: str, started: float) -> None:
        self._acts.labels(act, outcome).inc()
        self._seconds.observe(time.perf_counter() - started)


class ReadMeters:
    """`question` is one of ours: its name in the API's document."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._reads = metrics.READS.counter(registry)
        self._seconds = metrics.READ_SECONDS.histogram(registry)

    def count(self, question: str, outcome: str, started: float) -> None:
        self._reads.labels(question, outcome).inc()
        self._seconds.labels(question).observe(time.perf_counter() - started)


class LiveMeters:
    """`why` is a constant of ours: the reason of a refusal, or of a stream's end."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._listeners = metrics.LISTENERS.gauge(registry)
        self._messages = metrics.LIVE_MESSAGES.counter(registry)
        self._ended = metrics.LIVE_ENDED.counter(registry)

    def listen(self, listeners: int) -> None:
        self._listeners.set(listeners)

    def told(self, messages: int) -> None:
        self._messages.inc(messages)

    def ended(self, why: str) -> None:
        self._ended.labels(why).inc()
