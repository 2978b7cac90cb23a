"""What an alert is about in a cluster: its target, or what its labels and names lead to."""

from __future__ import annotations

import asyncio
import ipaddress
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from connectors.evidence import Wanted
from connectors.kubernetes import kinds
from connectors.kubernetes.client import Cluster
from connectors.kubernetes.kinds import BY_WORD, WORKLOADS, Kind, is_name
from connectors.kubernetes.reading import Obj, name_of, namespace_of, parts, text

MOST_SUBJECTS = 3
MOST_NODES = 1000
MOST_NAMES = 4
MACHINES = ("node", "host")
# `job` is not among them: it is the scrape's, not one of Kubernetes.
NAMING_LABELS: Sequence[tuple[Kind, Sequence[str]]] = (
    (kinds.POD, ("pod", "pod_name", "kubernetes_pod_name")),
    (kinds.DEPLOYMENT, ("deployment", "kube_deployment")),
    (kinds.STATEFULSET, ("statefulset", "kube_stateful_set")),
    (kinds.DAEMONSET, ("daemonset", "kube_daemon_set")),
    (kinds.JOB, ("job_name", "kube_job")),
    (kinds.PVC, ("persistentvolumeclaim", "pvc")),
    (kinds.NODE, ("node", "kubernetes_node", "node_name", "kube_node")),
)
SERVICE_LABELS = ("service", "kubernetes_service", "service_name", "service.name")
APP_LABELS = ("app", "app_kubernetes_io_name", "app.kubernetes.io/name", "k8s_app", "container")
HOST_LABELS = ("instance", "host", "hostname")
NAMESPACE_LABELS = ("namespace", "kubernetes_namespace", "kube_namespace")
# What a name alone may be, in the order that is most useful.
_ANY = (kinds.DEPLOYMENT, kinds.STATEFULSET, kinds.DAEMONSET, kinds.SERVICE, kinds.JOB, kinds.POD)
_SELECTORS = ("app", "app.kubernetes.io/name", "k8s-app")
_SUFFIXES = (re.compile(r"-[a-f0-9]{5,10}-[a-z0-9]{5}$"), re.compile(r"-(\d+|[a-z0-9]{5})$"))


@dataclass(frozen=True, slots=True)
class Subject:
    """One object that the alert is about."""

    kind: Kind
    obj: Obj

    @property
    def key(self) -> tuple[str, str, str]:
        return self.kind.word, namespace_of(self.obj), name_of(self.obj)


@dataclass(frozen=True, slots=True)
class Name:
    """What may be there under this name."""

    kind: Kind
    name: str


@dataclass(frozen=True, slots=True)
class Found:
    """`missing`: what the alert names and the cluster has not; `doubtful`: what several namespaces have."""

    subjects: Sequence[Subject]
    missing: Sequence[Name] = ()
    doubtful: Sequence[str] = ()


async def find(cluster: Cluster, wanted: Wanted) -> Found:
    """By what is named outright; else by a pod's owner, an app's name, a host's address."""
    search = Search(cluster, namespace(wanted))
    if wanted.kind in MACHINES and (machine := await search.by_host(without_port(wanted.name))):
        return Found(machine)  # pod and service in its labels are the exporter's
    named = list(dict.fromkeys(outright(wanted)))
    subjects = await search.each(named)
    there = {(subject.kind, name_of(subject.obj)) for subject in subjects}
    missing = [name for name in named if (name.kind, name.name) not in there]
    if all(subject.kind is kinds.NODE for subject in subjects):
        guessed = await _by_guess(search, wanted, missing)
        subjects = [*guessed, *subjects]
        if guessed:  # a monitoring system's service is often no Service
            missing = [name for name in missing if name.kind is not kinds.SERVICE]
    gone = missing if not search.doubtful else ()
    return Found(subjects[:MOST_SUBJECTS], gone, tuple(dict.fromkeys(search.doubtful)))


async def _by_guess(search: Search, wanted: Wanted, missing: Sequence[Name]) -> list[Subject]:
    """The first way that leads anywhere."""
    gone = [name.name for name in missing if name.kind is kinds.POD]
    names = [*(owner for pod in gone for owner in owners_by_name(pod)), *loose(wanted)]
    names = list(dict.fromkeys(names))[:MOST_NAMES]
    for name in names:
        if found := await search.each([Name(kind, name) for kind in _ANY]):
            return found
    for name in names:
        if found := await search.by_app(name):
            return found
    for host in list(dict.fromkeys(hosts(wanted)))[:MOST_NAMES]:
        if found := await search.by_host(host):
            return found
    return []


def told(wanted: Wanted, label: str) -> str:
    """What a label says of the thing itself: where two clash, Prometheus calls the thing's `exported_`."""
    return wanted.labels.get(f"exported_{label}") or wanted.labels.get(label, "")


def is_exporter(wanted: Wanted) -> bool:
    """Whether the target was taken from a label that tells of the exporter."""
    plain = [label.removeprefix("exported_") for label in wanted.labels if label.startswith("exported_")]
    return wanted.name in [wanted.labels.get(label) for label in plain]


def namespace(wanted: Wanted) -> str:
    named = (told(wanted, label) for label in NAMESPACE_LABELS)
    return wanted.labels.get("exported_namespace") or wanted.namespace or next(filter(None, named), "")


def outright(wanted: Wanted) -> Iterator[Name]:
    """What target and labels name with its kind, the target first."""
    if wanted.name and wanted.kind in BY_WORD and not is_exporter(wanted):
        yield Name(BY_WORD[wanted.kind], wanted.name)
    for kind, labels in NAMING_LABELS:
        ways = (*labels, f"k8s.{kind.word}.name", f"k8s_{kind.word}_name")
        if name := next(filter(None, (told(wanted, label) for label in ways)), ""):
            yield Name(kind, name)


def loose(wanted: Wanted) -> Iterator[str]:
    """Names that may be those of a workload or a service."""
    if wanted.name and wanted.kind not in MACHINES and not is_exporter(wanted):
        yield wanted.name
    yield from filter(None, (told(wanted, label) for label in (*SERVICE_LABELS, *APP_LABELS)))


def hosts(wanted: Wanted) -> Iterator[str]:
    if wanted.name and not wanted.kind:
        yield without_port(wanted.name)
    yield from map(without_port, filter(None, (told(wanted, label) for label in HOST_LABELS)))


def owners_by_name(pod: str) -> list[str]:
    """What a pod that is gone was probably made by: its name without what its controller put behind it."""
    return list(dict.fromkeys(short for rule in _SUFFIXES if (short := rule.sub("", pod)) != pod and short))


def without_port(address: str) -> str:
    if address.startswith("["):
        return address[1:].partition("]")[0]
    host, _, port = address.rpartition(":")
    return host if port.isdigit() and ":" not in host and host else address


class Search:
    """Look-ups in one cluster, in one namespace or, where none is known, in all of them."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self._cluster, self._namespace = cluster, namespace
        self.doubtful: list[str] = []

    async def each(self, names: Iterable[Name]) -> list[Subject]:
        """Those that are there, in the order asked for."""
        found = await asyncio.gather(*(self._one(name) for name in names))
        return [subject for subject in found if subject is not None]

    async def _one(self, name: Name) -> Subject | None:
        if not is_name(name.name):
            return None
        if self._namespace or not name.kind.namespaced:
            obj = await self._cluster.get(name.kind, self._namespace, name.name)
            return None if obj is None else Subject(name.kind, obj)
        listing = await self._cluster.list(name.kind, fields=f"metadata.name={name.name}", most=3)
        if len(listing.items) > 1:  # in which namespace? Guessing would put blame on a stranger
            spaces = ", ".join(namespace_of(item) for item in listing.items)
            self.doubtful.append(f"there is a {name.kind.word} {name.name} in several namespaces ({spaces})")
            return None
        return Subject(name.kind, listing.items[0]) if listing.items else None

    async def by_app(self, app: str) -> list[Subject]:
        """What runs under an app's label; all of it in one namespace."""
        if not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?", app):
            return []  # no label value: the API server would refuse the question
        for label in _SELECTORS:
            found = await asyncio.gather(*(self._labelled(kind, f"{label}={app}") for kind in WORKLOADS))
            subjects = [subject for listed in found for subject in listed]
            if subjects:
                spaces = {namespace_of(subject.obj) for subject in subjects}
                return subjects if len(spaces) == 1 else []
        return []

    async def _labelled(self, kind: Kind, labels: str) -> list[Subject]:
        listing = await self._cluster.list(kind, self._namespace, labels=labels, most=MOST_SUBJECTS)
        return [Subject(kind, item) for item in listing.items]

    async def by_host(self, host: str) -> list[Subject]:
        """A node by name or address, or the pod that has this address."""
        if not host:
            return []
        node = await self._cluster.get(kinds.NODE, "", host)
        if node is not None:
            return [Subject(kinds.NODE, node)]
        if is_address(host):
            pods = await self._cluster.list(kinds.POD, fields=f"status.podIP={host}", most=2)
            if len(pods.items) == 1:  # pods on the host's own network share its address
                return [Subject(kinds.POD, pods.items[0])]
        nodes = await self._cluster.list(kinds.NODE, most=MOST_NODES)
        return [Subject(kinds.NODE, item) for item in nodes.items if host in _addresses(item)][:1]


def is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _addresses(node: Obj) -> set[str]:
    return {text(one, "address") for one in parts(node, "status", "addresses")} - {""}
