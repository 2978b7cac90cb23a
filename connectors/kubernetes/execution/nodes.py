"""CORDON_NODE, UNCORDON_NODE, DRAIN_NODE: a drain cordons first, then evicts pod by pod as budgets allow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from connectors.executors.contract import Effect, Happened, Verified
from connectors.kubernetes import kinds
from connectors.kubernetes.client import Cluster
from connectors.kubernetes.execution import state
from connectors.kubernetes.execution.act import PodSeen, Right, Seen, Write, annotated, patch, shown
from connectors.kubernetes.execution.budgets import BUDGETS, allow_eviction
from connectors.kubernetes.execution.looking import budgets_of, pods
from connectors.kubernetes.execution.pods import eviction
from connectors.kubernetes.reading import true
from schemas.operations import Operation, Step
from schemas.preflight import Check

STAY = ("DaemonSet", "Node")
"""whose pods a drain leaves: daemon sets tolerate it, and static pods are the node's own"""
MOST_NAMED = 5


class Cordon:
    """`off`: the other way round."""

    deletes = False

    def __init__(self, *, off: bool = False) -> None:
        self._off = off

    def rights(self, step: Step) -> Sequence[Right]:
        return (Right("get", kinds.NODE), Right("patch", kinds.NODE))

    async def look(self, cluster: Cluster, step: Step, action_id: str) -> Seen | None:
        node = await cluster.get(kinds.NODE, "", step.target.name)
        return None if node is None else Seen(node)

    def state(self, step: Step, seen: Seen) -> Mapping[str, str]:
        return state.of_node(seen.target)

    def problems(self, step: Step, seen: Seen) -> Iterable[Check]:
        yield Check(name=BUDGETS, passed=True, message="no pod is taken away")
        if cordoned(seen) is not self._off:
            told = f"{shown(step)} is {'not ' if self._off else ''}cordoned already"
            yield Check(name="changes", passed=False, message=told)

    def writes(self, step: Step, seen: Seen, action_id: str) -> Sequence[Write]:
        return [patch(step, seen, action_id, {"spec": {"unschedulable": not self._off}})]

    def happened(self, seen: Seen, action_id: str) -> Happened:
        return annotated(seen, action_id)

    def works(self, step: Step, seen: Seen) -> Verified:
        is_so = cordoned(seen) is not self._off
        told = f"{shown(step)} is {'' if cordoned(seen) else 'not '}cordoned"
        return Verified(Effect.HOLDS if is_so else Effect.FAILED, told)

    def undo(self, step: Step, seen: Seen) -> Step | None:
        other = Operation.CORDON_NODE if self._off else Operation.UNCORDON_NODE
        return Step(operation=other, target=step.target)


class Drain(Cordon):
    def rights(self, step: Step) -> Sequence[Right]:
        """Pods of every namespace may be on it."""
        anywhere = (
            Right("list", kinds.POD, named=False),
            Right("list", kinds.BUDGET, named=False),
            Right("create", kinds.POD, "eviction", named=False),
            Right("delete", kinds.POD, named=False),
        )
        return (*super().rights(step), *anywhere)

    async def look(self, cluster: Cluster, step: Step, action_id: str) -> Seen | None:
        seen = await super().look(cluster, step, action_id)
        if seen is None:
            return None
        found, more = await pods(cluster, "", fields=f"spec.nodeName={step.target.name}")
        leaving = [pod for pod in found if pod.owner not in STAY]
        return Seen(seen.target, leaving, more, await budgets_of(cluster, leaving))

    def problems(self, step: Step, seen: Seen) -> Iterable[Check]:
        yield allow_eviction(seen.budgets, seen.pods)
        bare = [f"{pod.namespace}/{pod.name}" for pod in seen.pods if not pod.owner]
        if bare:
            more = f" and {len(bare) - MOST_NAMED} more" if len(bare) > MOST_NAMED else ""
            told = f"nothing would make these pods anew: {', '.join(bare[:MOST_NAMED])}{more}"
            yield Check(name="replaced", passed=False, message=told)
        local = sum(pod.local_data for pod in seen.pods)
        yield Check(name="local_data", passed=True, message=f"{local} pods lose what they keep on the node")

    def writes(self, step: Step, seen: Seen, action_id: str) -> Sequence[Write]:
        return [*super().writes(step, seen, action_id), *(_leave(pod) for pod in seen.pods)]

    def works(self, step: Step, seen: Seen) -> Verified:
        if not cordoned(seen):
            return Verified(Effect.FAILED, f"{shown(step)} is not cordoned")
        if seen.pods:
            return Verified(Effect.NOT_YET, f"{len(seen.pods)} pods are still on {shown(step)}")
        return Verified(Effect.HOLDS, f"{shown(step)} is cordoned, and its pods are gone")

    def undo(self, step: Step, seen: Seen) -> Step | None:
        """Somebody else's cordon stays."""
        return None if cordoned(seen) else super().undo(step, seen)


def cordoned(seen: Seen) -> bool:
    return true(seen.target, "spec", "unschedulable")


def _leave(pod: PodSeen) -> Write:
    """The very pod that was seen, in whatever state it is by then."""
    path = kinds.POD.path(pod.namespace, pod.name)
    return eviction(pod, {"uid": pod.uid}, path, drains=True)
