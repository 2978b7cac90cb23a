"""`awoooi topology show`: a service with who needs it and what it needs, as a tree with health and blame."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from agents.surroundings import surroundings
from agents.topology import Service, Topology, from_events, from_observations
from agents.visible import visible
from awoooi.printing import print_json, warn
from awoooi.settings import Settings
from connectors.evidence import Unavailable
from connectors.series import Series
from connectors.topology_file import read_topology
from schemas.codec import Codec
from schemas.errors import BrokerAway, Misconfigured, Never
from schemas.evidence import NodeKind, Surroundings, Suspect
from schemas.topology import TopologyObserved
from streams.reference import Reference

TOPIC = "topology"
READ_SECS = 15.0
MOST_BRANCHES = 200
MOST_LIKE = 5


def show(service: str, file: str, depth: int, *, as_json: bool) -> None:
    """With metrics where a Prometheus is set and answers; else by health alone."""
    graph, name = _find(service, _graphs(file))
    around = surroundings(graph, name, _metrics(graph, name, file, depth), max_depth=depth)
    if as_json:
        print_json(around.model_dump(mode="json"))
        return
    print(visible("\n".join(drawn(graph, around, depth))))


def drawn(graph: Topology, around: Surroundings, depth: int) -> Iterator[str]:
    suspects = {suspect.service: number for number, suspect in enumerate(around.suspects, 1)}
    top = graph.services[around.service]
    yield _said(top, suspects)
    sides = (("needed by", graph.needed_by, around.upstream), ("depends on", graph.needs, around.downstream))
    for last, (title, edges, found) in enumerate(sides):
        yield f"{'└' if last else '├'}── {title}{'' if found else ': nothing that is known'}"
        yield from _branches(graph, edges, top.name, depth, "    " if last else "│   ", suspects)
    yield ""
    yield from _blame(around.suspects)


def _blame(suspects: Sequence[Suspect]) -> Iterator[str]:
    if not suspects:
        yield "Nothing around it stands out."
    for number, suspect in enumerate(suspects, 1):
        share = f" ({suspect.share:.0%})" if suspect.share else ""
        yield f"suspect {number}: {suspect.service}{share}: {suspect.why}"


def _branches(
    graph: Topology,
    edges: Mapping[str, Collection[str]],
    top: str,
    depth: int,
    indent: str,
    suspects: Mapping[str, int],
) -> Iterator[str]:
    """Each service once, where it is nearest; only so many lines."""
    below = _tree(edges, top, depth)
    open_: list[tuple[str, str, bool]] = _children(below, top, indent)
    shown = 0
    while open_ and shown < MOST_BRANCHES:
        name, before, last = open_.pop()
        shown += 1
        yield f"{before}{'└' if last else '├'}── {_said(graph.services[name], suspects)}"
        open_ += _children(below, name, before + ("    " if last else "│   "))
    if open_:
        yield f"{indent}… and more"


def _children(below: Mapping[str, list[str]], name: str, indent: str) -> list[tuple[str, str, bool]]:
    names = sorted(below.get(name, ()), reverse=True)
    return [(child, indent, number == 0) for number, child in enumerate(names)]


def _tree(edges: Mapping[str, Collection[str]], top: str, depth: int) -> dict[str, list[str]]:
    below: dict[str, list[str]] = {}
    seen, ring = {top}, [top]
    for _ in range(depth):
        near = [(name, child) for name in ring for child in sorted(edges.get(name, ()))]
        ring = []
        for name, child in near:
            if child not in seen:
                seen.add(child)
                below.setdefault(name, []).append(child)
                ring.append(child)
    return below


def _said(service: Service, suspects: Mapping[str, int]) -> str:
    told = [service.kind.value] if service.kind != NodeKind.SERVICE else []
    told += [service.health.value, *([f"namespace {service.namespace}"] if service.namespace else [])]
    mark = f"  ◀ suspect {suspects[service.name]}" if service.name in suspects else ""
    return f"{service.name}  ({', '.join(told)}){mark}"


# -- where it comes from


def _graphs(file: str) -> Mapping[str, Topology]:
    if file:
        return from_observations(read_topology(Path(file)))
    from awoooi.loading import load

    return from_events(asyncio.run(_events(load().settings)))


async def _events(settings: Settings) -> list[TopologyObserved]:
    """All that the log holds; a value that cannot be read is passed over."""
    reference = Reference(settings.kafka, topics=(TOPIC,))
    await reference.start()
    try:
        await asyncio.wait_for(reference.ready.wait(), READ_SECS)
    except TimeoutError as error:
        raise BrokerAway(f"the topic {TOPIC} was not read within {READ_SECS:.0f} s; give a --file") from error
    finally:
        await reference.stop()
    return list(_decoded(reference.values(TOPIC).values()))


def _decoded(values: Collection[bytes]) -> Iterator[TopologyObserved]:
    codec, unread = Codec(), 0
    for value in values:
        try:
            event = codec.decode(value)
        except Never:
            unread += 1
            continue
        if isinstance(event, TopologyObserved):
            yield event
    if unread:
        warn(f"{unread} of {len(values)} values of the topic {TOPIC} cannot be read and were passed over.")


def _find(service: str, graphs: Mapping[str, Topology]) -> tuple[Topology, str]:
    """In whichever cluster; where several know it, `cluster/service` says which."""
    cluster, slash, name = service.partition("/")
    if slash and cluster in graphs and (found := graphs[cluster].resolve(name)):
        return graphs[cluster], found
    matches = [(where, graph, found) for where, graph in graphs.items() if (found := graph.resolve(service))]
    if len(matches) == 1:
        return matches[0][1], matches[0][2]
    if matches:
        ways = ", ".join(f"{where}/{found}" for where, _, found in matches)
        raise Misconfigured(f"{service}: several clusters know it; say which: {ways}")
    raise Misconfigured(f"{service}: no such service{_like(service, graphs)}")


def _like(service: str, graphs: Mapping[str, Topology]) -> str:
    if not any(map(len, graphs.values())):
        return "; the topology is empty: write to the topic `topology`, or give a --file"
    words = service.casefold()
    near = sorted({name for graph in graphs.values() for name in graph.services if words in name.casefold()})
    return f"; there are {', '.join(near[:MOST_LIKE])}" if near else ""


# -- blame by metrics


def _metrics(graph: Topology, service: str, file: str, depth: int) -> Mapping[str, Series] | None:
    """None where no Prometheus is set; a file alone is drawn as it stands."""
    if file:
        return None
    from awoooi.loading import load

    settings = load().settings
    if settings.prometheus.url is None:
        return None
    near = [graph.services[service], *(found.service for found in graph.downstream(service, depth))]
    try:
        return asyncio.run(_read(settings, {one.name: one.namespace for one in near}))
    except Unavailable as error:
        warn(f"No metrics: {error}")
        return None


async def _read(settings: Settings, services: Mapping[str, str]) -> Mapping[str, Series]:
    from awoooi.evidence import prometheus_of
    from connectors.prometheus.service_series import ServiceMetrics, Windows

    now = time.time_ns() // 1_000_000
    async with AsyncExitStack() as opened:
        metrics = ServiceMetrics(prometheus_of(settings, opened), settings.prometheus.timeout_secs)
        return await metrics.read(services, Windows.around(now, now))
