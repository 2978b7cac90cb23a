"""What an operation needs to see beside its target: pods, budgets, owners, revisions. Page by page."""

from __future__ import annotations

from collections.abc import Sequence

from connectors.kubernetes import kinds
from connectors.kubernetes.client import Cluster
from connectors.kubernetes.execution.act import PodSeen
from connectors.kubernetes.execution.budgets import of_pods, selector_text
from connectors.kubernetes.kinds import BY_KIND, Kind
from connectors.kubernetes.pods import is_ready
from connectors.kubernetes.reading import (
    Obj,
    dig,
    name_of,
    namespace_of,
    owner_of,
    part,
    parts,
    strings,
    text,
)
from connectors.kubernetes.workloads import revision
from schemas.operations import WORKLOADS, Target

ENDED = ("Succeeded", "Failed")
OWNED = ("pod", "job", *WORKLOADS)
MOST_OWNERS = 4
MOST_REVISIONS = 200


def pod_seen(obj: Obj) -> PodSeen:
    owner = owner_of(obj)
    return PodSeen(
        name=name_of(obj),
        namespace=namespace_of(obj),
        uid=text(obj, "metadata", "uid"),
        labels=strings(obj, "metadata", "labels"),
        ready=is_ready(obj),
        owner=owner[0] if owner else "",
        local_data=any(dig(volume, "emptyDir") is not None for volume in parts(obj, "spec", "volumes")),
    )


async def pods(
    cluster: Cluster, namespace: str, *, labels: str = "", fields: str = ""
) -> tuple[list[PodSeen], bool]:
    """Those that run or are to run; and whether there are more than are looked at."""
    found: list[PodSeen] = []

    def take(page: Sequence[Obj]) -> None:
        found.extend(
            pod_seen(obj)
            for obj in page
            if text(obj, "status", "phase") not in ENDED and not text(obj, "metadata", "deletionTimestamp")
        )

    more = await cluster.each(take, kinds.POD, namespace, labels=labels, fields=fields)
    return found, more


async def pods_of(cluster: Cluster, workload: Obj) -> tuple[list[PodSeen], bool]:
    labels = selector_text(part(workload, "spec", "selector"))
    return await pods(cluster, namespace_of(workload), labels=labels) if labels else ([], True)


async def budgets_of(cluster: Cluster, touched: Sequence[PodSeen]) -> list[Obj]:
    """Of one namespace, or of all where the pods are in several."""
    spaces = {pod.namespace for pod in touched}
    if not spaces:
        return []
    listing = await cluster.list(kinds.BUDGET, spaces.pop() if len(spaces) == 1 else "")
    return of_pods(listing.items, touched)


async def top_owner(cluster: Cluster, obj: Obj) -> Obj | None:
    """The workload that makes it again: what controls it, and what controls that."""
    top = None
    for _ in range(MOST_OWNERS):
        owner = owner_of(obj)
        if owner is None or owner[0] not in BY_KIND:
            break
        above = await cluster.get(BY_KIND[owner[0]], namespace_of(obj), owner[1])
        if above is None:
            break
        top = obj = above
    return top


async def workload_of(cluster: Cluster, target: Target, seen: Obj, owner: Obj | None) -> Target:
    """What its acts are counted for: its topmost owner, told by a reference alone where it cannot be read.

    Two ways to it lead to one name, whether or not each step on the way is known here. What holds others'
    data or pods (a claim, a node) is itself.
    """
    if target.kind not in OWNED:
        return target.model_copy(update={"id": ""})
    top = owner or await top_owner(cluster, seen) or seen
    kind, name = owner_of(top) or (text(top, "kind"), name_of(top))
    return Target(cluster=target.cluster, namespace=target.namespace, kind=kind.lower(), name=name)


async def revisions(cluster: Cluster, kind: Kind, workload: Obj) -> list[Obj]:
    """What it ran, the latest first: replica sets of a deployment, controller revisions of the others."""
    history = kinds.REPLICASET if kind is kinds.DEPLOYMENT else kinds.REVISION
    labels = selector_text(part(workload, "spec", "selector"))
    listing = await cluster.list(history, namespace_of(workload), labels=labels, most=MOST_REVISIONS)
    own = text(workload, "metadata", "uid")
    mine = [one for one in listing.items if _controller(one) == own]
    return sorted(mine, key=revision, reverse=True)


def _controller(obj: Obj) -> str:
    owners = parts(obj, "metadata", "ownerReferences")
    return next((text(one, "uid") for one in owners if dig(one, "controller") is True), "")


async def workload_by_uid(cluster: Cluster, namespace: str, uid: str) -> Obj | None:
    """Of a pod that is gone only this is known: who would make it again."""
    found: list[Obj] = []
    for kind in (*kinds.WORKLOADS, kinds.REPLICASET):
        await cluster.each(
            lambda page: found.extend(one for one in page if text(one, "metadata", "uid") == uid),
            kind,
            namespace,
        )
        if found:
            return found[0]
    return None
