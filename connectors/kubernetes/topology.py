"""Services and what they depend on, read off the objects of a cluster.

A workload and a service of one name and namespace are one node. What leads where:
ingress → its backends' services; service → the workloads whose pods it selects; workload → the nodes that its
pods run on; and what a network policy lets through between named pods.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from connectors.evidence import Unavailable
from connectors.kubernetes import kinds, pods
from connectors.kubernetes.client import Clusters
from connectors.kubernetes.config import ANY
from connectors.kubernetes.reading import (
    Obj,
    dig,
    name_of,
    namespace_of,
    number,
    number_or,
    owner_of,
    part,
    parts,
    strings,
    text,
    true,
)
from schemas.evidence import Health, NodeKind, Source
from schemas.topology import ServiceObserved, observed

OBSERVER = "kubernetes"
Key = tuple[str, str]
"""(namespace, name); no namespace for what stands in none"""

OF_IMAGE: Sequence[tuple[NodeKind, re.Pattern[str]]] = (
    (NodeKind.CACHE, re.compile(r"redis|memcached|valkey|dragonfly|hazelcast|varnish")),
    (NodeKind.QUEUE, re.compile(r"kafka|rabbitmq|nats|pulsar|activemq|redpanda|mosquitto|emqx")),
    (
        NodeKind.DATABASE,
        re.compile(
            r"postgres|mysql|mariadb|mongo|clickhouse|cassandra|scylla|cockroach|elasticsearch|opensearch"
            r"|influxdb|mssql|oracle|couchdb|neo4j|etcd|timescale"
        ),
    ),
)
_BESIDE = re.compile(r"exporter|operator|-ui|admin|backup|proxy|bouncer")
"""what has a database's name in its own and is none"""
_WORKLOADS = {kinds.DEPLOYMENT.kind, kinds.STATEFULSET.kind, kinds.DAEMONSET.kind}


@dataclass(slots=True)
class _Node:
    kind: NodeKind = NodeKind.SERVICE
    health: Health = Health.UNKNOWN
    needs: set[Key] = field(default_factory=set)


def topology(objects: Iterable[Obj], cluster: str = "default") -> list[ServiceObserved]:
    """Pure; an object that is not as it should be adds nothing."""
    by_kind: dict[str, list[Obj]] = defaultdict(list)
    for obj in objects:
        by_kind[text(obj, "kind")].append(obj)
    nodes: dict[Key, _Node] = defaultdict(_Node)
    running = _Pods(by_kind["Pod"], by_kind["ReplicaSet"])
    for kind in sorted(_WORKLOADS):
        for obj in by_kind[kind]:
            _add_workload(nodes[_key(obj)], kind, obj)
    for obj in by_kind["Node"]:
        _add_machine(nodes["", name_of(obj)], obj)
    for pod, owner in running.owners():
        if owner in nodes and (machine := text(pod, "spec", "nodeName")):
            nodes[owner].needs.add(("", machine))
    for obj in by_kind["Service"]:
        selected = running.selected(namespace_of(obj), strings(obj, "spec", "selector"))
        nodes[_key(obj)].needs |= selected - {_key(obj)}
    for obj in by_kind["Ingress"]:
        _add_ingress(nodes[_key(obj)], obj)
    for caller, callee in _let_through(by_kind["NetworkPolicy"], running):
        nodes[caller].needs.add(callee)
    return _named(nodes, cluster)


class _Pods:
    """Pods by the workload that owns them, and by their labels."""

    def __init__(self, found: Sequence[Obj], replica_sets: Sequence[Obj]) -> None:
        above = {_key(obj): owner_of(obj) for obj in replica_sets}
        self._owned: list[tuple[Obj, Key]] = []
        self._by_label: dict[tuple[str, str, str], list[int]] = defaultdict(list)
        self._by_namespace: dict[str, list[int]] = defaultdict(list)
        for pod in found:
            if pods.is_done(pod) or (owner := _workload(pod, above)) is None:
                continue
            number, namespace = len(self._owned), namespace_of(pod)
            self._owned.append((pod, owner))
            self._by_namespace[namespace].append(number)
            for label, value in strings(pod, "metadata", "labels").items():
                self._by_label[namespace, label, value].append(number)

    def owners(self) -> Iterator[tuple[Obj, Key]]:
        return iter(self._owned)

    def selected(self, namespace: str, labels: Mapping[str, str]) -> set[Key]:
        """The workloads whose pods bear all of the labels; none where none are asked for."""
        found = [set(self._by_label.get((namespace, *pair), ())) for pair in labels.items()]
        return {self._owned[number][1] for number in set.intersection(*found)} if found else set()

    def chosen(self, namespace: str, selector: Obj) -> set[Key]:
        """By a selector with labels; one that chooses everything tells of no dependency."""
        labels = strings(selector, "matchLabels")
        return (
            self.selected(namespace, labels) if labels and not parts(selector, "matchExpressions") else set()
        )

    def namespaces(self) -> Iterable[str]:
        return self._by_namespace


def _workload(pod: Obj, above: Mapping[Key, tuple[str, str] | None]) -> Key | None:
    owner = owner_of(pod)
    if owner is not None and owner[0] == "ReplicaSet":
        owner = above.get((namespace_of(pod), owner[1])) or owner
    if owner is None or owner[0] not in _WORKLOADS:
        return None
    return namespace_of(pod), owner[1]


def _add_workload(node: _Node, kind: str, obj: Obj) -> None:
    images = [text(one, "image") for one in parts(obj, "spec", "template", "spec", "containers")]
    node.kind = next((kind for kind in map(_kind_of, images) if kind != NodeKind.SERVICE), node.kind)
    if kind == kinds.DAEMONSET.kind:
        wanted, ready = number(obj, "status", "desiredNumberScheduled"), number(obj, "status", "numberReady")
    else:
        wanted, ready = number_or(obj, 1, "spec", "replicas"), number(obj, "status", "readyReplicas")
    if wanted:
        node.health = Health.HEALTHY if ready >= wanted else Health.DEGRADED if ready else Health.UNHEALTHY


def _kind_of(image: str) -> NodeKind:
    name = image.partition("@")[0].rpartition("/")[2].partition(":")[0].lower()
    if _BESIDE.search(name):
        return NodeKind.SERVICE
    return next((kind for kind, words in OF_IMAGE if words.search(name)), NodeKind.SERVICE)


def _add_machine(node: _Node, obj: Obj) -> None:
    states = {text(one, "type"): text(one, "status") for one in parts(obj, "status", "conditions")}
    pressed = any(states.get(name) == "True" for name in states if name != "Ready")
    node.kind = NodeKind.NODE
    if states.get("Ready", "True") != "True":
        node.health = Health.UNHEALTHY
    else:
        node.health = Health.DEGRADED if pressed or true(obj, "spec", "unschedulable") else Health.HEALTHY


def _add_ingress(node: _Node, obj: Obj) -> None:
    node.kind = NodeKind.INGRESS
    paths = [path for rule in parts(obj, "spec", "rules") for path in parts(rule, "http", "paths")]
    backends = [part(obj, "spec", "defaultBackend"), *(part(path, "backend") for path in paths)]
    named = {text(backend, "service", "name") for backend in backends} - {""}
    node.needs |= {(namespace_of(obj), name) for name in named} - {_key(obj)}


def _let_through(policies: Sequence[Obj], running: _Pods) -> Iterator[tuple[Key, Key]]:
    """(caller, callee) of every policy that names both sides by labels."""
    for policy in policies:
        own = running.chosen(namespace_of(policy), part(policy, "spec", "podSelector"))
        callees = _peers(policy, "egress", "to", running)
        callers = _peers(policy, "ingress", "from", running)
        pairs = [(one, other) for one in own for other in callees]
        pairs += [(other, one) for one in own for other in callers]
        yield from (pair for pair in pairs if pair[0] != pair[1])


def _peers(policy: Obj, direction: str, side: str, running: _Pods) -> set[Key]:
    return {
        key
        for rule in parts(policy, "spec", direction)
        for peer in parts(rule, side)
        for namespace in _namespaces(peer, namespace_of(policy), running)
        for key in running.chosen(namespace, part(peer, "podSelector"))
    }


def _namespaces(peer: Obj, own: str, running: _Pods) -> Iterable[str]:
    """Its own, one named by the label that every namespace has, or all."""
    if dig(peer, "namespaceSelector") is None:
        return (own,)
    named = strings(peer, "namespaceSelector", "matchLabels").get("kubernetes.io/metadata.name")
    return (named,) if named else running.namespaces()


def _key(obj: Obj) -> Key:
    return namespace_of(obj), name_of(obj)


def _named(nodes: Mapping[Key, _Node], cluster: str) -> list[ServiceObserved]:
    """By name; by `name.namespace` where two have it."""
    known = {*nodes, *(key for node in nodes.values() for key in node.needs)}
    shared = {name for name, count in Counter(name for _, name in known).items() if count > 1}

    def called(key: Key) -> str:
        namespace, name = key
        return f"{name}.{namespace}" if name in shared and namespace else name

    return [
        observed(
            OBSERVER,
            called(key),
            cluster=cluster,
            namespace=key[0],
            kind=node.kind,
            health=node.health,
            depends_on=map(called, node.needs),
        )
        for key, node in sorted(nodes.items())
    ]


@dataclass(slots=True)
class KubernetesTopology:
    """All configured clusters, as an observer."""

    clusters: Clusters
    timeout_secs: float = 20.0
    source: Source = Source.KUBERNETES
    tool: str = "kubernetes.topology"
    server: str = "kubernetes"

    async def observe(self) -> Sequence[ServiceObserved]:
        """What can be listed counts; Unavailable where nothing can."""
        found: list[ServiceObserved] = []
        gaps: list[str] = []
        for name, cluster in self.clusters.all().items():
            objects = await cluster.objects()
            found += topology(objects.items, "default" if name == ANY else name)
            gaps += objects.gaps
        if not found and gaps:
            raise Unavailable("; ".join(gaps))
        return found
