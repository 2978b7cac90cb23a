"""A whole Kubernetes control plane, and how it is filled by the thousand in seconds."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from connectors.kubernetes import kinds
from connectors.kubernetes.client import Cluster
from connectors.kubernetes.config import KubernetesConfig, Place
from connectors.kubernetes.kinds import Kind
from tests.peers.kubernetes import KubernetesPeer, Refused
from tests.peers.waiting import wait_until_async

AT_ONCE = 24
"""calls side by side, in the administrator's name"""
READY_SECS = 120
Obj = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Space:
    """A namespace of its own, and the administrator's hands in it."""

    peer: KubernetesPeer
    name: str
    admin: Cluster

    async def make(self, kind: Kind, objects: Sequence[Obj]) -> None:
        """All of them, some side by side."""
        room = asyncio.Semaphore(AT_ONCE)
        path = kind.path(self.name if kind.namespaced else "")

        async def one(obj: Obj) -> None:
            async with room:
                await self.admin.connection.call("POST", path, body=obj)

        await asyncio.gather(*map(one, objects))

    async def until(self, holds: Callable[[], Awaitable[bool]], what: str, secs: float = READY_SECS) -> None:
        await wait_until_async(holds, timeout=secs, what=what, every=0.3)

    async def until_running(self) -> None:
        """Every pod, by its kubelet's word."""

        async def all_run() -> bool:
            waiting = await self.admin.list(
                kinds.POD, self.name, fields="status.phase!=Running,status.phase!=Succeeded", most=1
            )
            return not waiting.items

        await self.until(all_run, "every pod running")


@contextmanager
def control_plane(folder: Path) -> Iterator[KubernetesPeer]:
    """A fresh one, which ends with the block."""
    with KubernetesPeer.running(folder) as peer:
        yield peer


@asynccontextmanager
async def space(peer: KubernetesPeer) -> AsyncIterator[Space]:
    """Goes with the block, as far as the control plane outlives it."""
    admin = Cluster("bench", Place(peer.kubeconfig), KubernetesConfig())
    made = Space(peer, peer.make_namespace(), admin)
    try:
        yield made
    finally:
        await admin.close()
        with contextlib.suppress(Refused, OSError):
            peer.ask("DELETE", f"/api/v1/namespaces/{made.name}")


def deployment(name: str, replicas: int = 1) -> Obj:
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": pod_spec(name)}
    spec = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template}
    return {"metadata": {"name": name, "labels": labels}, "spec": spec}


def pod_spec(app: str) -> Obj:
    """As large as pods are: an app with probes and variables, and what runs beside it."""
    probe = {"httpGet": {"path": "/healthz", "port": 8080}, "periodSeconds": 10, "failureThreshold": 3}
    amounts = {"cpu": "1m", "memory": "1Mi"}
    variables = [
        {"name": f"SETTING_{number:02d}", "value": f"value-of-{app}-{number}"} for number in range(20)
    ]
    main = {
        "name": "app",
        "image": f"registry.example.org/{app}:1.4.2",
        "env": variables,
        "ports": [{"containerPort": 8080, "name": "http"}],
        "livenessProbe": probe,
        "readinessProbe": probe,
        "resources": {"requests": amounts, "limits": amounts},
    }
    beside = {"name": "proxy", "image": "registry.example.org/proxy:2.0.1", "env": variables[:10]}
    return {"containers": [main, beside], "volumes": [{"name": "scratch", "emptyDir": {}}]}
