"""More controllers of the fake cluster: daemon sets, revisions, jobs, disruption budgets, volume claims."""

from __future__ import annotations

import copy
import math
from typing import TYPE_CHECKING, Any

from connectors.kubernetes import kinds
from connectors.kubernetes.execution.budgets import covers
from connectors.kubernetes.fake_pods import hash_of, is_outdated, owned_by
from connectors.kubernetes.fake_select import Plain
from connectors.kubernetes.pods import is_ready

if TYPE_CHECKING:
    from connectors.kubernetes.fake import FakeCluster
    from connectors.kubernetes.fake_controllers import Controllers

UID = "batch.kubernetes.io/controller-uid"


def daemons(controllers: Controllers, cluster: FakeCluster, daemon_set: Plain) -> None:
    """One pod a node, cordoned or not; those of an old template are replaced."""
    current = hash_of(daemon_set["spec"]["template"])
    owner, pods = daemon_set["metadata"], controllers.owned(kinds.POD, daemon_set)
    nodes = [node["metadata"]["name"] for node in cluster.of(kinds.NODE)]
    kept = {
        pod["spec"]["nodeName"]
        for pod in pods
        if pod["spec"]["nodeName"] in nodes and not is_outdated(pod, current)
    }
    for pod in pods:
        if pod["spec"]["nodeName"] not in kept:
            cluster.objects.pop(cluster.key(kinds.POD, pod), None)
    for node in nodes:
        if node not in kept:
            controllers.make_pod(kinds.DAEMONSET, daemon_set, f"{owner['name']}-{node}", current, node)
    ready = sum(map(is_ready, controllers.owned(kinds.POD, daemon_set)))
    names = ("currentNumberScheduled", "desiredNumberScheduled", "updatedNumberScheduled")
    counts = {**dict.fromkeys(names, len(nodes)), "numberReady": ready, "numberAvailable": ready}
    daemon_set["status"] = {**counts, "observedGeneration": owner.get("generation", 1)}


def revisions(controllers: Controllers, cluster: FakeCluster, workload: Plain) -> None:
    """Each template that it had; one that comes again gets the highest number again."""
    meta, template = workload["metadata"], workload["spec"]["template"]
    name = f"{meta['name']}-{hash_of(template)}"
    kept = controllers.owned(kinds.REVISION, workload)
    highest = max((one["revision"] for one in kept), default=0)
    found = next((one for one in kept if one["metadata"]["name"] == name), None)
    if found is not None:
        found["revision"] = found["revision"] if found["revision"] == highest else highest + 1
        return
    labels = dict(template.get("metadata", {}).get("labels", {}))
    about = {"name": name, "namespace": meta["namespace"], "labels": labels, **owned_by(workload)}
    data = {"spec": {"template": {**copy.deepcopy(template), "$patch": "replace"}}}
    cluster.add({"kind": "ControllerRevision", "metadata": about, "data": data, "revision": highest + 1})


def job(controllers: Controllers, cluster: FakeCluster, made: Plain) -> None:
    """Runs on until it is suspended; its selector and its pods' label are given to it."""
    spec, uid = made["spec"], made["metadata"]["uid"]
    labels = spec["template"].setdefault("metadata", {}).setdefault("labels", {})
    if "selector" not in spec:
        spec["selector"] = {"matchLabels": {UID: uid}}
        labels[UID] = uid
    pods, suspended = controllers.owned(kinds.POD, made), spec.get("suspend") is True
    if suspended:
        for pod in pods:
            cluster.objects.pop(cluster.key(kinds.POD, pod), None)
    elif not pods:
        controllers.make_pod(kinds.JOB, made, f"{made['metadata']['name']}-run", "")
    made["status"] = {**made.get("status", {}), "active": 0 if suspended else 1}


def budget(cluster: FakeCluster, made: Plain) -> None:
    """What it covers, what of that is healthy, and how many may go."""
    space = made["metadata"]["namespace"]
    pods = [pod for pod in cluster.of(kinds.POD, space) if covers(made, space, _labels(pod))]
    healthy, expected = sum(map(is_ready, pods)), len(pods)
    spec = made.get("spec", {})
    if "maxUnavailable" in spec:
        wanted = expected - _share(spec["maxUnavailable"], expected)
    else:
        wanted = _share(spec.get("minAvailable", 0), expected)
    made["status"] = {
        "expectedPods": expected,
        "currentHealthy": healthy,
        "desiredHealthy": max(0, wanted),
        "disruptionsAllowed": max(0, healthy - max(0, wanted)),
        "observedGeneration": made["metadata"].get("generation", 1),
    }


def claim(made: Plain) -> None:
    """Its volume has grown as soon as it was asked to."""
    if made.get("status", {}).get("phase") == "Bound":
        made["status"]["capacity"] = dict(made["spec"]["resources"]["requests"])


def _labels(pod: Plain) -> dict[str, str]:
    labels: dict[str, str] = pod["metadata"].get("labels", {})
    return labels


def _share(told: Any, of: int) -> int:
    return math.ceil(of * int(told[:-1]) / 100) if isinstance(told, str) else int(told)
