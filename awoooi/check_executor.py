"""The doctor's check of the executor's clusters: reached, and which operations its log-in may carry out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from awoooi.check_clusters import of_each
from awoooi.findings import Finding, Verdict
from awoooi.loading import Loaded
from connectors.evidence import Unavailable

if TYPE_CHECKING:
    from connectors.kubernetes.client import Cluster
    from connectors.kubernetes.execution.rights import Able

PART = "executor"
ROLE = "deploy/kubernetes/executor-role.yaml is all that it needs"


async def executor(loaded: Loaded) -> list[Finding]:
    config = loaded.settings.executor
    if not config.clusters:
        told = "no cluster is configured for acting: checks are unavailable, nothing is automatic"
        return [Finding(PART, Verdict.OK, told)]
    return await of_each(config, _examine)


async def _examine(cluster: Cluster) -> list[Finding]:
    from connectors.kubernetes.execution.rights import able

    try:
        version, found = await cluster.version(), await able(cluster)
    except Unavailable as error:
        return [Finding(PART, Verdict.WRONG, str(error), "correct AWOOOI_EXECUTOR_CLUSTERS or its log-in")]
    faults = list(_faults(cluster.name, found))
    return faults or [
        Finding(PART, Verdict.OK, f"cluster {cluster.name} ({version}): all operations, no more")
    ]


def _faults(name: str, found: Able) -> Iterator[Finding]:
    for operation, missing in found.lacking.items():
        what = f"cluster {name}: no {operation}: our log-in may not {', '.join(missing)}"
        yield Finding(PART, Verdict.WARNING, what, f"grant it where it is wanted: {ROLE}")
    if found.beyond:
        what = f"cluster {name}: our log-in may {', '.join(found.beyond)}"
        yield Finding(PART, Verdict.WARNING, what, f"give the executor a log-in of its own: {ROLE}")
