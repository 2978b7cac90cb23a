"""What the demo sees of the cluster with its own eyes, beside what the record says of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

from connectors.kubernetes import kinds
from connectors.kubernetes.client import Cluster
from connectors.kubernetes.config import KubernetesConfig, Place
from connectors.kubernetes.fake_story import DATABASE
from connectors.kubernetes.pods import is_ready
from connectors.kubernetes.reading import name_of, text


@dataclass(frozen=True, slots=True)
class Sighting:
    """`pod` is the very pod of that name (its uid); `claims` are the volumes' by name, with their uids."""

    pod: str = ""
    is_ready: bool = False
    claims: Mapping[str, str] = field(default_factory=dict)


Look = Callable[[], Awaitable[Sighting]]


def looks_at(kubeconfig: Path, namespace: str, opened: AsyncExitStack) -> Look:
    """With a log-in that reads; its connection closes with the stack."""
    cluster = Cluster("demo", Place(kubeconfig), KubernetesConfig())
    opened.push_async_callback(cluster.close)

    async def look() -> Sighting:
        pod = await cluster.get(kinds.POD, namespace, f"{DATABASE}-0")
        claims = await cluster.list(kinds.PVC, namespace)
        held = {name_of(claim): text(claim, "metadata", "uid") for claim in claims.items}
        return Sighting(text(pod, "metadata", "uid"), pod is not None and is_ready(pod), held)

    return look
