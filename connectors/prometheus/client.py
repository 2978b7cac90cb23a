"""Prometheus' HTTP API, as much of it as evidence needs; what goes wrong is Unavailable, with a reason."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlencode

from connectors.evidence import Unavailable
from connectors.http import HttpClient, Reply
from connectors.prometheus.config import PrometheusConfig
from schemas.catalog import MIB
from schemas.errors import AwoooiError, Misconfigured, Unreadable

MAX_ANSWER_BYTES = 8 * MIB
MOST_POINTS = 500
"""of one series: a finer step would tell nothing more"""
MOST_TOLD = 200
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@dataclass(frozen=True, slots=True)
class TimeSeries:
    """Samples in the order of time, (epoch milliseconds, value); what is no number was left out."""

    labels: Mapping[str, str]
    samples: Sequence[tuple[int, float]]


class Http(Protocol):
    """What is needed of an HTTP client."""

    async def post(self, url: str, content: bytes, headers: Mapping[str, str] | None = None) -> Reply: ...


class Prometheus:
    """Asks; never more than `most` series of an answer are kept."""

    def __init__(self, config: PrometheusConfig, http: Http) -> None:
        if config.url is None:
            raise Misconfigured("AWOOOI_PROMETHEUS_URL: is not set")
        self._url = config.url.rstrip("/")
        self._http, self._config = http, config
        self._room = asyncio.Semaphore(config.at_once)  # a storm of runs must not become one of questions

    async def query_range(
        self, promql: str, start: int, end: int, most: int | None = None
    ) -> list[TimeSeries]:
        """Between two moments in epoch milliseconds; the step follows from their distance."""
        step = step_secs(start, end)
        limit = most or self._config.most_series
        last = end // 1000  # counted back from the end: what was measured just now is seen
        first = last - (end - start) // 1000 // step * step
        asked = {"query": promql, "start": first, "end": last, "step": step, "limit": limit}
        return await self._ask("query_range", "matrix", "values", asked, limit)

    async def query(self, promql: str, at: int, most: int | None = None) -> list[TimeSeries]:
        """At one moment; each series has one sample."""
        limit = most or self._config.most_series
        asked = {"query": promql, "time": at / 1000, "limit": limit}
        return await self._ask("query", "vector", "value", asked, limit)

    async def _ask(
        self, path: str, kind: str, values: str, asked: Mapping[str, Any], limit: int
    ) -> list[TimeSeries]:
        form = urlencode({**asked, "timeout": f"{self._config.timeout_secs:g}s"}).encode()
        try:
            headers = {**FORM, **self._config.headers()}
            async with self._room:
                reply = await self._http.post(f"{self._url}/api/v1/{path}", form, headers)
            answer = _answer(reply, kind)
        except Unavailable:
            raise
        except AwoooiError as error:
            raise Unavailable(f"Prometheus: {error}") from error
        try:
            return [_series(found, values) for found in answer[:limit]]
        except (KeyError, TypeError, ValueError, OverflowError, AttributeError, IndexError) as error:
            raise Unavailable("Prometheus answers what is no Prometheus answer") from error


def step_secs(start: int, end: int) -> int:
    """A minute where that is enough, else so that a series keeps to its bound."""
    span = max(0, end - start) // 1000
    return max(15, min(60, span // 30), -(-span // MOST_POINTS))


def _answer(reply: Reply, kind: str) -> list[Any]:
    try:
        body = reply.json()
    except Unreadable as error:
        raise Unavailable(f"Prometheus answers {reply.status} and no JSON") from error
    if not isinstance(body, dict):
        raise Unavailable("Prometheus answers what is no Prometheus answer")
    if body.get("status") != "success":
        told = str(body.get("error") or "without a reason")[:MOST_TOLD]
        raise Unavailable(f"Prometheus refuses the question ({reply.status}): {told}")
    data = body.get("data")
    if (
        not isinstance(data, dict)
        or data.get("resultType") != kind
        or not isinstance(data.get("result"), list)
    ):
        raise Unavailable("Prometheus answers what is no Prometheus answer")
    result: list[Any] = data["result"]
    return result


def _series(found: Any, values: str) -> TimeSeries:
    pairs = found[values] if values == "values" else [found[values]]
    read = ((round(float(at) * 1000), float(value)) for at, value in pairs)
    samples = [(at, value) for at, value in read if math.isfinite(value)]
    return TimeSeries({str(name): str(value) for name, value in found["metric"].items()}, samples)


def http_of(config: PrometheusConfig) -> HttpClient:
    ca_file = None if config.ca_file is None else str(config.ca_file)
    return HttpClient(
        timeout_secs=config.timeout_secs,
        basic_auth=config.login(),
        ca_file=ca_file,
        max_answer_bytes=MAX_ANSWER_BYTES,
    )
