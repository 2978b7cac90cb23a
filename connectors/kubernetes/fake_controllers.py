"""The controllers of the fake cluster: replica sets, pods, endpoints, and the counts in each status."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING
from uuid import uuid4

from connectors.kubernetes import kinds
from connectors.kubernetes.fake_daemons import budget, claim, daemons, job, revisions
from connectors.kubernetes.fake_pods import HASH, STATEFUL_HASH, hash_of, healthy, is_outdated, owned_by
from connectors.kubernetes.fake_select import Plain
from connectors.kubernetes.kinds import Kind
from connectors.kubernetes.pods import is_ready

if TYPE_CHECKING:
    from connectors.kubernetes.fake import FakeCluster

REVISION = "deployment.kubernetes.io/revision"
Illness = Callable[[Plain], None]


class Controllers:
    """`ills` makes every new pod of a workload ill: (namespace, workload) → what to do to the pod."""

    def __init__(self, cluster: FakeCluster) -> None:
        self._cluster = cluster
        self._running = False
        self.ills: dict[tuple[str, str], Illness] = {}

    def run(self) -> None:
        """Until nothing more is to be done; what they change does not call them again."""
        if self._running:
            return
        self._running = True
        try:
            for kind, control in self._work():
                for obj in self._cluster.of(kind):
                    control(obj)
        finally:
            self._running = False

    def _work(self) -> Iterator[tuple[Kind, Callable[[Plain], None]]]:
        """In their order: what makes pods, what counts them, what watches over them."""
        cluster, sets, daemon_sets = self._cluster, kinds.STATEFULSET, kinds.DAEMONSET
        yield kinds.DEPLOYMENT, self._deployment
        yield kinds.REPLICASET, partial(self._pods, kinds.REPLICASET, ordinal=False)
        yield sets, partial(self._pods, sets, ordinal=True)
        yield daemon_sets, partial(daemons, self, cluster)
        yield kinds.JOB, partial(job, self, cluster)
        yield sets, partial(revisions, self, cluster)
        yield daemon_sets, partial(revisions, self, cluster)
        yield kinds.DEPLOYMENT, partial(self._count, kinds.DEPLOYMENT)
        yield sets, partial(self._count, sets)
        yield kinds.SERVICE, self._endpoints
        yield kinds.BUDGET, partial(budget, cluster)
        yield kinds.PVC, claim

    # -- deployments

    def _deployment(self, deployment: Plain) -> None:
        """A replica set for each template that it had; all but the newest are scaled down.

        While it is paused what it had last stays the newest.
        """
        spec, template_hash = deployment["spec"], hash_of(deployment["spec"]["template"])
        sets = self.owned(kinds.REPLICASET, deployment)
        newest = next((one for one in sets if one["metadata"]["labels"].get(HASH) == template_hash), None)
        if newest is None and spec.get("paused"):
            newest = max(sets, key=_revision, default=None)
        if newest is None:
            newest = self._replica_set(deployment, template_hash)
        last = max([_revision(one) for one in sets if one is not newest], default=0)
        revision = _revision(newest) if _revision(newest) > last else last + 1
        for one in (newest, deployment):
            one["metadata"].setdefault("annotations", {})[REVISION] = str(revision)
        for one in [*sets, newest]:
            one["spec"]["replicas"] = spec.get("replicas", 1) if one is newest else 0

    def _replica_set(self, deployment: Plain, template_hash: str) -> Plain:
        meta, template = deployment["metadata"], copy.deepcopy(deployment["spec"]["template"])
        labels = {**template["metadata"].get("labels", {}), HASH: template_hash}
        template["metadata"]["labels"] = labels
        made: Plain = {
            "kind": "ReplicaSet",
            "metadata": {
                "name": f"{meta['name']}-{template_hash}",
                "namespace": meta["namespace"],
                "labels": labels,
                **owned_by(deployment),
            },
            "spec": {"replicas": 0, "selector": {"matchLabels": labels}, "template": template},
        }
        self._cluster.add(made)
        found = self._cluster.find(kinds.REPLICASET, meta["namespace"], made["metadata"]["name"])
        assert found is not None
        return found

    # -- pods

    def _pods(self, kind: Kind, owner: Plain, *, ordinal: bool) -> None:
        """As many as are wanted; a stateful set's have numbers, and those of an old template are replaced."""
        wanted = owner["spec"].get("replicas", 1)
        current = hash_of(owner["spec"]["template"])
        pods = self.owned(kinds.POD, owner)
        if ordinal:
            names = [f"{owner['metadata']['name']}-{number}" for number in range(wanted)]
            stale = [pod for pod in pods if pod["metadata"]["name"] not in names or is_outdated(pod, current)]
        else:
            names = []
            stale = pods[wanted:]
        for pod in stale:
            self._cluster.objects.pop(self._cluster.key(kinds.POD, pod), None)
        there = {pod["metadata"]["name"] for pod in pods if pod not in stale}
        missing = [name for name in names if name not in there] if ordinal else [""] * (wanted - len(there))
        for name in missing:
            self.make_pod(kind, owner, name or self._free_name(owner), current)

    def _free_name(self, owner: Plain) -> str:
        """A few random letters behind the owner's name; with thousands of pods they do repeat."""
        meta = owner["metadata"]
        while True:
            name = f"{meta['name']}-{uuid4().hex[:5]}"
            if self._cluster.find(kinds.POD, meta["namespace"], name) is None:
                return name

    def make_pod(self, kind: Kind, owner: Plain, name: str, template_hash: str, node: str = "") -> None:
        cluster, template = self._cluster, copy.deepcopy(owner["spec"]["template"])
        namespace = owner["metadata"]["namespace"]
        node = node or self._place(template["spec"])
        meta = template.get("metadata", {})
        labels = dict(meta.get("labels", {}))
        if kind in (kinds.STATEFULSET, kinds.DAEMONSET):
            labels[STATEFUL_HASH] = template_hash
        pod = {
            "kind": "Pod",
            "metadata": {**meta, "labels": labels, "name": name, "namespace": namespace, **owned_by(owner)},
            "spec": {**template["spec"], **({"nodeName": node} if node else {})},
        }
        healthy(pod, cluster.now(), ip=f"10.1.{cluster.version // 250 % 250}.{cluster.version % 250 + 1}")
        ill = self.ills.get((namespace, workload_of(owner)))
        if ill is not None:
            ill(pod)
        cluster.add(pod)
        made = cluster.find(kinds.POD, namespace, name)
        assert made is not None
        cluster.event(made, "Normal", "Scheduled", f"Successfully assigned {namespace}/{name}")

    def _place(self, spec: Plain) -> str:
        """The first node that takes new pods and bears the labels that are asked for."""
        wanted = spec.get("nodeSelector", {}).items()
        for node in self._cluster.of(kinds.NODE):
            fits = wanted <= node["metadata"].get("labels", {}).items()
            if fits and not node.get("spec", {}).get("unschedulable"):
                return str(node["metadata"]["name"])
        return ""

    # -- counts

    def _count(self, kind: Kind, workload: Plain) -> None:
        owners = self.owned(kinds.REPLICASET, workload) if kind is kinds.DEPLOYMENT else [workload]
        for owner in owners:
            self._status(owner, self.owned(kinds.POD, owner))
        if kind is kinds.DEPLOYMENT:
            self._status(workload, [pod for owner in owners for pod in self.owned(kinds.POD, owner)])
            wanted, available = workload["spec"].get("replicas", 1), workload["status"]["availableReplicas"]
            workload["status"]["conditions"] = [_available(available >= wanted)]

    def _status(self, owner: Plain, pods: list[Plain]) -> None:
        ready = sum(map(is_ready, pods))
        counts = {"replicas": len(pods), "readyReplicas": ready, "availableReplicas": ready}
        status = {**owner.get("status", {}), **counts, "updatedReplicas": len(pods)}
        owner["status"] = {**status, "observedGeneration": owner["metadata"].get("generation", 1)}

    def _endpoints(self, service: Plain) -> None:
        meta, chosen = service["metadata"], service.get("spec", {}).get("selector") or {}
        pods = [
            pod
            for pod in self._cluster.of(kinds.POD, meta["namespace"])
            if chosen and chosen.items() <= pod["metadata"].get("labels", {}).items()
        ]
        name, endpoints = f"{meta['name']}-fake", [_endpoint(pod) for pod in pods]
        found = self._cluster.find(kinds.ENDPOINTS, meta["namespace"], name)
        if found is None or found["endpoints"] != endpoints:
            labels = {"kubernetes.io/service-name": meta["name"]}
            about = {"name": name, "namespace": meta["namespace"], "labels": labels}
            self._cluster.add({"kind": "EndpointSlice", "metadata": about, "endpoints": endpoints})

    def owned(self, kind: Kind, owner: Plain) -> list[Plain]:
        uid = owner["metadata"]["uid"]
        return [
            obj
            for obj in self._cluster.of(kind, owner["metadata"]["namespace"])
            if any(one.get("uid") == uid for one in obj["metadata"].get("ownerReferences", []))
        ]


def workload_of(owner: Plain) -> str:
    """The deployment of a replica set; a stateful set itself."""
    above = owner["metadata"].get("ownerReferences") or [owner["metadata"]]
    return str(above[0]["name"])


def _revision(obj: Plain) -> int:
    return int(obj["metadata"].get("annotations", {}).get(REVISION, 0))


def _available(enough: bool) -> Plain:
    reason = "MinimumReplicasAvailable" if enough else "MinimumReplicasUnavailable"
    message = f"Deployment {'has' if enough else 'does not have'} minimum availability."
    return {"type": "Available", "status": str(enough), "reason": reason, "message": message}


def _endpoint(pod: Plain) -> Plain:
    meta = pod["metadata"]
    return {
        "addresses": [pod.get("status", {}).get("podIP", "")],
        "conditions": {"ready": is_ready(pod)},
        "targetRef": {"kind": "Pod", "name": meta["name"], "namespace": meta["namespace"]},
    }
