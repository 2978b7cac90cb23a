"""Who calls whom, from service-graph metrics."""

from __future__ import annotations

import pytest

from connectors.evidence import Unavailable
from connectors.http import Reply
from connectors.prometheus.fake import FakePrometheus
from connectors.prometheus.service_graph import FAILED, TOTAL, ServiceGraph, service_graph
from schemas.evidence import Health, NodeKind
from schemas.topology import ServiceObserved
from tests.connectors.prometheus.support import NOW, client


def edge(caller: str, callee: str, connection: str = "", **more: str) -> dict[str, str]:
    return {"client": caller, "server": callee, "connection_type": connection, **more}


def by_name(found: list[ServiceObserved]) -> dict[str, ServiceObserved]:
    return {told.service: told for told in found}


def test_edges_become_what_is_depended_on() -> None:
    told = [
        (edge("web", "cart"), 9.0),
        (edge("web", "db", "database"), 1.0),
        (edge("cart", "mq", "messaging_system"), 2.0),
    ]
    found = by_name(service_graph(told))
    assert found["web"].depends_on == ("cart", "db")
    assert (found["db"].kind, found["mq"].kind) == (NodeKind.DATABASE, NodeKind.QUEUE)
    assert found["web"].subject == "prometheus/default/web"


@pytest.mark.parametrize(
    ("labels", "count"),
    [
        pytest.param(edge("web", "cart"), 0.0, id="no calls"),
        pytest.param(edge("web", ""), 9.0, id="nobody called"),
        pytest.param({"job": "tempo"}, 9.0, id="other labels"),
    ],
)
def test_what_is_no_edge_is_passed_over(labels: dict[str, str], count: float) -> None:
    assert service_graph([(labels, count)]) == []


def test_who_was_not_traced_is_no_service_and_nobody_needs_itself() -> None:
    found = by_name(service_graph([(edge("user", "web"), 9.0), (edge("web", "web"), 9.0)]))
    assert list(found) == ["web"]
    assert found["web"].depends_on == ()


@pytest.mark.parametrize(
    ("requests", "failed", "health"),
    [
        pytest.param(1000, 0, Health.HEALTHY, id="none fail"),
        pytest.param(1000, 100, Health.DEGRADED, id="some fail"),
        pytest.param(1000, 600, Health.UNHEALTHY, id="most fail"),
        pytest.param(5, 5, Health.UNKNOWN, id="too few to judge"),
    ],
)
def test_failed_requests_tell_the_health(requests: float, failed: float, health: Health) -> None:
    found = service_graph([(edge("a", "b"), 9.0)], [({"server": "b"}, requests)], [({"server": "b"}, failed)])
    assert by_name(found)["b"].health == health


def test_a_label_tells_clusters_apart() -> None:
    told = [(edge("web", "cart", where="eu"), 9.0), (edge("web", "cart", where="us"), 9.0)]
    assert {one.cluster for one in service_graph(told, cluster_label="where")} == {"eu", "us"}


async def test_it_is_asked_of_prometheus() -> None:
    fake = FakePrometheus()
    fake.add(TOTAL, [(NOW, 100.0)], client="web", server="cart", connection_type="")
    fake.add(FAILED, [(NOW, 90.0)], client="web", server="cart", connection_type="")
    found = by_name(list(await ServiceGraph(client(fake), lambda: NOW).observe()))
    assert found["web"].depends_on == ("cart",)
    assert found["cart"].health == Health.UNHEALTHY


async def test_a_prometheus_that_is_away_is_said_so() -> None:
    fake = FakePrometheus(broken=Reply(503, {}, b"no"))
    with pytest.raises(Unavailable, match="503"):
        await ServiceGraph(client(fake), lambda: NOW).observe()
