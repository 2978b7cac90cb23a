"""The same questions to a real Prometheus: it takes every one of them, and finds what they are about."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from connectors.evidence import Unavailable
from connectors.prometheus.client import Prometheus, http_of
from connectors.prometheus.evidence import PrometheusEvidence
from connectors.prometheus.questions import asked_for
from connectors.prometheus.service_graph import ServiceGraph
from connectors.prometheus.service_series import CONVENTIONS, ServiceMetrics, Windows
from tests.answering import Quiet, answering
from tests.connectors.prometheus.support import config, wanted
from tests.peers import PrometheusPeer, free_port, prometheus, wait_until, wait_until_async
from tests.peers.tools import skip_without_tools

pytestmark = [pytest.mark.prometheus, pytest.mark.timeout(120)]

HOSTILE = ['web"} or vector(1) or up{pod="', "web\\", 'a\\"', "web|.*", ".*", "a\nb", "é重🙂", "x" * 2000]
KINDS = ["pod", "deployment", "statefulset", "daemonset", "job", "node", "host", "pvc", "service", ""]


@dataclass
class Exporter:
    """Serves what it is told to, with numbers that grow from scrape to scrape."""

    lines: list[str] = field(default_factory=list)
    scrapes: int = 0
    port: int = 0

    def page(self) -> str:
        self.scrapes += 1
        return "".join(line.replace("N", str(self.scrapes)) + "\n" for line in self.lines)

    @contextmanager
    def serving(self) -> Iterator[Exporter]:
        exporter = self

        class Handler(Quiet):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
                self.end_headers()
                self.wfile.write(exporter.page().encode())

        with answering(Handler) as self.port:
            yield self


def escaped(value: str) -> str:
    """As the exposition format writes a label's value."""
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


PODS = ["web-5d9-x2x9k", 'web"} or vector(1) or up{pod="']
OF_A_POD = [
    'container_cpu_usage_seconds_total{namespace="shop",pod="POD",container="web"} N',
    'container_memory_working_set_bytes{namespace="shop",pod="POD",container="web"} N00000',
    'kube_pod_container_status_restarts_total{namespace="shop",pod="POD"} N',
]
LINES = [
    *(line.replace("POD", escaped(pod)) for pod in PODS for line in OF_A_POD),
    'kube_pod_container_resource_limits{namespace="shop",pod="web-5d9-x2x9k",resource="memory"} 2e9',
    'node_load5{node="node-3"} N',
    'kubelet_volume_stats_used_bytes{namespace="shop",persistentvolumeclaim="data"} N',
    'kubelet_volume_stats_capacity_bytes{namespace="shop",persistentvolumeclaim="data"} 100',
    'traces_service_graph_request_total{client="web",server="db"} N',
    'traces_service_graph_request_failed_total{client="web",server="db"} N',
    'traces_service_graph_request_server_seconds_sum{client="web",server="db"} N',
    'traces_service_graph_request_server_seconds_count{client="web",server="db"} N',
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrometheusPeer]:
    """Has scraped the exporter a few times."""
    with Exporter(LINES).serving() as exporter:
        target = {"job_name": "shop", "static_configs": [{"targets": [f"127.0.0.1:{exporter.port}"]}]}
        settings: dict[str, Any] = {"global": {"scrape_interval": "1s"}, "scrape_configs": [target]}
        with skip_without_tools("prometheus"):
            prometheus.binary()
        with PrometheusPeer.running(settings, tmp_path_factory.mktemp("prometheus") / "home") as peer:
            wait_until(lambda: exporter.scrapes >= 4, 30, what="four scrapes")
            wait_until(lambda: peer.query("rate(node_load5[1m]) > 0"), 30, what="a rate")
            yield peer


def now() -> int:
    return time.time_ns() // 1_000_000


async def test_every_question_is_understood_whatever_things_are_called(server: PrometheusPeer) -> None:
    """A name that broke out of its quotes would be a question that Prometheus refuses, or answers."""
    given = config(server.url)
    async with http_of(given) as http:
        client, asked = Prometheus(given, http), 0
        for name in (*HOSTILE, "nobody"):
            for kind in KINDS:
                about = wanted(kind, name, namespace=name, now=now())
                for question, ways in asked_for(about, "cluster"):
                    for way in ways:
                        promql = question.promql.replace("SEL", way)
                        assert await client.query_range(promql, now() - 600_000, now()) == [], promql
                        asked += 1
        for convention in CONVENTIONS:
            for promql in (convention.rate('a="b"'), convention.errors('a="b"'), convention.latency('a="b"')):
                assert await client.query(promql, now()) == []
    assert asked > 300


@pytest.mark.parametrize("pod", PODS, ids=["plain", "hostile"])
async def test_what_was_measured_of_a_pod_and_of_no_other(server: PrometheusPeer, pod: str) -> None:
    given = config(server.url)
    async with http_of(given) as http:
        gatherer = PrometheusEvidence(given, Prometheus(given, http))
        found = await _until_there(gatherer, wanted("pod", pod), {"cpu", "memory", "restarts"})
    assert {one.about for one in found} == {f"shop/{pod}"}
    assert found[0].targets == (("pod", "shop", pod),)


@pytest.mark.parametrize(
    ("kind", "name", "metric"),
    [("deployment", "web", "memory_of_limit"), ("node", "node-3", "load"), ("pvc", "data", "used")],
)
async def test_other_kinds_of_things(server: PrometheusPeer, kind: str, name: str, metric: str) -> None:
    given = config(server.url)
    async with http_of(given) as http:
        gatherer = PrometheusEvidence(given, Prometheus(given, http))
        await _until_there(gatherer, wanted(kind, name), {metric})


async def _until_there(gatherer: PrometheusEvidence, about: Any, metrics: set[str]) -> list[Any]:
    async def found() -> list[Any]:
        seen = list(await gatherer.gather(wanted(about.kind, about.name, now=now())))
        return seen if metrics <= {one.words["metric"] for one in seen} else []

    there: list[Any] = await wait_until_async(found, 30, what=f"{metrics} of {about.name}", every=0.3)
    return there


async def test_services_by_a_service_graph(server: PrometheusPeer) -> None:
    given = config(server.url)
    async with http_of(given) as http:
        metrics = ServiceMetrics(Prometheus(given, http))

        async def measured() -> Any:
            found = await metrics.read({"db": "", "web": ""}, Windows.around(now(), now()))
            return found if "db" in found else None

        found = await wait_until_async(measured, 30, what="a service graph", every=0.3)
    assert found["db"].errors.now[-1] == pytest.approx(1.0)
    assert found["db"].latency.now[-1] == pytest.approx(1.0)


async def test_who_calls_whom(server: PrometheusPeer) -> None:
    given = config(server.url)
    async with http_of(given) as http:
        observer = ServiceGraph(Prometheus(given, http), now)

        async def edges() -> Any:
            return {(one.service, callee) for one in await observer.observe() for callee in one.depends_on}

        assert await wait_until_async(edges, 30, what="an edge", every=0.3) == {("web", "db")}


async def test_a_question_that_it_refuses_is_told_in_its_words(server: PrometheusPeer) -> None:
    given = config(server.url)
    async with http_of(given) as http:
        with pytest.raises(Unavailable, match=r"refuses the question \(400\).*parse error"):
            await Prometheus(given, http).query("sum(", now())


async def test_a_server_that_is_away() -> None:
    given = config(f"http://127.0.0.1:{free_port()}")
    async with http_of(given) as http:
        with pytest.raises(Unavailable, match="does not answer"):
            await Prometheus(given, http).query("up", now())
