"""The demo's cluster: a front end that answers 5xx, and a database behind it that ends again and again.

frontend → api → postgres-db, all in one namespace. Replacing the database's one pod heals it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from connectors.kubernetes import kinds
from connectors.kubernetes.fake import FakeCluster
from connectors.kubernetes.fake_pods import crash_looping, ready
from connectors.kubernetes.fake_select import Plain
from connectors.kubernetes.fake_server import FakeServer, serving
from connectors.kubernetes.kinds import Kind

NAMESPACE = "demo"
FRONTEND, API, DATABASE = "frontend", "api", "postgres-db"
NODE = "node-1"
_UP = timedelta(days=3)
_LAST_END = timedelta(seconds=40)
_RESTARTS = 6
Clock = Callable[[], datetime]


def story(namespace: str = NAMESPACE, clock: Clock = lambda: datetime.now(UTC)) -> FakeCluster:
    """As it stands when the alert fires: all was well for three days, until four minutes ago."""
    now = clock()
    cluster = FakeCluster(clock=lambda: now - _UP)
    cluster.add({"kind": "Namespace", "metadata": {"name": namespace}}, _node())
    cluster.add(
        workload(kinds.DEPLOYMENT, namespace, FRONTEND, "shop/frontend:2.4.1", replicas=3),
        workload(kinds.DEPLOYMENT, namespace, API, "shop/api:1.9.0", replicas=2),
        workload(kinds.STATEFULSET, namespace, DATABASE, "postgres:16.4", replicas=1),
        _claim(namespace),
        *(_service(namespace, name, port) for name, port in ((FRONTEND, 80), (API, 8080), (DATABASE, 5432))),
        _ingress(namespace),
        _allows(namespace, API, FRONTEND),
        _allows(namespace, DATABASE, API),
    ).settle()
    cluster.clock = clock
    _break_database(cluster, namespace, now)
    return cluster.settle()


@contextmanager
def serving_story(kubeconfig: Path, *, port: int = 0, namespace: str = NAMESPACE) -> Iterator[FakeServer]:
    """The story's cluster over HTTP; how to log in and read is written to `kubeconfig`."""
    with serving(story(namespace), port) as fake:
        fake.kubeconfig(kubeconfig, reader=True)
        yield fake


def _break_database(cluster: FakeCluster, namespace: str, now: datetime) -> None:
    """Its memory ran out; whoever depends on it says so in events."""
    pod = cluster.get(kinds.POD, namespace, f"{DATABASE}-0")
    ended = (now - _LAST_END).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    crash_looping(pod, restarts=_RESTARTS, reason="OOMKilled", exit_code=137, ended=ended)
    cluster.event(pod, "Warning", "OOMKilling", "Memory cgroup out of memory: killed process (postgres)", 6)
    cluster.event(pod, "Warning", "BackOff", f"Back-off restarting failed container {DATABASE}", 12)
    told = "Readiness probe failed: HTTP probe failed with statuscode: 503"
    for api in cluster.of(kinds.POD, namespace):
        if api["metadata"]["labels"].get("app") == API:
            ready(api, yes=False)
            cluster.event(api, "Warning", "Unhealthy", told, 20)


def workload(kind: Kind, namespace: str, name: str, image: str, *, replicas: int) -> Plain:
    """A deployment or a stateful set with one container; a database keeps its data in a claim."""
    labels = {"app": name}
    spec: Plain = {"containers": [{"name": name, "image": image}]}
    if kind is kinds.STATEFULSET:
        spec["volumes"] = [{"name": "data", "persistentVolumeClaim": {"claimName": f"data-{name}-0"}}]
    template = {"metadata": {"labels": labels}, "spec": spec}
    return {
        "kind": kind.kind,
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template},
    }


def _node() -> Plain:
    conditions = [
        {"type": "Ready", "status": "True"},
        *({"type": f"{what}Pressure", "status": "False"} for what in ("Memory", "Disk", "PID")),
    ]
    addresses = [{"type": "InternalIP", "address": "10.0.0.11"}, {"type": "Hostname", "address": NODE}]
    status = {"conditions": conditions, "addresses": addresses, "nodeInfo": {"kubeletVersion": "v1.34.0"}}
    return {"kind": "Node", "metadata": {"name": NODE}, "spec": {}, "status": status}


def _claim(namespace: str) -> Plain:
    size = {"storage": "20Gi"}
    return {
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": f"data-{DATABASE}-0", "namespace": namespace},
        "spec": {"storageClassName": "standard", "resources": {"requests": size}, "volumeName": "pv-1"},
        "status": {"phase": "Bound", "capacity": size},
    }


def _service(namespace: str, name: str, port: int) -> Plain:
    ports: Sequence[Plain] = [{"port": port, "protocol": "TCP"}]
    return {
        "kind": "Service",
        "metadata": {"name": name, "namespace": namespace, "labels": {"app": name}},
        "spec": {"type": "ClusterIP", "selector": {"app": name}, "ports": ports},
    }


def _ingress(namespace: str) -> Plain:
    backend = {"service": {"name": FRONTEND, "port": {"number": 80}}}
    path = {"path": "/", "pathType": "Prefix", "backend": backend}
    return {
        "kind": "Ingress",
        "metadata": {"name": "shop", "namespace": namespace},
        "spec": {"rules": [{"host": "shop.example", "http": {"paths": [path]}}]},
    }


def _allows(namespace: str, to: str, from_: str) -> Plain:
    """Who may call whom is who depends on whom."""
    peer = {"podSelector": {"matchLabels": {"app": from_}}}
    return {
        "kind": "NetworkPolicy",
        "metadata": {"name": f"{to}-from-{from_}", "namespace": namespace},
        "spec": {
            "podSelector": {"matchLabels": {"app": to}},
            "policyTypes": ["Ingress"],
            "ingress": [{"from": [peer]}],
        },
    }
