"""Rate, errors, latency, cpu and memory of services, now and in quiet time before: what blame is weighed by.

Meshes and instrumentations name these differently: each convention is tried for the services that those
before it did not know. A new one is one more entry in CONVENTIONS.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from connectors.prometheus.client import Prometheus, TimeSeries
from connectors.prometheus.promql import any_of, quoted, selector
from connectors.series import Series, Signal

MOST_SERVICES = 200
CHUNK = 50
"""services named in one question"""
LOOK_SECS = 300.0
"""how long it is believed which metrics there are"""
LONGEST_NOW_MS = 30 * 60_000
LEAD_MS = 5 * 60_000
"""an alert fires some minutes after its cause began"""
BEFORE_MS = 60 * 60_000
LONGEST_BACK_MS = 6 * 60 * 60_000
"""an incident older than this is compared with what it was then"""

Samples = Mapping[str, Sequence[tuple[int, float]]]
Requests = tuple[Signal, Signal, Signal]
"""rate, errors, latency"""


@dataclass(frozen=True, slots=True)
class Windows:
    """The alert's window and the quiet one before it, in epoch milliseconds."""

    before: int
    since: int
    until: int

    @classmethod
    def around(cls, opened_at: int, now: int) -> Windows:
        since = max(opened_at - LEAD_MS, now - LONGEST_NOW_MS)
        quiet_until = min(since, max(opened_at - LEAD_MS, now - LONGEST_BACK_MS))
        return cls(quiet_until - BEFORE_MS, since, now)


@dataclass(frozen=True, slots=True)
class Convention:
    """How one family of metrics counts requests. `FAILED` marks the matcher of failed ones."""

    label: str
    """which names the service"""
    requests: str
    seconds: str
    """its `_sum` and `_count` are the time of all requests"""
    failed: str
    """a matcher on `requests`, or the name of a counter of its own"""
    namespace: str = ""
    """the label that names the namespace, where there is one"""
    fixed: str = ""
    """a matcher of our own for all of them"""

    def rate(self, who: str) -> str:
        return self._rate(self.requests, who)

    def errors(self, who: str) -> str:
        own_counter = "=" not in self.failed
        failed = self._rate(self.failed, who) if own_counter else self._rate(self.requests, who, self.failed)
        return f"({failed} or {self.rate(who)} * 0) / ({self.rate(who)} > 0)"

    def latency(self, who: str) -> str:
        total, count = (self._rate(f"{self.seconds}_{end}", who) for end in ("sum", "count"))
        return f"{total} / ({count} > 0)"

    def _rate(self, metric: str, who: str, more: str = "") -> str:
        matchers = ",".join(filter(None, (who, self.fixed, more)))
        return f"sum by ({self.label}) (rate({metric}{{{matchers}}}[2m]))"


CONVENTIONS: Sequence[Convention] = (
    Convention(
        "destination_service_name",
        "istio_requests_total",
        "istio_request_duration_milliseconds",
        'response_code=~"5.."',
        namespace="destination_service_namespace",
        fixed='reporter="destination"',
    ),
    Convention(
        "server",
        "traces_service_graph_request_total",
        "traces_service_graph_request_server_seconds",
        "traces_service_graph_request_failed_total",
    ),
    Convention(
        "service",
        "traces_spanmetrics_calls_total",
        "traces_spanmetrics_latency",
        'status_code="STATUS_CODE_ERROR"',
    ),
    Convention(
        "service_name",
        "traces_span_metrics_calls_total",
        "traces_span_metrics_duration_milliseconds",
        'status_code="STATUS_CODE_ERROR"',
    ),
    Convention(
        "service",
        "http_requests_total",
        "http_request_duration_seconds",
        'code=~"5.."',
        namespace="namespace",
    ),
    Convention(
        "job",
        "http_server_request_duration_seconds_count",
        "http_server_request_duration_seconds",
        'http_response_status_code=~"5.."',
    ),
)
CPU = 'sum by (pod) (rate(container_cpu_usage_seconds_total{SEL,container!="",container!="POD"}[5m]))'
MEMORY = 'sum by (pod) (container_memory_working_set_bytes{SEL,container!="",container!="POD"})'
OF_A_POD = "(-[a-z0-9]{1,10})?-[a-z0-9]{1,10}"


async def service_series(
    client: Prometheus,
    services: Mapping[str, str],
    windows: Windows,
    conventions: Sequence[Convention] = CONVENTIONS,
) -> dict[str, Series]:
    """Services (name → namespace, empty where unknown) with what was measured of them.

    The alert's own service first: no more than MOST_SERVICES are asked for. Raises Unavailable.
    """
    asked = dict(list(services.items())[:MOST_SERVICES])
    reader = _Reader(client, windows, conventions)
    requests, cpu, memory = await asyncio.gather(
        reader.requests(asked), reader.pods(CPU, asked), reader.pods(MEMORY, asked)
    )
    known = [name for name in asked if name in requests or name in cpu or name in memory]
    nothing = (Signal(), Signal(), Signal())
    return {
        name: Series(*requests.get(name, nothing), cpu.get(name, Signal()), memory.get(name, Signal()))
        for name in known
    }


class ServiceMetrics:
    """The same as a tool of its own. Now and then it looks which conventions are in use at all."""

    tool = "prometheus.service_series"
    server = "prometheus"

    def __init__(
        self, client: Prometheus, timeout_secs: float = 8.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.timeout_secs = timeout_secs
        self._client, self._clock = client, clock
        self._used: Sequence[Convention] = CONVENTIONS
        self._looked_at: float | None = None

    async def read(self, services: Mapping[str, str], windows: Windows) -> Mapping[str, Series]:
        await self._look(windows.until)
        return await service_series(self._client, services, windows, self._used)

    async def _look(self, at: int) -> None:
        now = self._clock()
        if self._looked_at is not None and now - self._looked_at < LOOK_SECS:
            return
        names = any_of(sorted({convention.requests for convention in CONVENTIONS}))
        asked = f"count by (__name__) ({{__name__=~{quoted(names)}}})"
        there = {one.labels.get("__name__") for one in await self._client.query(asked, at, most=100)}
        self._used = [convention for convention in CONVENTIONS if convention.requests in there]
        self._looked_at = now


@dataclass(frozen=True, slots=True)
class _Reader:
    client: Prometheus
    windows: Windows
    conventions: Sequence[Convention]

    async def requests(self, services: Mapping[str, str]) -> dict[str, Requests]:
        found: dict[str, Requests] = {}
        for convention in self.conventions:
            missing = {name: space for name, space in services.items() if name not in found}
            for names, who in _chunks(missing, convention):
                found |= await self._by(convention, names, who)
        return found

    async def _by(self, convention: Convention, names: Sequence[str], who: str) -> dict[str, Requests]:
        rates = await self._ask(convention.rate(who), convention.label)
        if not rates:
            return {}
        errors, latencies = await asyncio.gather(
            self._ask(convention.errors(who), convention.label),
            self._ask(convention.latency(who), convention.label),
        )
        return {
            name: (
                self._split(rates[label]),
                self._split(errors.get(label, ())),
                self._split(latencies.get(label, ())),
            )
            for name in names
            if (label := bare(name)) in rates
        }

    async def pods(self, promql: str, services: Mapping[str, str]) -> dict[str, Signal]:
        found: dict[str, Signal] = {}
        for space, names in _by_namespace(services):
            for some in _in_chunks(names):
                like = {"pod": f"({any_of(sorted({bare(name) for name in some}))}){OF_A_POD}"}
                who = selector({"namespace": space}, like)
                series = await self._ask(promql.replace("SEL", who), "pod", most=MOST_SERVICES * 10)
                found |= {name: self._split(total) for name, total in _of_services(series, some).items()}
        return found

    async def _ask(self, promql: str, label: str, most: int = MOST_SERVICES) -> Samples:
        windows = self.windows
        series: list[TimeSeries] = await self.client.query_range(
            promql, windows.before, windows.until, most=most
        )
        return {one.labels[label]: one.samples for one in series if label in one.labels and one.samples}

    def _split(self, samples: Sequence[tuple[int, float]]) -> Signal:
        quiet_until = self.windows.before + BEFORE_MS
        return Signal(
            now=[value for at, value in samples if at >= self.windows.since],
            before=[value for at, value in samples if at < quiet_until],
        )


def bare(service: str) -> str:
    """`cart.shop` is called `cart` by who measures it."""
    return service.partition(".")[0]


def _chunks(services: Mapping[str, str], convention: Convention) -> Iterable[tuple[Sequence[str], str]]:
    spaces = _by_namespace(services) if convention.namespace else [("", list(services))]
    for space, names in spaces:
        equal = {convention.namespace: space} if convention.namespace else {}
        for some in _in_chunks(names):
            yield some, selector(equal, {convention.label: any_of(sorted({bare(name) for name in some}))})


def _by_namespace(services: Mapping[str, str]) -> Iterable[tuple[str, list[str]]]:
    spaces: dict[str, list[str]] = defaultdict(list)
    for name, space in services.items():
        spaces[space].append(name)
    return spaces.items()


def _in_chunks(names: Sequence[str]) -> Iterable[Sequence[str]]:
    return (names[start : start + CHUNK] for start in range(0, len(names), CHUNK))


def _of_services(pods: Samples, names: Sequence[str]) -> dict[str, Sequence[tuple[int, float]]]:
    """Pods added up by the service whose name they bear; of two that fit, the longer name."""
    totals: dict[str, dict[int, float]] = {}
    by_length = sorted(names, key=lambda name: -len(bare(name)))
    patterns = [(name, re.compile(re.escape(bare(name)) + OF_A_POD)) for name in by_length]
    for pod, samples in pods.items():
        owner = next((name for name, pattern in patterns if pattern.fullmatch(pod)), None)
        if owner is not None:
            total = totals.setdefault(owner, defaultdict(float))
            for at, value in samples:
                total[at] += value
    return {name: sorted(total.items()) for name, total in totals.items()}
