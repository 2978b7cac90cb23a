"""Two worlds for one suite: the fake cluster over HTTP, and the real control plane."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from connectors.evidence import GAP, Finding, Wanted
from connectors.kubernetes import kinds
from connectors.kubernetes.client import Clusters
from connectors.kubernetes.config import KubernetesConfig
from connectors.kubernetes.evidence import KubernetesEvidence
from connectors.kubernetes.fake_server import FakeServer
from connectors.kubernetes.kinds import Kind
from tests.peers import KubernetesPeer, wait_until

Obj = dict[str, Any]


@dataclass
class World:
    """A namespace of the test's own, and the administrator's hands in it."""

    peer: KubernetesPeer
    namespace: str
    fake: FakeServer | None = None
    nodes: list[str] = field(default_factory=list)

    def make(self, kind: Kind, obj: Mapping[str, Any], namespace: str = "") -> Obj:
        space = namespace or self.namespace
        made: Obj = self.peer.ask("POST", kind.path(space if kind.namespaced else ""), dict(obj))
        return made

    def get(self, kind: Kind, name: str) -> Obj | None:
        return self.peer.try_get(kind.path(self.namespace, name))

    def wait(self, kind: Kind, name: str, holds: Callable[[Obj], object]) -> Obj:
        """Controllers take their time."""

        def there() -> Obj | None:
            obj = self.get(kind, name)
            return obj if obj is not None and holds(obj) else None

        found = wait_until(there, timeout=90, what=f"{kind.word} {name}")
        assert found is not None
        return found

    def status(self, kind: Kind, name: str, status: Mapping[str, Any]) -> Obj:
        """As a kubelet or a controller would report it."""
        made: Obj = self.peer.patch(kind.path(self.namespace, name) + "/status", {"status": dict(status)})
        return made

    def deploy(self, name: str, replicas: int = 2, image: str = "app:1", **labels: str) -> Obj:
        """Rolled out; its pods are running and ready."""
        self.make(kinds.DEPLOYMENT, workload("Deployment", name, replicas, image, **labels))
        return self.wait(
            kinds.DEPLOYMENT, name, lambda one: one.get("status", {}).get("readyReplicas", 0) == replicas
        )

    def pods(self, app: str) -> list[Obj]:
        items: list[Obj] = self.peer.get(f"{kinds.POD.path(self.namespace)}?labelSelector=app%3D{app}")[
            "items"
        ]
        return items

    # -- looking

    def config(self, **settings: Any) -> KubernetesConfig:
        return KubernetesConfig(clusters={"default": str(self.peer.kubeconfig)}, **settings)

    async def look(self, kind: str, name: str, **given: Any) -> list[Finding]:
        """What the gatherer finds; `given` overrides namespace, labels, cluster or settings."""
        settings = given.pop("settings", {})
        clusters = Clusters(self.config(**settings))
        try:
            return list(await KubernetesEvidence(clusters).gather(self.wanted(kind, name, **given)))
        finally:
            await clusters.close()

    def wanted(self, kind: str, name: str, **given: Any) -> Wanted:
        return wanted(kind, name, **{"namespace": self.namespace, **given})


def wanted(kind: str, name: str, **given: Any) -> Wanted:
    return Wanted(
        **{
            "project_id": "default",
            "incident_id": "INC-1",
            "run_id": "run-1",
            "fingerprint": "0" * 16,
            "alert_type": "KubePodCrashLooping",
            "severity": "critical",
            "cluster": "default",
            "namespace": "",
            "kind": kind,
            "name": name,
            "labels": {},
            "metrics": {},
            "opened_at": 0,
            "now": int(time.time() * 1000),
            **given,
        }
    )


def of_kind(findings: list[Finding], kind: str) -> list[Finding]:
    return [finding for finding in findings if finding.kind == kind]


def one(findings: list[Finding], kind: str, about: str = "") -> Finding:
    found = [finding for finding in of_kind(findings, kind) if about in ("", finding.about)]
    assert len(found) == 1, f"{len(found)} of {kind} {about}: {[finding.text for finding in findings]}"
    return found[0]


def gaps(findings: list[Finding]) -> list[str]:
    return [finding.text for finding in of_kind(findings, GAP)]


def workload(kind: str, name: str, replicas: int, image: str, **labels: str) -> Obj:
    chosen = {"app": name, **labels}
    spec: Obj = {
        "selector": {"matchLabels": chosen},
        "template": {
            "metadata": {"labels": chosen},
            "spec": {"containers": [{"name": name, "image": image}]},
        },
    }
    if kind != "DaemonSet":
        spec["replicas"] = replicas
    if kind == "StatefulSet":
        spec["serviceName"] = name
    return {"metadata": {"name": name, "labels": chosen}, "spec": spec}


def crashing(pod: Obj, *, restarts: int = 7, reason: str = "OOMKilled", exit_code: int = 137) -> Obj:
    """The status that a kubelet gives a pod whose container ends again and again."""
    container = pod["spec"]["containers"][0]
    conditions = [
        {"type": name, "status": "False", "reason": "ContainersNotReady"}
        for name in ("Ready", "ContainersReady")
    ]
    ended = {"reason": reason, "exitCode": exit_code, "finishedAt": utc(-90), "startedAt": utc(-120)}
    return {
        "phase": "Running",
        "conditions": [{"type": "Initialized", "status": "True"}, *conditions],
        "containerStatuses": [
            {
                "name": container["name"],
                "image": container["image"],
                "imageID": "",
                "ready": False,
                "restartCount": restarts,
                "state": {"waiting": {"reason": "CrashLoopBackOff"}},
                "lastState": {"terminated": {**ended, "containerID": "x"}},
            }
        ],
    }


def event(
    about: Mapping[str, Any], kind: str, name: str, message: str, *, ago: float, type_: str = "Warning"
) -> Obj:
    meta = about["metadata"]
    return {
        "metadata": {"name": name},
        "involvedObject": {"kind": kind, "name": meta["name"], "namespace": meta["namespace"]},
        "type": type_,
        "reason": "BackOff",
        "message": message,
        "count": 3,
        "firstTimestamp": utc(-ago),
        "lastTimestamp": utc(-ago),
    }


def utc(seconds: float) -> str:
    """A time so many seconds from now."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))


def fake_world(fake: FakeServer, folder: Path) -> World:
    fake.cluster.add({"kind": "Namespace", "metadata": {"name": "shop"}})
    fake.cluster.add({"kind": "Node", "metadata": {"name": "node-1"}, "status": {"conditions": READY_NODE}})
    return World(KubernetesPeer(fake.kubeconfig(folder / "fake.kubeconfig"), folder), "shop", fake)


READY_NODE = [{"type": "Ready", "status": "True"}, {"type": "MemoryPressure", "status": "False"}]


class OnFake:
    """What a suite is asked of: the public stand-in."""

    @pytest.fixture
    def world(self, fake: World) -> World:
        return fake


class OnReal:
    """And a whole control plane."""

    @pytest.fixture
    def world(self, real: World) -> World:
        return real
