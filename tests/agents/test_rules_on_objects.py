"""Playbooks on what the gatherers really find: objects as Kubernetes has them, through findings and snapshot.

A fact of a playbook that no gatherer ever words so would match nothing: here they meet.
"""

from __future__ import annotations

from typing import Any

import pytest

from agents.playbooks.book import load_book
from agents.rule_actions import proposals
from agents.rules import rank
from agents.snapshot import Gathered, snapshot
from connectors.evidence import Finding
from connectors.kubernetes import kinds, places, pods, workloads
from schemas.evidence import Brief, Source, Surroundings
from schemas.operations import Operation
from tests.agents.runs import NOW, keys, started

BOOK = load_book()
POD = "checkout-5d8c9f7b4-x2x4l"
META = {
    "name": POD,
    "namespace": "shop",
    "ownerReferences": [{"kind": "ReplicaSet", "name": "checkout-5d8c9f7b4"}],
}
LIMITS = {"resources": {"limits": {"memory": "512Mi", "cpu": "500m"}}}


def pod(state: dict[str, Any], last: dict[str, Any] | None = None, restarts: int = 0) -> Finding:
    status = {
        "name": "app",
        "ready": False,
        "restartCount": restarts,
        "state": state,
        "lastState": {"terminated": last} if last else {},
    }
    obj = {
        "metadata": META,
        "spec": {
            "nodeName": "worker-3",
            "containers": [{"name": "app", "image": "shop/checkout:2", **LIMITS}],
        },
        "status": {"phase": "Running", "containerStatuses": [status]},
    }
    return pods.pod(obj, NOW)


def deployment(ready: int = 3) -> Finding:
    status = {"readyReplicas": ready, "availableReplicas": ready, "updatedReplicas": 4}
    meta = {"name": "checkout", "namespace": "shop"}
    return workloads.workload(
        kinds.DEPLOYMENT, {"metadata": meta, "spec": {"replicas": 4}, "status": status}, NOW
    )


def event(reason: str, message: str, kind: str = "Pod", name: str = POD) -> Finding:
    told = {"type": "Warning", "reason": reason, "message": message}
    (found,) = places.latest(
        [{"metadata": {"uid": "1"}, "involvedObject": {"kind": kind, "name": name}, **told}], NOW
    )
    return found


def node(ready: str, pressure: str = "") -> Finding:
    conditions = [{"type": "Ready", "status": ready}]
    conditions += [{"type": pressure, "status": "True"}] if pressure else []
    return places.node({"metadata": {"name": "worker-3"}, "status": {"conditions": conditions}}, NOW)


def claim(phase: str) -> Finding:
    spec = {"resources": {"requests": {"storage": "20Gi"}}}
    capacity = {"capacity": {"storage": "20Gi"}} if phase == "Bound" else {}
    meta = {"name": "data-0", "namespace": "shop"}
    return places.pvc({"metadata": meta, "spec": spec, "status": {"phase": phase, **capacity}}, NOW)


async def brief(alert_type: str, *findings: Finding, **labels: str) -> Brief:
    about = labels or {"pod": POD}
    run = await started({"alertname": alert_type, "namespace": "shop", **about}, summary="see the dashboard")
    return snapshot(run, [Gathered(Source.KUBERNETES, findings)], keys(), Surroundings()).brief


KILLED = {"reason": "OOMKilled", "exitCode": 137}
CRASHED = {"reason": "Error", "exitCode": 1}
LOOPING = {"waiting": {"reason": "CrashLoopBackOff"}}
CASES = {
    "killed for memory": (
        ("HighErrorRate", pod(LOOPING, KILLED, 6), deployment()),
        ("memory", Operation.SET_RESOURCES, {"limits": {"memory": "768Mi"}}),
    ),
    "crashing": (
        (
            "KubePodNotReady",
            pod(LOOPING, CRASHED, 12),
            event("BackOff", "Back-off restarting failed container"),
        ),
        ("crash_loop", Operation.DELETE_POD, {}),
    ),
    "no such image": (
        (
            "KubePodNotReady",
            pod({"waiting": {"reason": "ImagePullBackOff"}}),
            event("Failed", "manifest unknown"),
        ),
        ("image", Operation.ROLLBACK_DEPLOYMENT, {}),
    ),
    "no room": (
        ("KubePodNotReady", event("FailedScheduling", "0/3 nodes are available: 3 Insufficient cpu.")),
        ("scheduling", Operation.GET_DETAILS, {}),
    ),
    "a missing secret": (
        ("KubePodNotReady", pod({"waiting": {"reason": "CreateContainerConfigError"}})),
        ("configuration", Operation.ROLLBACK_DEPLOYMENT, {}),
    ),
    "a node that went away": (
        ("TargetDown", node("Unknown"), event("NodeNotReady", "Node is not ready", "Node", "worker-3")),
        ("node", Operation.CORDON_NODE, {}),
    ),
    "a node without room on its disk": (
        ("HighLatency", node("True", "DiskPressure")),
        ("disk", Operation.CORDON_NODE, {}),
    ),
}


@pytest.mark.parametrize(("seen", "expected"), CASES.values(), ids=list(CASES))
async def test_what_gatherers_find_leads_to_the_cause_and_to_an_action(seen, expected):
    alert_type, *findings = seen
    given = await brief(alert_type, *findings)
    candidates = rank(given, BOOK)
    first = next(one for one in proposals(given, candidates) if one.hypothesis == "H1")

    playbook = candidates[0].playbook
    assert playbook is not None
    assert candidates[0].outside
    told = first.step.parameters.model_dump(exclude_defaults=True)
    assert (playbook.family, first.step.operation, told) == expected


async def test_a_volume_grows_by_half_of_what_it_has():
    given = await brief("KubePersistentVolumeFillingUp", claim("Bound"), persistentvolumeclaim="data-0")
    first = proposals(given, rank(given, BOOK))[0]

    assert first.step.parameters.size == "30Gi"
    assert first.step.target.id, "the target is the one of the evidence"


async def test_a_claim_that_waits_for_its_volume():
    given = await brief("KubePodNotReady", claim("Pending"), event("ProvisioningFailed", "no such class"))

    assert rank(given, BOOK)[0].hypothesis.playbook == "volume-claim-pending"
