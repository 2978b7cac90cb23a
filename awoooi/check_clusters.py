"""The doctor's check of the Kubernetes clusters: reached, read whole, and no more than read."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import TYPE_CHECKING

from awoooi.findings import Finding, Verdict
from awoooi.loading import Loaded
from connectors.evidence import Unavailable

if TYPE_CHECKING:
    from connectors.kubernetes.client import Cluster
    from connectors.kubernetes.config import KubernetesConfig
    from connectors.kubernetes.permissions import Permissions

PART = "kubernetes"
ROLE = "deploy/kubernetes/evidence-role.yaml is all that it needs"


async def kubernetes(loaded: Loaded) -> list[Finding]:
    config = loaded.settings.kubernetes
    if not config.clusters:
        return [Finding(PART, Verdict.OK, "no cluster is configured: evidence does without")]
    return await of_each(config, _examine)


async def of_each(
    config: KubernetesConfig, examine: Callable[[Cluster], Awaitable[list[Finding]]]
) -> list[Finding]:
    from connectors.kubernetes.client import Clusters

    clusters = Clusters(config)
    try:
        return [found for cluster in clusters.all().values() for found in await examine(cluster)]
    finally:
        await clusters.close()


async def _examine(cluster: Cluster) -> list[Finding]:
    from connectors.kubernetes.permissions import permissions

    try:
        version, allowed = await cluster.version(), await permissions(cluster)
    except Unavailable as error:
        return [Finding(PART, Verdict.WRONG, str(error), "correct AWOOOI_KUBERNETES_CLUSTERS or its log-in")]
    faults = list(_faults(cluster.name, allowed))
    return faults or [Finding(PART, Verdict.OK, f"cluster {cluster.name} ({version}) is read, and only read")]


def _faults(name: str, allowed: Permissions) -> Iterator[Finding]:
    if allowed.missing:
        what = f"cluster {name}: our log-in cannot list {', '.join(allowed.missing)}: gaps in the evidence"
        yield Finding(PART, Verdict.WARNING, what, f"grant it: {ROLE}")
    if allowed.beyond:
        what = f"cluster {name}: our log-in may {', '.join(allowed.beyond)}"
        yield Finding(PART, Verdict.WARNING, what, f"give evidence a log-in that only reads: {ROLE}")
