"""What the gateway is lent to read with: ClickHouse as the reader, and the topology drawn from it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from agents.topology import MAX_DEPTH, Found, Topology, from_observations
from awoooi.record_reader import RecordReader
from awoooi.settings import Settings
from connectors.gateway.reading import Projects, TopologyFilter
from connectors.gateway.shown_incidents import Edge, Graph, Node, NodeRole
from schemas.approval import ApprovalRequested
from schemas.codec import stored_payload
from schemas.errors import Never
from sinks.clickhouse.reading import Facts, Reading

RECORD_SECS = 10.0
MOST_NODES = 200


class ReadingDesk(Reading):
    """The gateway's Record."""

    def __init__(self, settings: Settings, opened: AsyncExitStack) -> None:
        self.told = RecordReader(settings.clickhouse.reader, opened, RECORD_SECS).ask
        super().__init__(self.told, facts_of(settings))

    async def topology(self, wanted: TopologyFilter, projects: Projects) -> Graph | None:
        graphs = from_observations(await self.services(projects))
        return around(graphs, wanted.service) if wanted.service else whole(graphs)


def facts_of(settings: Settings) -> Facts:
    from streams.stages.execute import MOST_ATTEMPTS

    runs, environment = settings.runs, settings.approvals.environment
    return Facts(environment, MOST_ATTEMPTS, runs.usd_by_project, runs.usd_per_day, to_sign)


def to_sign(stored: str) -> Mapping[str, Any] | None:
    """Nothing of a request that this version cannot read: then nobody can sign it from its card."""
    from streams.policy.action_hash import act_of, signed_text

    try:
        return signed_text(act_of(stored_payload(ApprovalRequested, stored)))
    except Never:
        return None


# -- the topology, drawn


def around(graphs: Mapping[str, Topology], service: str) -> Graph | None:
    """What it depends on and who depends on it; None: nobody tells of such a service."""
    for graph in graphs.values():
        name = graph.resolve(service)
        if name:
            near = {name: NodeRole.TARGET}
            near |= _named(graph.upstream(name, MAX_DEPTH), NodeRole.AFFECTED)
            near = {**_named(graph.downstream(name, MAX_DEPTH), NodeRole.OTHER), **near}
            return drawn(graph, near)
    return None


def whole(graphs: Mapping[str, Topology]) -> Graph:
    """Everything that is known, up to a bound: the page of a service has the rest."""
    parts = [drawn(graph, dict.fromkeys(graph.services, NodeRole.OTHER)) for graph in graphs.values()]
    nodes = tuple(node for part in parts for node in part.nodes)[:MOST_NODES]
    kept = {node.id for node in nodes}
    edges = (edge for part in parts for edge in part.edges if {edge.from_, edge.to} <= kept)
    return Graph(nodes=nodes, edges=tuple(edges))


def drawn(graph: Topology, roles: Mapping[str, NodeRole]) -> Graph:
    kept = dict(list(roles.items())[:MOST_NODES])
    return Graph(
        nodes=tuple(_node(graph, name, role) for name, role in kept.items()),
        edges=tuple(_edges(graph, kept)),
    )


def _node(graph: Topology, name: str, role: NodeRole) -> Node:
    known = graph.services[name]
    return Node(id=name, name=name, kind=known.kind, health=known.health, blame=0.0, role=role)


def _edges(graph: Topology, kept: Collection[str]) -> Sequence[Edge]:
    return [
        Edge(**{"from": name, "to": callee, "kind": "depends_on"})
        for name in kept
        for callee in sorted(graph.callees(name))
        if callee in kept
    ]


def _named(found: Sequence[Found], role: NodeRole) -> dict[str, NodeRole]:
    return {one.service.name: role for one in found}


@asynccontextmanager
async def reading_desk(settings: Settings) -> AsyncIterator[ReadingDesk]:
    async with AsyncExitStack() as opened:
        yield ReadingDesk(settings, opened)
