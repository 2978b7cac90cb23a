"""RESTART_DEPLOYMENT, SCALE_DEPLOYMENT, SET_RESOURCES: of deployments, stateful sets and daemon sets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from connectors.executors.contract import Effect, Happened, Verified
from connectors.kubernetes import kinds
from connectors.kubernetes.client import Cluster, generation_seen
from connectors.kubernetes.execution import state
from connectors.kubernetes.execution.act import (
    ACTION,
    STRATEGIC,
    Right,
    Seen,
    Write,
    annotated,
    kind_of,
    patch,
    shown,
)
from connectors.kubernetes.execution.budgets import allow_rollout, allow_scaling
from connectors.kubernetes.execution.looking import budgets_of, pods_of, revisions
from connectors.kubernetes.reading import (
    Obj,
    conditions,
    name_of,
    number,
    number_or,
    parts,
    strings,
    text,
    true,
)
from connectors.kubernetes.workloads import revision
from schemas.operations import Operation, Parameters, Step
from schemas.preflight import Check

STUCK = "ProgressDeadlineExceeded"


class WorkloadAct:
    """What they have in common: pods are replaced, as the workload's own strategy has it."""

    deletes = False

    def rights(self, step: Step) -> Sequence[Right]:
        kind = kind_of(step)
        history = kinds.REPLICASET if kind is kinds.DEPLOYMENT else kinds.REVISION
        reading = (Right("list", one, named=False) for one in (kinds.POD, kinds.BUDGET, history))
        return (Right("get", kind), Right("patch", kind), *reading)

    async def look(self, cluster: Cluster, step: Step, action_id: str) -> Seen | None:
        kind = kind_of(step)
        workload = await cluster.get(kind, step.target.namespace, step.target.name)
        if workload is None:
            return None
        pods, more = await pods_of(cluster, workload)
        budgets = await budgets_of(cluster, pods)
        return Seen(workload, pods, more, budgets, revisions=await revisions(cluster, kind, workload))

    def state(self, step: Step, seen: Seen) -> Mapping[str, str]:
        return state.of_object(seen.target, seen.budgets)

    def problems(self, step: Step, seen: Seen) -> Iterable[Check]:
        yield allow_rollout(seen.budgets, all_at_once=_all_at_once(seen.target))
        yield from rollout_begins(step, seen.target)

    def happened(self, seen: Seen, action_id: str) -> Happened:
        return annotated(seen, action_id)

    def works(self, step: Step, seen: Seen) -> Verified:
        return rolled_out(step, seen.target)

    def undo(self, step: Step, seen: Seen) -> Step | None:
        """Back to the revision that stands now."""
        now = current_revision(seen)
        if not now:
            return None
        parameters = Parameters(revision=now)
        return Step(operation=Operation.ROLLBACK_DEPLOYMENT, target=step.target, parameters=parameters)


class Restart(WorkloadAct):
    """The action's id in the pods' template: a second time it changes nothing."""

    def writes(self, step: Step, seen: Seen, action_id: str) -> Sequence[Write]:
        template = {"metadata": {"annotations": {ACTION: action_id}}}
        return [patch(step, seen, action_id, {"spec": {"template": template}})]


class Scale(WorkloadAct):
    def problems(self, step: Step, seen: Seen) -> Iterable[Check]:
        wanted, now = step.parameters.replicas or 0, number_or(seen.target, 1, "spec", "replicas")
        yield allow_scaling(seen.budgets, wanted)
        if wanted < 1:
            yield Check(name="never_zero", passed=False, message="nothing is scaled to 0")
        if wanted == now:
            yield Check(name="changes", passed=False, message=f"{shown(step)} has {now} replicas already")

    def writes(self, step: Step, seen: Seen, action_id: str) -> Sequence[Write]:
        return [patch(step, seen, action_id, {"spec": {"replicas": step.parameters.replicas}})]

    def works(self, step: Step, seen: Seen) -> Verified:
        """Whoever scales beside us, an autoscaler say, has undone it."""
        wanted, now = step.parameters.replicas, number_or(seen.target, 1, "spec", "replicas")
        if now != wanted:
            return Verified(Effect.FAILED, f"{shown(step)} is to have {now} replicas, not {wanted}")
        return super().works(step, seen)

    def undo(self, step: Step, seen: Seen) -> Step | None:
        now = number_or(seen.target, 1, "spec", "replicas")
        if now < 1:
            return None  # nothing is scaled to 0, not even back
        return Step(operation=step.operation, target=step.target, parameters=Parameters(replicas=now))


class SetResources(WorkloadAct):
    def problems(self, step: Step, seen: Seen) -> Iterable[Check]:
        yield from super().problems(step, seen)
        yield self._container_named(step, seen)

    def _container_named(self, step: Step, seen: Seen) -> Check:
        names = [name_of({"metadata": one}) for one in _containers(seen.target)]
        wanted = step.parameters.container
        if wanted is None and len(names) != 1:
            told = f"{shown(step)} has {len(names)} containers, and none is named: {', '.join(names)}"
            return Check(name="container", passed=False, message=told)
        if wanted is not None and wanted not in names:
            told = f"{shown(step)} has no container {wanted}; there are: {', '.join(names)}"
            return Check(name="container", passed=False, message=told)
        return Check(name="container", passed=True, message=f"container {wanted or names[0]}")

    def writes(self, step: Step, seen: Seen, action_id: str) -> Sequence[Write]:
        given = {"requests": step.parameters.requests, "limits": step.parameters.limits}
        resources = {name: dict(amounts) for name, amounts in given.items() if amounts}
        container = {"name": text(_container(step, seen), "name"), "resources": resources}
        spec = {"spec": {"containers": [container]}}
        return [patch(step, seen, action_id, {"spec": {"template": spec}}, STRATEGIC)]

    def undo(self, step: Step, seen: Seen) -> Step | None:
        """The former amounts; what had none before cannot be put back by an amount, so by its revision."""
        container, former = _container(step, seen), {}
        for part in ("requests", "limits"):
            had = strings(container, "resources", part)
            asked: dict[str, str] = getattr(step.parameters, part)
            if not asked.keys() <= had.keys():
                return super().undo(step, seen)
            former[part] = {name: had[name] for name in asked}
        return Step(
            operation=step.operation,
            target=step.target,
            parameters=Parameters(container=step.parameters.container, **former),
        )


def rollout_begins(step: Step, workload: Obj) -> Iterable[Check]:
    """Where the template alone is changed: something must take that in."""
    if true(workload, "spec", "paused"):
        yield Check(name="rollout", passed=False, message=f"{shown(step)} is paused: nothing would roll out")
    if text(workload, "spec", "updateStrategy", "type") == "OnDelete":
        told = f"{shown(step)} replaces a pod only when somebody deletes it"
        yield Check(name="rollout", passed=False, message=told)


def rolled_out(step: Step, workload: Obj) -> Verified:
    """As `kubectl rollout status` has it."""
    if not generation_seen(workload):
        return Verified(Effect.NOT_YET, f"{shown(step)}: its controller has not seen the change")
    if any(text(one, "reason") == STUCK for one in conditions(workload, "False")):
        return Verified(Effect.FAILED, f"{shown(step)}: the rollout does not progress")
    wanted, updated, total, available = _counts(kind_of(step) is kinds.DAEMONSET, workload)
    if updated < wanted or total > wanted or available < wanted:
        told = f"{updated} of {wanted} pods are new, {available} available, {total} in all"
        return Verified(Effect.NOT_YET, f"{shown(step)}: {told}")
    return Verified(Effect.HOLDS, f"{shown(step)}: all {wanted} pods are new and available")


def current_revision(seen: Seen) -> int:
    """Of a deployment its own mark, of the others the latest that was kept."""
    return revision(seen.target) or max(map(revision, seen.revisions), default=0)


def _counts(daemons: bool, workload: Obj) -> tuple[int, int, int, int]:
    def count(name: str) -> int:
        return number(workload, "status", name)

    if daemons:
        wanted = count("desiredNumberScheduled")
        return wanted, count("updatedNumberScheduled"), wanted, count("numberAvailable")
    wanted = number_or(workload, 1, "spec", "replicas")
    return wanted, count("updatedReplicas"), count("replicas"), count("availableReplicas")


def _all_at_once(workload: Obj) -> bool:
    return text(workload, "spec", "strategy", "type") == "Recreate"


def _containers(workload: Obj) -> list[Obj]:
    return parts(workload, "spec", "template", "spec", "containers")


def _container(step: Step, seen: Seen) -> Mapping[str, Any]:
    wanted = step.parameters.container
    found = [one for one in _containers(seen.target) if wanted in (None, text(one, "name"))]
    return found[0] if found else {}
