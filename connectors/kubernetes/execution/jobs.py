"""RESTART_JOB: a job's template cannot be changed, so the old one is stopped and a new one made from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from connectors.executors.contract import Effect, Happened, Verified
from connectors.kubernetes import kinds
from connectors.kubernetes.client import Cluster
from connectors.kubernetes.execution import state
from connectors.kubernetes.execution.act import ACTION, Right, Seen, Write, annotated, patch
from connectors.kubernetes.execution.looking import budgets_of, pods_of
from connectors.kubernetes.reading import (
    Obj,
    conditions,
    dig,
    name_of,
    namespace_of,
    number,
    part,
    strings,
    text,
)
from schemas.operations import Step
from schemas.preflight import Check

OF_CONTROLLER = frozenset(
    ("controller-uid", "job-name", "batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-name")
)
"""labels that a job's controller gives, and that name the old job"""
LONGEST_NAME = 63
_MARK = 10


class RestartJob:
    deletes = False

    def rights(self, step: Step) -> Sequence[Right]:
        made = (Right("list", kinds.JOB, named=False), Right("create", kinds.JOB, named=False))
        pods = (Right("list", kinds.POD, named=False), Right("list", kinds.BUDGET, named=False))
        return (Right("get", kinds.JOB), Right("patch", kinds.JOB), *made, *pods)

    async def look(self, cluster: Cluster, step: Step, action_id: str) -> Seen | None:
        job = await cluster.get(kinds.JOB, step.target.namespace, step.target.name)
        if job is None:
            return None
        pods, more = await pods_of(cluster, job)
        made = await cluster.list(kinds.JOB, step.target.namespace, labels=f"{ACTION}={action_id}", most=2)
        return Seen(job, pods, more, await budgets_of(cluster, pods), made=made.items)

    def state(self, step: Step, seen: Seen) -> Mapping[str, str]:
        return state.of_object(seen.target, seen.budgets)

    def problems(self, step: Step, seen: Seen) -> Iterable[Check]:
        """Its running pods end with it, whatever a budget says: a job that is restarted is in trouble."""
        yield Check(name="budgets", passed=True, message="a job's pods end with it")
        if dig(seen.target, "spec", "manualSelector") is True:
            told = f"job {step.target.name} has a selector of its own: its copy would take its pods"
            yield Check(name="copy", passed=False, message=told)

    def writes(self, step: Step, seen: Seen, action_id: str) -> Sequence[Write]:
        """First the old one, under its preconditions: two of them must not run beside each other."""
        stop: dict[str, Any] = {} if finished(seen.target) else {"spec": {"suspend": True}}
        path = kinds.JOB.path(step.target.namespace)
        made = new_job(seen.target, action_id)
        create = Write(f"make job {name_of(made)}", "POST", path, made, there_is_done=True)
        return [patch(step, seen, action_id, stop), create]

    def happened(self, seen: Seen, action_id: str) -> Happened:
        """The old one stopped, and no new one: nobody knows whether it is on its way."""
        if seen.made:
            return Happened.YES
        return Happened.UNKNOWN if annotated(seen, action_id) is Happened.YES else Happened.NO

    def works(self, step: Step, seen: Seen) -> Verified:
        if not seen.made:
            return Verified(Effect.NOT_YET, f"no new job is there for {step.target.name}")
        job = seen.made[0]
        if any(text(one, "type") == "Failed" for one in conditions(job, "True")):
            return Verified(Effect.FAILED, f"job {name_of(job)} failed")
        if finished(job) or number(job, "status", "active"):
            return Verified(Effect.HOLDS, f"job {name_of(job)} runs or has ended well")
        return Verified(Effect.NOT_YET, f"job {name_of(job)} has not begun")

    def undo(self, step: Step, seen: Seen) -> Step | None:
        return None


def finished(job: Obj) -> bool:
    return any(text(one, "type") in ("Complete", "Failed") for one in conditions(job, "True"))


def new_job(job: Obj, action_id: str) -> dict[str, Any]:
    """The same work under a name that its action alone gives: made twice, it is the same job."""
    mark = action_id.replace("-", "")[:_MARK]
    name = f"{name_of(job)[: LONGEST_NAME - _MARK - 1]}-{mark}"
    meta = {
        "name": name,
        "namespace": namespace_of(job),
        "labels": {**_own(strings(job, "metadata", "labels")), ACTION: action_id},
        "annotations": {ACTION: action_id},
        "ownerReferences": dig(job, "metadata", "ownerReferences") or [],
    }
    template = part(job, "spec", "template")
    about = {**part(template, "metadata"), "labels": _own(strings(template, "metadata", "labels"))}
    spec = {name: value for name, value in part(job, "spec").items() if name not in ("selector", "suspend")}
    return {
        "apiVersion": kinds.JOB.group,
        "kind": kinds.JOB.kind,
        "metadata": meta,
        "spec": {**spec, "template": {**template, "metadata": about}},
    }


def _own(labels: Mapping[str, str]) -> dict[str, str]:
    return {name: told for name, told in labels.items() if name not in OF_CONTROLLER}
