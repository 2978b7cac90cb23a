"""The doctor's check of the executor's clusters: reached, and which operations its log-in may carry out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterator
from typing import TYPE_CHECKING

from awoooi.check_clusters import of_each
from awoooi.findings import Finding, Verdict
from awoooi.loading import Loaded
from connectors.evidence import Unavailable
from schemas.operations import Operation

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
    return await of_each(config, examiner(PART, "correct AWOOOI_EXECUTOR_CLUSTERS or its log-in"))


def examiner(
    part: str, todo: str, wanted: Collection[Operation] = ()
) -> Callable[[Cluster], Awaitable[list[Finding]]]:
    """Of a log-in that acts; `wanted`: what it is for, all operations where none is named."""

    async def examine(cluster: Cluster) -> list[Finding]:
        from connectors.kubernetes.execution.rights import able

        try:
            version, found = await cluster.version(), await able(cluster)
        except Unavailable as error:
            return [Finding(part, Verdict.WRONG, str(error), todo)]
        faults = list(_faults(part, cluster.name, found, wanted))
        what = "all operations" if not wanted else ", ".join(wanted)
        return faults or [Finding(part, Verdict.OK, f"cluster {cluster.name} ({version}): {what}, no more")]

    return examine


def _faults(part: str, name: str, found: Able, wanted: Collection[Operation]) -> Iterator[Finding]:
    for operation, missing in found.lacking.items():
        if not wanted or operation in wanted:
            what = f"cluster {name}: no {operation}: our log-in may not {', '.join(missing)}"
            yield Finding(part, Verdict.WARNING, what, f"grant it where it is wanted: {ROLE}")
    if found.beyond:
        what = f"cluster {name}: our log-in may {', '.join(found.beyond)}"
        yield Finding(part, Verdict.WARNING, what, f"give the executor a log-in of its own: {ROLE}")
