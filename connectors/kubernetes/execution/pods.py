"""DELETE_POD: evicted, so that budgets are asked; its owner makes a new one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from connectors.executors.contract import Effect, Happened, Verified, digest
from connectors.kubernetes import kinds
from connectors.kubernetes.client import Cluster
from connectors.kubernetes.execution import state
from connectors.kubernetes.execution.act import PodSeen, Right, Seen, Write, path_of, place, preconditions
from connectors.kubernetes.execution.budgets import allow_eviction
from connectors.kubernetes.execution.looking import budgets_of, pod_seen, top_owner
from connectors.kubernetes.reading import Obj, dig, name_of, part, text
from connectors.kubernetes.workloads import lacking
from schemas.operations import Step
from schemas.preflight import Check


class DeletePod:
    deletes = True

    def rights(self, step: Step) -> Sequence[Right]:
        return (
            Right("get", kinds.POD),
            Right("create", kinds.POD, "eviction"),
            Right("delete", kinds.POD),
            Right("list", kinds.BUDGET, named=False),
        )

    async def look(self, cluster: Cluster, step: Step, action_id: str) -> Seen | None:
        pod = await cluster.get(kinds.POD, step.target.namespace, step.target.name)
        if pod is None:
            return None
        seen = pod_seen(pod)
        owner, budgets = await top_owner(cluster, pod), await budgets_of(cluster, [seen])
        return Seen(pod, [seen], budgets=budgets, owner=owner)

    def state(self, step: Step, seen: Seen) -> Mapping[str, str]:
        """What is wanted is its workload's: with one left, or another one made in its place, another act."""
        told = state.of_object(seen.target, seen.budgets)
        if seen.owner is None:
            return told
        wanted = dig(seen.owner, "spec", "replicas")
        replicas = {"replicas": str(wanted)} if isinstance(wanted, int) else {}
        template = digest(part(seen.owner, "spec", "template"))
        return {**told, "owner": state.uid_of(seen.owner), "template": template, **replicas}

    def problems(self, step: Step, seen: Seen) -> Iterable[Check]:
        yield allow_eviction(seen.budgets, seen.pods)
        if text(seen.target, "metadata", "deletionTimestamp"):
            yield Check(name="not_ending", passed=False, message=f"pod {step.target.name} is ending already")
        yield self._owned(seen)

    def _owned(self, seen: Seen) -> Check:
        kind = seen.pods[0].owner
        if not kind:
            told = "nothing controls it: it would not come back"
            return Check(name="owned", passed=False, message=told)
        if seen.owner is None:
            told = f"its {kind} is gone, or not known here: nobody can tell whether it would come back"
            return Check(name="owned", passed=False, message=told)
        by = f"{text(seen.owner, 'kind').lower()} {name_of(seen.owner)}"
        return Check(name="owned", passed=True, message=f"{by} makes it anew")

    def writes(self, step: Step, seen: Seen, action_id: str) -> Sequence[Write]:
        return [eviction(seen.pods[0], preconditions(seen.target), path_of(step))]

    def happened(self, seen: Seen, action_id: str) -> Happened:
        """The very pod is still there."""
        return Happened.YES if text(seen.target, "metadata", "deletionTimestamp") else Happened.NO

    def works(self, step: Step, seen: Seen) -> Verified:
        """A pod of the same name: a stateful set's, made anew."""
        if text(seen.target, "metadata", "deletionTimestamp"):
            return Verified(Effect.NOT_YET, f"pod {step.target.name} is ending")
        if not seen.pods[0].ready:
            return Verified(Effect.NOT_YET, f"pod {step.target.name} is not ready")
        return Verified(Effect.HOLDS, f"pod {step.target.name} is ready")

    def undo(self, step: Step, seen: Seen) -> Step | None:
        return None


def eviction(pod: PodSeen, must: Mapping[str, str], path: str, *, drains: bool = False) -> Write:
    """Where a cluster offers no evictions the pod is deleted, under the same preconditions."""
    options = {"preconditions": dict(must)}
    delete = Write(f"delete pod {pod.name}", "DELETE", path, options, gone_is_done=drains)
    body = {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": pod.name, "namespace": pod.namespace},
        "deleteOptions": options,
    }
    what = f"evict pod {pod.name}"
    return Write(what, "POST", f"{path}/eviction", body, "application/json", delete, drains, drains)


def owner_works(owner: Obj) -> Verified:
    """Of a pod that is gone: whether its workload has all that it wants."""
    short = lacking(kinds.BY_KIND[text(owner, "kind")], owner)
    if short:
        return Verified(Effect.NOT_YET, f"{place(owner)} lacks {short} pods")
    return Verified(Effect.HOLDS, f"{place(owner)} has all its pods")
