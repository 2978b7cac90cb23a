"""The topology as it is drawn for people: around one service, or all of it up to a bound."""

from __future__ import annotations

from agents.topology import from_observations
from awoooi.reading_desk import MOST_NODES, around, whole
from connectors.gateway.shown_incidents import Graph
from schemas.evidence import Health, NodeKind
from schemas.topology import observed

SHOP = [
    observed("file", "web", depends_on=["checkout"]),
    observed("file", "checkout", depends_on=["cart", "db"]),
    observed("file", "db", kind=NodeKind.DATABASE, health=Health.UNHEALTHY),
    observed("file", "elsewhere", cluster="other"),
]


def edges(graph: Graph | None) -> list[tuple[str, str]]:
    assert graph is not None
    return [(edge.from_, edge.to) for edge in graph.edges]


def test_around_a_service_stand_who_needs_it_and_what_it_needs() -> None:
    graph = around(from_observations(SHOP), "checkout")

    assert graph is not None
    roles = {node.name: node.role for node in graph.nodes}
    assert roles == {"checkout": "target", "web": "affected", "cart": "other", "db": "other"}
    assert sorted(edges(graph)) == [("checkout", "cart"), ("checkout", "db"), ("web", "checkout")]
    assert next(node.health for node in graph.nodes if node.name == "db") == "unhealthy"


def test_a_service_that_nobody_tells_of_is_none() -> None:
    assert around(from_observations(SHOP), "nobody") is None


def test_all_of_it_is_bounded_and_its_edges_end_at_what_is_shown() -> None:
    many = [observed("file", f"s{number}", depends_on=[f"s{number + 1}"]) for number in range(500)]
    graph = whole(from_observations([*SHOP, *many]))

    assert len(graph.nodes) == MOST_NODES
    shown = {node.id for node in graph.nodes}
    assert all({*edge} <= shown for edge in edges(graph))
