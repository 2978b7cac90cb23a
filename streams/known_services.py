"""The topology as this process knows it: the compacted topic, and what observers said last.

It is put together outside the event loop and only when something changed: a large one must not hold up the
runs that are under way, and one run's time-out must not throw away what the next one needs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence

import structlog

from agents.topology import Topology, from_observations
from schemas.codec import Codec
from schemas.errors import Never
from schemas.topology import ServiceObserved, TopologyObserved

log = structlog.get_logger(__name__)
Values = Callable[[], Mapping[bytes, bytes]]
NONE: Mapping[bytes, bytes] = {}
UNNAMED = "default"
NAMES = ("service", "app", "deployment", "statefulset", "daemonset", "workload", "job", "container", "pod")
"""labels that may name a service, the plainest first"""
EMPTY = Topology()


def service_names(target: str, labels: Mapping[str, str]) -> Sequence[str]:
    """What the alert's service may be called: the target itself, then what labels say."""
    named = [labels.get(label, "") for label in NAMES]
    return [name for name in (target, *named) if name]


class KnownServices:
    """`graph(cluster)` gives the latest graph; `told` takes in what an observer says."""

    def __init__(
        self, codec: Codec, values: Values = lambda: NONE, fixed: Sequence[ServiceObserved] = ()
    ) -> None:
        self._codec, self._values = codec, values
        self._fixed = fixed
        self._by_observer: dict[str, Sequence[ServiceObserved]] = {}
        self._read: dict[bytes, tuple[bytes, ServiceObserved | None]] = {}
        """what each value of the topic says, beside the value: only what changed is decoded again"""
        self._graphs: Mapping[str, Topology] = {}
        self._changed = True
        self._building: asyncio.Task[None] | None = None

    def told(self, observer: str, observed: Sequence[ServiceObserved]) -> None:
        self._by_observer[observer] = observed
        self._changed = True

    async def graph(self, cluster: str) -> Topology:
        """A copy whose health may be judged; empty where nothing is known of the cluster."""
        known = await self.latest(cluster)
        return Topology(dict(known.services), known.needs, known.needed_by)

    async def latest(self, cluster: str) -> Topology:
        """The same to look at alone: one and the same until something changes.

        What names no cluster is of any, and an alert that names none is of the only one: never one named
        cluster in another's place.
        """
        await self._refresh()
        graphs = self._graphs
        known = graphs.get(cluster) or graphs.get(UNNAMED)
        if known is None and cluster == UNNAMED and len(graphs) == 1:
            known = next(iter(graphs.values()))
        return EMPTY if known is None else known

    async def _refresh(self) -> None:
        building = self._building
        if building is None or building.done():
            values = dict(self._values())
            if not self._changed and not self._differs(values):
                return
            building = self._building = asyncio.create_task(self._build(values), name="topology")
        await asyncio.shield(building)

    def _differs(self, values: Mapping[bytes, bytes]) -> bool:
        read = self._read
        if len(values) != len(read):
            return True
        return any(key not in read or read[key][0] is not value for key, value in values.items())

    async def _build(self, values: Mapping[bytes, bytes]) -> None:
        self._changed = False
        said = tuple(self._by_observer.values())
        self._read, self._graphs = await asyncio.to_thread(self._put_together, values, said)

    def _put_together(
        self, values: Mapping[bytes, bytes], said: Sequence[Sequence[ServiceObserved]]
    ) -> tuple[dict[bytes, tuple[bytes, ServiceObserved | None]], Mapping[str, Topology]]:
        read = dict(self._decode(values))
        of_topic = [told for _, told in read.values() if told is not None]
        if unread := len(read) - len(of_topic):
            log.warning("topology_unread", values=unread, of=len(read))
        observed = [*self._fixed, *of_topic, *(one for part in said for one in part)]
        return read, from_observations(_of_the_only_cluster(observed))

    def _decode(
        self, values: Mapping[bytes, bytes]
    ) -> Iterator[tuple[bytes, tuple[bytes, ServiceObserved | None]]]:
        for key, value in values.items():
            known = self._read.get(key)
            told = known[1] if known is not None and known[0] is value else self._one(value)
            yield key, (value, told)

    def _one(self, value: bytes) -> ServiceObserved | None:
        """None for what is no observation: one bad producer must not take the topology away."""
        try:
            event = self._codec.decode(value)
        except Never:
            return None
        return event.payload if isinstance(event, TopologyObserved) else None


def _of_the_only_cluster(observed: Sequence[ServiceObserved]) -> Sequence[ServiceObserved]:
    """Where a single cluster is named, what names none is of that one too: their edges add up."""
    named = {one.cluster for one in observed} - {UNNAMED}
    if len(named) != 1:
        return observed
    [cluster] = named
    return [
        one if one.cluster == cluster else one.model_copy(update={"cluster": cluster}) for one in observed
    ]
