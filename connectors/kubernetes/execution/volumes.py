"""EXPAND_PVC and DELETE_PVC. A claim that a pod uses is never deleted, whoever signs it.

What takes a deletion back is a new claim under the old name, made from the snapshot that was verified before.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from pydantic import ValidationError

from connectors.executors.contract import Effect, Happened, Verified, digest
from connectors.kubernetes import kinds
from connectors.kubernetes.client import Cluster, Listing
from connectors.kubernetes.connection import Refusal
from connectors.kubernetes.execution import state
from connectors.kubernetes.execution.act import (
    ACTION,
    Right,
    Seen,
    Write,
    annotated,
    patch,
    path_of,
    preconditions,
    shown,
)
from connectors.kubernetes.execution.budgets import BUDGETS
from connectors.kubernetes.kinds import Kind
from connectors.kubernetes.reading import (
    Obj,
    conditions,
    dig,
    millis,
    name_of,
    owner_of,
    part,
    parts,
    quantity,
    text,
    true,
)
from schemas.operations import Operation, Parameters, Step
from schemas.preflight import Check

MAKERS = (
    *(kinds.DEPLOYMENT, kinds.STATEFULSET, kinds.DAEMONSET, kinds.REPLICASET),
    *(kinds.JOB, kinds.CRONJOB),
)
"""whatever may make a pod that uses a claim"""
NO_POD = Check(name=BUDGETS, passed=True, message="no pod is taken away")
ACCESS_MODES = ("ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany", "ReadWriteOncePod")
WAITS_FOR_POD = "FileSystemResizePending"


class ExpandClaim:
    deletes = False

    def rights(self, step: Step) -> Sequence[Right]:
        return (Right("get", kinds.PVC), Right("patch", kinds.PVC))

    async def look(self, cluster: Cluster, step: Step, action_id: str) -> Seen | None:
        claim = await cluster.get(kinds.PVC, step.target.namespace, step.target.name)
        return None if claim is None else Seen(claim)

    def state(self, step: Step, seen: Seen) -> Mapping[str, str]:
        return state.of_object(seen.target)

    def problems(self, step: Step, seen: Seen) -> Iterable[Check]:
        """Whether its class can grow is for the API server to say, in its dry run."""
        yield NO_POD
        asked, now = step.parameters.size or "", text(seen.target, "spec", "resources", "requests", "storage")
        larger = (quantity(asked) or 0) > (quantity(now) or 0) > 0
        yield Check(name="larger", passed=larger, message=f"from {now or 'an unknown size'} to {asked}")

    def writes(self, step: Step, seen: Seen, action_id: str) -> Sequence[Write]:
        requests = {"storage": step.parameters.size}
        return [patch(step, seen, action_id, {"spec": {"resources": {"requests": requests}}})]

    def happened(self, seen: Seen, action_id: str) -> Happened:
        return annotated(seen, action_id)

    def works(self, step: Step, seen: Seen) -> Verified:
        wanted = quantity(step.parameters.size or "") or 0
        there = text(seen.target, "status", "capacity", "storage")
        if (quantity(there) or 0) >= wanted:
            return Verified(Effect.HOLDS, f"{shown(step)} has {there}")
        if any(text(one, "type") == WAITS_FOR_POD for one in conditions(seen.target, "True")):
            return Verified(Effect.NOT_YET, f"{shown(step)} grows when its pod starts anew")
        return Verified(Effect.NOT_YET, f"{shown(step)} has {there or 'no capacity'} yet")

    def undo(self, step: Step, seen: Seen) -> Step | None:
        return None


class DeleteClaim:
    deletes = True

    def rights(self, step: Step) -> Sequence[Right]:
        reading = (Right("list", kind, named=False) for kind in (kinds.POD, *MAKERS))
        return (Right("get", kinds.PVC), Right("delete", kinds.PVC), *reading)

    async def look(self, cluster: Cluster, step: Step, action_id: str) -> Seen | None:
        space, name = step.target.namespace, step.target.name
        claim = await cluster.get(kinds.PVC, space, name)
        if claim is None:
            return None
        (users, more), snapshots = await asyncio.gather(
            _users(cluster, space, name), _snapshots(cluster, space, name)
        )
        return Seen(claim, users=users, uncounted=more, snapshots=snapshots)

    def state(self, step: Step, seen: Seen) -> Mapping[str, str]:
        return state.of_object(seen.target)

    def problems(self, step: Step, seen: Seen) -> Iterable[Check]:
        yield NO_POD
        pods = [user for user in seen.users if user.startswith(f"{kinds.POD.word} ")]
        told = f"used by {', '.join(pods[:3])}" if pods else "no pod uses it"
        yield Check(name="unused", passed=not pods and not seen.uncounted, message=told)
        yield self._orphan(seen)
        yield self._snapshot(seen)

    def _orphan(self, seen: Seen) -> Check:
        """Proven: everything that may use it was looked through, and nothing does."""
        owner = owner_of(seen.target)
        if owner is not None:
            return Check(name="orphan", passed=False, message=f"{owner[0]} {owner[1]} owns it")
        if seen.uncounted:
            told = "there is more in its namespace than was looked at"
            return Check(name="orphan", passed=False, message=told)
        told = f"used by {', '.join(seen.users[:3])}" if seen.users else "nothing refers to it"
        return Check(name="orphan", passed=not seen.users, message=told)

    def _snapshot(self, seen: Seen) -> Check:
        found = verified_snapshot(seen)
        if found is not None:
            told = f"volume snapshot {name_of(found)} is ready: a new claim can be made from it"
            return Check(name="snapshot", passed=True, message=told)
        told = (
            f"none of {len(seen.snapshots)} snapshots is ready" if seen.snapshots else "there is no snapshot"
        )
        return Check(name="snapshot", passed=False, message=told)

    def writes(self, step: Step, seen: Seen, action_id: str) -> Sequence[Write]:
        body = {"preconditions": preconditions(seen.target)}
        return [Write(f"delete {shown(step)}", "DELETE", path_of(step), body)]

    def happened(self, seen: Seen, action_id: str) -> Happened:
        return Happened.YES if text(seen.target, "metadata", "deletionTimestamp") else Happened.NO

    def works(self, step: Step, seen: Seen) -> Verified:
        if text(seen.target, "metadata", "deletionTimestamp"):
            return Verified(Effect.NOT_YET, f"{shown(step)} is ending")
        return Verified(Effect.FAILED, f"{shown(step)} is still there")

    def undo(self, step: Step, seen: Seen) -> Step | None:
        """A claim like it, from its snapshot; none where its size is one that no step can tell."""
        snapshot, claim = verified_snapshot(seen), seen.target
        if snapshot is None:
            return None
        modes = ",".join(one for one in dig(claim, "spec", "accessModes") or [] if isinstance(one, str))
        told = {"storage_class": text(claim, "spec", "storageClassName"), "access_modes": modes}
        try:
            parameters = Parameters(
                name=name_of(snapshot),
                size=text(claim, "spec", "resources", "requests", "storage"),
                arguments={name: value for name, value in told.items() if value},
            )
        except ValidationError:
            return None
        return Step(operation=Operation.RESTORE_PVC, target=step.target, parameters=parameters)


class RestoreClaim:
    """What is there is not touched: a claim of that name that somebody made meanwhile stays."""

    deletes = False

    def rights(self, step: Step) -> Sequence[Right]:
        return (Right("get", kinds.PVC), Right("create", kinds.PVC, named=False))

    async def look(self, cluster: Cluster, step: Step, action_id: str) -> Seen | None:
        space, name = step.target.namespace, step.target.name
        claim, snapshots = await asyncio.gather(
            cluster.get(kinds.PVC, space, name), _snapshots(cluster, space, name)
        )
        return Seen(claim or {"metadata": {"namespace": space, "name": name}}, snapshots=snapshots)

    def state(self, step: Step, seen: Seen) -> Mapping[str, str]:
        """Before there is one it has no uid, and what is made is the same target."""
        return {"uid": "", "spec": digest(part(seen.target, "spec"))}

    def problems(self, step: Step, seen: Seen) -> Iterable[Check]:
        yield NO_POD
        there = bool(text(seen.target, "metadata", "uid"))
        told = f"{shown(step)} is there" if there else f"there is no {shown(step)}"
        yield Check(name="gone", passed=not there, message=told)
        found = any(name_of(one) == step.parameters.name for one in seen.snapshots)
        told = f"volume snapshot {step.parameters.name} is {'there' if found else 'gone'}"
        yield Check(name="source", passed=found, message=told)

    def writes(self, step: Step, seen: Seen, action_id: str) -> Sequence[Write]:
        target, given = step.target, step.parameters
        group = kinds.SNAPSHOT.group.partition("/")[0]
        spec: dict[str, Any] = {
            "accessModes": given.arguments.get("access_modes", ACCESS_MODES[0]).split(","),
            "resources": {"requests": {"storage": given.size}},
            "dataSource": {"apiGroup": group, "kind": kinds.SNAPSHOT.kind, "name": given.name},
        }
        if "storage_class" in given.arguments:
            spec["storageClassName"] = given.arguments["storage_class"]
        about = {"name": target.name, "namespace": target.namespace, "annotations": {ACTION: action_id}}
        body = {"apiVersion": "v1", "kind": kinds.PVC.kind, "metadata": about, "spec": spec}
        return [Write(f"make {shown(step)}", "POST", kinds.PVC.path(target.namespace), body)]

    def happened(self, seen: Seen, action_id: str) -> Happened:
        return annotated(seen, action_id)

    def works(self, step: Step, seen: Seen) -> Verified:
        phase = text(seen.target, "status", "phase")
        if phase == "Bound":
            return Verified(Effect.HOLDS, f"{shown(step)} is bound")
        if phase == "Lost":
            return Verified(Effect.FAILED, f"{shown(step)} has lost its volume")
        return Verified(Effect.NOT_YET, f"{shown(step)} waits for its volume")

    def undo(self, step: Step, seen: Seen) -> Step | None:
        return None


def verified_snapshot(seen: Seen) -> Obj | None:
    """Of this claim and not of an earlier one by its name."""
    born = millis(seen.target, "metadata", "creationTimestamp") or 0
    for one in seen.snapshots:
        taken = millis(one, "status", "creationTime")
        bound = text(one, "status", "boundVolumeSnapshotContentName")
        if true(one, "status", "readyToUse") and bound and taken is not None and taken >= born:
            return one
    return None


async def _users(cluster: Cluster, space: str, name: str) -> tuple[list[str], bool]:
    found: list[str] = []

    async def look_through(kind: Kind) -> bool:
        def take(page: Sequence[Obj]) -> None:
            found.extend(f"{kind.word} {name_of(one)}" for one in page if name in _claims(kind, one))

        return await cluster.each(take, kind, space)

    cut = await asyncio.gather(*(look_through(kind) for kind in (kinds.POD, *MAKERS)))
    return sorted(found), any(cut)


def _claims(kind: Kind, obj: Obj) -> Iterator[str]:
    """The names of the claims that it uses, or that pods made from it would use."""
    spec = part(obj, "spec")
    if kind is kinds.CRONJOB:
        spec = part(spec, "jobTemplate", "spec")
    inner = spec if kind is kinds.POD else part(spec, "template", "spec")
    yield from (text(one, "persistentVolumeClaim", "claimName") for one in parts(inner, "volumes"))
    for claim in parts(spec, "volumeClaimTemplates"):
        wanted = dig(spec, "replicas")
        for number in range(wanted if isinstance(wanted, int) else 1):
            yield f"{text(claim, 'metadata', 'name')}-{name_of(obj)}-{number}"


async def _snapshots(cluster: Cluster, space: str, name: str) -> Sequence[Obj]:
    """None where the cluster has no snapshots, or we may not see them: then none is verified."""
    try:
        listing: Listing = await cluster.list(kinds.SNAPSHOT, space)
    except Refusal as refusal:
        if refusal.status in (HTTPStatus.NOT_FOUND, HTTPStatus.FORBIDDEN):
            return ()
        raise
    return [one for one in listing.items if text(one, "spec", "source", "persistentVolumeClaimName") == name]
