"""The graph: both directions, cycles, ranking, several observers, and sizes that must not hurt."""

from __future__ import annotations

import time
from collections.abc import Iterable

import pytest

from agents.topology import Service, Topology, from_observations, owners, unhealthy
from schemas.evidence import Health, NodeKind
from schemas.topology import ServiceObserved, observed


def graph(*edges: str, ill: Iterable[str] = (), kinds: dict[str, NodeKind] | None = None) -> Topology:
    """`a>b`: a depends on b."""
    built = Topology()
    for edge in edges:
        built.connect(*edge.split(">"))
    for name, kind in (kinds or {}).items():
        built.add(Service(name, kind))
    built.judge(dict.fromkeys(ill, Health.UNHEALTHY))
    return built


def told(found: Iterable[object]) -> list[tuple[str, int]]:
    return [(one.service.name, one.distance) for one in found]  # type: ignore[attr-defined]


def test_downstream_is_what_it_needs_and_upstream_who_needs_it() -> None:
    shop = graph("web>cart", "cart>db", "admin>cart")
    assert told(shop.downstream("cart")) == [("db", 1)]
    assert sorted(told(shop.upstream("cart"))) == [("admin", 1), ("web", 1)]


def test_a_search_ends_at_its_depth() -> None:
    chain = graph("a>b", "b>c", "c>d", "d>e")
    assert told(chain.downstream("a")) == [("b", 1), ("c", 2), ("d", 3)]
    assert told(chain.downstream("a", max_depth=1)) == [("b", 1)]


@pytest.mark.parametrize(
    "edges",
    [
        pytest.param(("a>b", "b>a"), id="two"),
        pytest.param(("a>b", "b>c", "c>a", "c>b"), id="three with a short cut"),
        pytest.param(("a>a", "a>b"), id="itself"),
    ],
)
def test_cycles_give_each_service_once(edges: tuple[str, ...]) -> None:
    found = [name for name, _ in told(graph(*edges).downstream("a", max_depth=10))]
    assert sorted(found) == sorted(set(found)), "each once"
    assert "a" not in found


def test_services_as_near_come_by_their_names_in_every_process() -> None:
    """Sets have another order in each process; where there are too many, the same ones must be kept."""
    names = [f"s{number:03}" for number in range(200)]
    star = graph(*(f"hub>{name}" for name in names), *(f"{name}>hub" for name in names), ill=names)
    assert [name for name, _ in told(star.downstream("hub"))] == names
    assert [name for name, _ in told(star.upstream("hub"))] == names
    assert [name for name, _ in told(unhealthy(star.downstream("hub")))] == names


def test_the_shortest_way_counts() -> None:
    assert ("d", 1) in told(graph("a>b", "b>c", "c>d", "a>d").downstream("a"))


def test_all_unhealthy_dependencies_are_named_by_kind_then_distance() -> None:
    kinds = {"far-db": NodeKind.DATABASE, "cache": NodeKind.CACHE, "queue": NodeKind.QUEUE}
    edges = ("a>near", "a>queue", "a>cache", "near>mid", "mid>far-db", "a>fine", "near>far")
    shop = graph(*edges, ill=("near", "far", "queue", "cache", "far-db"), kinds=kinds)
    named = [name for name, _ in told(unhealthy(shop.downstream("a")))]
    assert named == ["far-db", "cache", "queue", "near", "far"]


def test_an_unknown_service_has_nothing_around_it() -> None:
    assert Topology().downstream("nobody") == []
    assert Topology().upstream("nobody") == []


def test_observers_add_up() -> None:
    file = observed("file", "db", kind=NodeKind.DATABASE, depends_on=["disk"])
    kubernetes = observed("kubernetes", "db", namespace="shop", health=Health.DEGRADED, depends_on=["node-1"])
    prometheus = observed("prometheus", "db", health=Health.HEALTHY)
    merged = from_observations([file, kubernetes, prometheus])["default"]
    assert merged.services["db"] == Service("db", NodeKind.DATABASE, "default", "shop", Health.DEGRADED)
    assert merged.needs["db"] == {"disk", "node-1"}


def test_the_last_word_of_an_observer_stands_and_what_is_gone_is_gone() -> None:
    first = observed("kubernetes", "web", depends_on=["old"])
    later = observed("kubernetes", "web", depends_on=["new"])
    assert from_observations([first, later])["default"].needs == {"web": {"new"}}
    assert from_observations([first, later.model_copy(update={"gone": True})]) == {}


def test_clusters_stay_apart() -> None:
    graphs = from_observations([observed("file", "web", cluster=name) for name in ("eu", "us")])
    assert sorted(graphs) == ["eu", "us"]


@pytest.mark.parametrize(
    ("names", "namespace", "service"),
    [
        pytest.param(("cart",), "", "cart", id="its name"),
        pytest.param(("cart-7d9f8c6b5-x2x9k",), "shop", "cart", id="a deployment's pod"),
        pytest.param(("db-0",), "", "db", id="a stateful set's pod"),
        pytest.param(("api",), "blue", "api.blue", id="one of two namespaces"),
        pytest.param(("cart",), "other", "", id="another namespace"),
        pytest.param(("nobody", "cart"), "", "cart", id="the second name"),
        pytest.param(("", "nobody"), "", "", id="nobody"),
    ],
)
def test_an_alerts_target_is_found(names: tuple[str, ...], namespace: str, service: str) -> None:
    known = [
        observed("kubernetes", "cart", namespace="shop"),
        observed("kubernetes", "db"),
        observed("kubernetes", "api.blue", namespace="blue"),
        observed("kubernetes", "api.green", namespace="green"),
    ]
    assert from_observations(known)["default"].resolve(*names, namespace=namespace) == service


def test_a_name_without_a_suffix_has_no_owner() -> None:
    assert list(owners("web")) == []


def test_a_hundred_thousand_services_are_searched_in_time() -> None:
    size = 100_000
    big: list[ServiceObserved] = []
    for number in range(size):
        callees = [str((number * 7 + step) % size) for step in (1, 2, 3)]
        big.append(
            ServiceObserved(
                subject=str(number), service=str(number), depends_on=tuple(callees), observer="file"
            )
        )
    built = from_observations(big)["default"]
    began = time.process_time()
    assert len(built.downstream("0", max_depth=50)) == size - 1
    assert not unhealthy(built.downstream("5"))
    assert time.process_time() - began < 5
