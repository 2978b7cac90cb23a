"""The slice of the topology around a service: who depends on it, what it needs, and who is to blame."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from agents.topology import MAX_DEPTH, Found, Topology, unhealthy
from connectors.series import Series, Signal
from schemas.evidence import Neighbour, Surroundings, Suspect

if TYPE_CHECKING:
    from agents.detectors import Floats, Measure, Role
    from agents.suspects import Observed, Suspects

MOST_NEIGHBOURS = 50
MOST_SUSPECTS = 10
FURTHEST = 16
"""hops within which blame looks for a way"""
SPEAKS = 0.5
"""the strength from which a signal is worth a word"""
WORDS = {
    "latency": "its latency rose, and what it calls does not explain it",
    "errors": "its errors rose, and what it calls does not explain them",
    "cpu": "it uses far more CPU than usual",
    "memory": "it uses far more memory than usual",
}


def surroundings(
    graph: Topology,
    service: str,
    series: Mapping[str, Series] | None = None,
    max_depth: int = MAX_DEPTH,
) -> Surroundings:
    """What metrics blame comes first; unhealthy dependencies follow, and stand alone without metrics."""
    if service not in graph:
        return Surroundings()
    upstream, downstream = graph.upstream(service, max_depth), graph.downstream(service, max_depth)
    blamed = _blamed(graph, service, series, max_depth) if series else []
    named = {suspect.service for suspect in blamed}
    ill = [found for found in unhealthy(downstream) if found.service.name not in named]
    suspects = [*blamed, *map(_ill, ill[:MOST_SUSPECTS])]
    near = (*upstream[:MOST_NEIGHBOURS], *downstream[:MOST_NEIGHBOURS])
    more = max(len(upstream), len(downstream)) > MOST_NEIGHBOURS or len(blamed) + len(ill) > MOST_SUSPECTS
    return Surroundings(
        service=service,
        upstream=tuple(map(_neighbour, upstream[:MOST_NEIGHBOURS])),
        downstream=tuple(map(_neighbour, downstream[:MOST_NEIGHBOURS])),
        suspects=tuple(suspects[:MOST_SUSPECTS]),
        needs=_needs(graph, {service, *(found.service.name for found in near)}),
        truncated=more,
    )


def _needs(graph: Topology, names: set[str]) -> dict[str, tuple[str, ...]]:
    """Among these alone, so that they can be drawn."""
    found = {name: tuple(sorted(names.intersection(graph.callees(name)))) for name in sorted(names)}
    return {name: callees for name, callees in found.items() if callees}


def _neighbour(found: Found) -> Neighbour:
    known = found.service
    return Neighbour(service=known.name, kind=known.kind, health=known.health, distance=found.distance)


def _ill(found: Found) -> Suspect:
    return _suspect(
        found, 0.0, f"{found.service.kind.value} {found.service.health.value}, needed by the target"
    )


def _suspect(found: Found, share: float, why: str) -> Suspect:
    known = found.service
    return Suspect(
        service=known.name,
        kind=known.kind,
        health=known.health,
        distance=found.distance,
        share=share,
        why=why,
    )


# -- by metrics: numpy is loaded only where there are any


def _blamed(graph: Topology, service: str, series: Mapping[str, Series], max_depth: int) -> list[Suspect]:
    from agents.suspects import suspects  # noqa: PLC0415  numpy costs memory that who has no metrics saves

    columns = [service, *sorted(name for name in series if name in graph and name != service)]
    told = suspects(_observed(graph, columns, series))
    ranked = told.ranked()[:MOST_SUSPECTS]
    total = sum(float(told.scores[number]) for number in ranked)
    way = {found.service.name: found.distance for found in graph.downstream(service, FURTHEST)}
    return [
        _suspect(
            Found(
                graph.services[columns[number]], 0 if number == 0 else way.get(columns[number], max_depth + 1)
            ),
            round(float(told.scores[number]) / total, 4),
            _why(told, number, linked=number == 0 or columns[number] in way),
        )
        for number in ranked
    ]


def _why(told: Suspects, number: int, *, linked: bool) -> str:
    strengths = {name: float(values[number]) for name, values in told.signals.items() if name in WORDS}
    loudest = sorted(strengths, key=lambda name: -strengths[name])
    spoken = [WORDS[name] for name in loudest if strengths[name] >= SPEAKS] or [WORDS[loudest[0]]]
    return "; ".join(spoken if linked else [*spoken, "no known call leads there"])


def _observed(graph: Topology, columns: list[str], series: Mapping[str, Series]) -> Observed:
    from agents.detectors import Role  # noqa: PLC0415  as above
    from agents.suspects import Observed  # noqa: PLC0415

    roles = {"rate": Role.RATE, "latency": Role.LATENCY, "errors": Role.ERRORS}
    roles |= {"cpu": Role.CPU, "memory": Role.MEMORY}
    measures = [
        measure
        for name, role in roles.items()
        if (measure := _measure(columns, series, name, role)) is not None
    ]
    above = {found.service.name for found in graph.upstream(columns[0], FURTHEST)}
    return Observed(
        services=len(columns),
        symptom=0,
        role=_symptom(measures),
        callees=_numbered(graph, columns),
        above={number for number, name in enumerate(columns) if name in above},
        measures=measures,
    )


def _numbered(graph: Topology, columns: Iterable[str]) -> Callable[[int], Collection[int]]:
    """Those without metrics have numbers too, after the columns: blame looks through them."""
    names = list(columns)
    numbers = {name: number for number, name in enumerate(names)}

    def callees(number: int) -> Collection[int]:
        for name in graph.callees(names[number]):
            if name not in numbers:
                numbers[name] = len(names)
                names.append(name)
        return [numbers[name] for name in graph.callees(names[number])]

    return callees


def _symptom(measures: Sequence[Measure]) -> Role:
    """What the target suffers from: of latency and errors, what is more unusual."""
    from agents.detectors import Measure, Quiet, Role, unusual  # noqa: PLC0415  as above

    def own(measure: Measure) -> float:
        alone = Measure(measure.role, measure.now[:, :1], Quiet(measure.quiet.samples[:, :1]))
        return float(unusual(alone).strength[0])

    felt = [measure for measure in measures if measure.role in (Role.LATENCY, Role.ERRORS)]
    return max(felt, key=own).role if felt else Role.OTHER


def _measure(columns: Sequence[str], series: Mapping[str, Series], name: str, role: Role) -> Measure | None:
    from agents.detectors import Measure, Quiet  # noqa: PLC0415  as above

    signals = [getattr(series.get(column), name, Signal()) for column in columns]
    before = _table([signal.before for signal in signals])
    if not len(before):
        return None
    longest = max(1, len(before) // 2)  # a window is held against windows of its own length
    now = _table([signal.now[-longest:] for signal in signals])
    return Measure(role, now, Quiet(before)) if len(now) else None


def _table(columns: Sequence[Sequence[float]]) -> Floats:
    """Columns that end together, NaN where one is shorter."""
    import numpy as np  # noqa: PLC0415  as above

    lengths = {len(samples) for samples in columns}
    if len(lengths) == 1:
        table = np.array(columns, dtype=np.float64).T
    else:
        table = np.full((max(lengths, default=0), len(columns)), np.nan)
        for number, samples in enumerate(columns):
            if len(samples):
                table[-len(samples) :, number] = samples
    table[~np.isfinite(table)] = np.nan
    return table
