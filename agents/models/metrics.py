"""The metrics of the models: one described list, made for one registry."""

from __future__ import annotations

from prometheus_client import CollectorRegistry

from agents.models.model import Completion, Fault
from connectors.metrics import Described
from schemas.turn import Agent

OLLAMA = "ollama"

OLLAMA_SECONDS = Described(
    "awoooi_ollama_analysis_duration_seconds",
    "how long a question to Ollama took, retries and repair included, answered or not",
    buckets=(0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 45.0, 60.0, 90.0, 120.0, 260.0),
)
SECONDS = Described(
    "awoooi_model_analysis_duration_seconds",
    "the same for every provider and agent",
    ("provider", "agent"),
    buckets=(0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 45.0, 60.0, 90.0, 120.0, 260.0),
)
OLLAMA_FALLBACKS = Described(
    "awoooi_ollama_fallback_total", "questions that went on from Ollama to the next provider or the rules"
)
FALLBACKS = Described(
    "awoooi_model_fallback_total",
    "the same for every provider, by reason",
    ("provider", "reason"),
)
CALLS = Described("awoooi_model_calls_total", "calls to providers, by outcome", ("provider", "outcome"))
TOKENS = Described("awoooi_model_tokens_total", "tokens, by direction: in or out", ("provider", "direction"))
COST = Described("awoooi_model_cost_usd_total", "what was spent, by the configured prices", ("provider",))
BREAKER = Described("awoooi_model_breaker_open", "1 while a provider is left alone", ("provider",))


class Meters:
    def __init__(self, registry: CollectorRegistry) -> None:
        self._ollama_seconds = OLLAMA_SECONDS.histogram(registry)
        self._seconds = SECONDS.histogram(registry)
        self._ollama_fallbacks = OLLAMA_FALLBACKS.counter(registry)
        self._fallbacks = FALLBACKS.counter(registry)
        self._calls = CALLS.counter(registry)
        self._tokens = TOKENS.counter(registry)
        self._cost = COST.counter(registry)
        self._breaker = BREAKER.gauge(registry)

    def asked(self, provider: str, agent: Agent, secs: float) -> None:
        self._seconds.labels(provider, agent).observe(secs)
        if provider == OLLAMA:
            self._ollama_seconds.observe(secs)

    def went_on(self, provider: str, reason: Fault) -> None:
        self._fallbacks.labels(provider, reason).inc()
        if provider == OLLAMA:
            self._ollama_fallbacks.inc()

    def called(self, provider: str, outcome: str) -> None:
        self._calls.labels(provider, outcome).inc()

    def spent(self, provider: str, completion: Completion, cost_usd: float) -> None:
        self._tokens.labels(provider, "in").inc(completion.tokens_in)
        self._tokens.labels(provider, "out").inc(completion.tokens_out)
        self._cost.labels(provider).inc(cost_usd)

    def breaker(self, provider: str, *, is_open: bool) -> None:
        self._breaker.labels(provider).set(is_open)
