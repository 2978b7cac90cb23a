"""Evidence from Kubernetes: what an alert is about, what runs it, where it runs, and the latest events."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from connectors.evidence import Finding, Wanted
from connectors.kubernetes.client import Clusters
from connectors.kubernetes.look import Look
from connectors.kubernetes.subject import find
from schemas.evidence import Source

OWN_SHARE = 0.9
"""of its time: a little before whoever called gives up, what is known by then is handed over"""


class KubernetesEvidence:
    """The Gatherer. What cannot be read of the surroundings is a gap; without the subject, Unavailable."""

    source = Source.KUBERNETES
    tool = "kubernetes.read"
    server = "kubernetes"

    def __init__(self, clusters: Clusters) -> None:
        self._clusters = clusters
        self.timeout_secs = clusters.config.timeout_secs

    async def gather(self, wanted: Wanted) -> Sequence[Finding]:
        cluster = self._clusters.of(wanted.cluster)
        look = Look(cluster, wanted.now)
        try:
            async with asyncio.timeout(self.timeout_secs * OWN_SHARE):
                await look.at(await find(cluster, wanted))
        except TimeoutError:
            look.gaps.append(f"cluster {cluster.name}: not all was read within {self.timeout_secs:g} s")
        return look.told()
