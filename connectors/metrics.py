"""The metrics of this folder: one described list, which docs/http.md repeats and a test compares."""

from __future__ import annotations

from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram


@dataclass(frozen=True, slots=True)
class Described:
    """One metric, before it exists in a registry."""

    name: str
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()

    def counter(self, registry: CollectorRegistry) -> Counter:
        return Counter(self.name, self.help, self.labels, registry=registry)

    def gauge(self, registry: CollectorRegistry) -> Gauge:
        return Gauge(self.name, self.help, self.labels, registry=registry)

    def histogram(self, registry: CollectorRegistry) -> Histogram:
        return Histogram(self.name, self.help, self.labels, registry=registry, buckets=self.buckets)


WEBHOOKS = Described(
    "awoooi_webhook_requests_total",
    "webhook requests by source and outcome: accepted, or the reason of the refusal",
    ("source", "outcome"),
)
WEBHOOK_BYTES = Described("awoooi_webhook_bytes_total", "bytes of accepted bodies", ("source",))
WEBHOOK_SECONDS = Described(
    "awoooi_webhook_duration_seconds",
    "from the request's head to the answer, the broker's confirmation included",
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
)
WEBHOOKS_IN_FLIGHT = Described("awoooi_webhook_in_flight", "requests being read or written to Kafka now")
WEBHOOK_BYTES_IN_FLIGHT = Described("awoooi_webhook_in_flight_bytes", "bytes of bodies held in memory now")

SIGNATURES = Described(
    "awoooi_signature_requests_total",
    "signed approvals by outcome: counted, no_verdict (202), or the reason of the refusal",
    ("outcome",),
)
SIGNATURE_SECONDS = Described(
    "awoooi_signature_duration_seconds",
    "from the request's head to the answer, the verdict included",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
)

LISTENERS = Described("awoooi_live_listeners", "live streams that are open now")
LIVE_MESSAGES = Described("awoooi_live_messages_total", "messages told to listeners, each counted for each")
LIVE_ENDED = Described(
    "awoooi_live_ended_total",
    "live streams that ended or never began, by why: closed by the listener, too_slow, token_ended, …",
    ("why",),
)

READS = Described(
    "awoooi_read_requests_total",
    "what was read over the API, by question and outcome: answered, or the reason of the refusal",
    ("question", "outcome"),
)
READ_SECONDS = Described(
    "awoooi_read_duration_seconds",
    "from the request's head to the answer of the record",
    ("question",),
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
)
ACTS = Described(
    "awoooi_act_requests_total",
    "what people asked for, by act and outcome: accepted, or the reason of the refusal",
    ("act", "outcome"),
)
ACT_SECONDS = Described(
    "awoooi_act_duration_seconds",
    "from the request's head to the answer, the look into the record included",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
)

GATEWAY = (
    WEBHOOKS,
    WEBHOOK_BYTES,
    WEBHOOK_SECONDS,
    WEBHOOKS_IN_FLIGHT,
    WEBHOOK_BYTES_IN_FLIGHT,
    SIGNATURES,
    SIGNATURE_SECONDS,
    LISTENERS,
    LIVE_MESSAGES,
    LIVE_ENDED,
    READS,
    READ_SECONDS,
    ACTS,
    ACT_SECONDS,
)
