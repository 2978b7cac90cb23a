"""The checks of a plan in a cluster of 2,000 pods: how long each operation's take, and in how much memory."""

from __future__ import annotations

import json
from collections.abc import Sequence

from benchmarks.child import child
from benchmarks.control_plane import Obj, Space, control_plane, deployment, pod_spec, space
from benchmarks.measured import Measured, Scale
from connectors.kubernetes import kinds
from schemas.operations import Operation, Parameters, Step, Target
from tests.peers.kubernetes import KubernetesPeer

PODS, PODS_A_NODE = 2_000, 100
APP, CLAIM, MAKER = "shop", "data", "maker"
BUDGETS = 20
MOST_SECS = 120


async def measure(scale: Scale) -> Measured:
    with control_plane(scale.folder / "plan-cluster") as peer:
        return await measure_on(peer, scale, scale.of(PODS, 300))


async def measure_on(peer: KubernetesPeer, scale: Scale, pods: int) -> Measured:
    """By a process of its own, as large as the executor's part of a worker."""
    async with space(peer) as cluster:
        nodes = await _fill(cluster, pods)
        try:
            return _told(_checked(cluster, scale, await _steps(cluster, nodes[0])), pods)
        finally:
            for node in nodes:
                peer.ask("DELETE", kinds.NODE.path(name=node))


# -- the cluster


async def _fill(cluster: Space, pods: int) -> Sequence[str]:
    """All of them behind one deployment's selector, in one namespace: nothing may be left out of a look.

    They are made directly, since controllers make twenty a second. The deployment's replica set does not take
    them for its own: they lack its label.
    """
    nodes = [f"{cluster.name}-{number}" for number in range(-(-pods // PODS_A_NODE))]
    await cluster.make(kinds.NODE, [_node(name) for name in nodes])
    await cluster.make(kinds.DEPLOYMENT, [deployment(APP)])
    await cluster.make(kinds.PVC, [_claim()])
    path = f"/api/v1/namespaces/{cluster.name}/configmaps"
    maker = cluster.peer.ask("POST", path, {"metadata": {"name": MAKER}})
    await cluster.make(kinds.POD, [_pod(number, nodes, maker) for number in range(pods - 1)])
    await cluster.make(kinds.BUDGET, [_budget(number) for number in range(BUDGETS)])
    await cluster.until_running()
    return nodes


def _node(name: str) -> Obj:
    room = {"cpu": "32", "memory": "256Gi", "pods": str(2 * PODS_A_NODE)}
    about = {"name": name, "labels": {"kubernetes.io/hostname": name, "type": "kwok"}}
    return {"metadata": about, "status": {"allocatable": room, "capacity": room}}


def _pod(number: int, nodes: Sequence[str], maker: Obj) -> Obj:
    """Something owns it, which no controller works for."""
    owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": MAKER, "uid": maker["metadata"]["uid"]}
    labels = {"app": APP, "tier": "web", "app.kubernetes.io/part-of": APP}
    about = {
        "name": f"{APP}-{number:05d}",
        "labels": labels,
        "ownerReferences": [{**owner, "controller": True}],
    }
    return {"metadata": about, "spec": {**pod_spec(APP), "nodeName": nodes[number % len(nodes)]}}


def _claim() -> Obj:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    return {"metadata": {"name": CLAIM}, "spec": spec}


def _budget(number: int) -> Obj:
    """Each of a namespace is held against each pod; one covers them."""
    labels = {"app": APP if number == 0 else f"other-{number}"}
    spec = {"minAvailable": 1, "selector": {"matchLabels": labels}}
    return {"metadata": {"name": f"budget-{number}"}, "spec": spec}


# -- what is checked


async def _steps(cluster: Space, node: str) -> Sequence[Step]:
    """One of each way to look: a workload's pods, a node's, a pod's owners, all that may use a claim."""
    listing = await cluster.admin.list(kinds.POD, cluster.name, labels=f"app={APP},pod-template-hash")
    own = listing.items[0]["metadata"]["name"]

    def step(operation: Operation, kind: str, name: str, **given: int) -> Step:
        target = Target(namespace="" if kind == "node" else cluster.name, kind=kind, name=name)
        return Step(operation=operation, target=target, parameters=Parameters(replicas=given.get("replicas")))

    return (
        step(Operation.RESTART_DEPLOYMENT, "deployment", APP),
        step(Operation.SCALE_DEPLOYMENT, "deployment", APP, replicas=2),
        step(Operation.DELETE_POD, "pod", own),
        step(Operation.DRAIN_NODE, "node", node),
        step(Operation.DELETE_PVC, "pvc", CLAIM),
    )


def _checked(cluster: Space, scale: Scale, steps: Sequence[Step]) -> Obj:
    asked, answer = scale.folder / "plan.json", scale.folder / "plan-told.json"
    asked.write_text(json.dumps([step.model_dump(mode="json") for step in steps]))
    arguments = (str(cluster.peer.kubeconfig), str(asked), str(scale.of(5, 2)), str(answer))
    with child(scale.folder, "plan-checks", "benchmarks.plan_checks", *arguments) as process:
        if process.wait(MOST_SECS):
            raise RuntimeError(process.tail())
    told: Obj = json.loads(answer.read_bytes())
    return told


def _told(told: Obj, pods: int) -> Measured:
    counted = told["counted"][Operation.RESTART_DEPLOYMENT]
    if counted != f"{pods} pods":
        raise RuntimeError(f"{counted} were counted of {pods}")
    more = {f"plan_check_{name.lower()}_ms": took for name, took in told["ms"].items()}
    more |= {"plan_check_worst_ms": told["worst_ms"], "plan_check_added_mb": told["added_bytes"] / 1e6}
    keys = {"plan_check_2000_pods_ms": max(told["ms"].values())}
    return Measured(keys | {"plan_check_2000_pods_mb": told["peak_bytes"] / 1e6}, more)
