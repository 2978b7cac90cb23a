"""Orders for the executor, and the executor that carries them out."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from connectors.executors.contract import Checked, Done, Effect, End, Observed, Order
from connectors.kubernetes import kinds
from connectors.kubernetes.config import ExecutorConfig
from connectors.kubernetes.execution.executor import KubernetesExecutor
from connectors.kubernetes.kinds import Kind
from schemas.operations import Operation, Parameters, Step, Target
from schemas.preflight import Check
from tests.connectors.kubernetes.worlds import World, workload
from tests.peers import wait_until_async

ACTION_ID = "9c1d2c3b-0000-5000-8000-0000000000a1"
CLUSTERWIDE = ("node",)


def order(
    world: World, operation: Operation, kind: str, name: str, /, *, action_id: str = ACTION_ID, **given: Any
) -> Order:
    space = "" if kind in CLUSTERWIDE else world.namespace
    target = Target(namespace=space, kind=kind, name=name)
    return Order(Step(operation=operation, target=target, parameters=Parameters(**given)), action_id)


@asynccontextmanager
async def executing(kubeconfig: Path, **settings: Any) -> AsyncIterator[KubernetesExecutor]:
    executor = KubernetesExecutor(ExecutorConfig(clusters={"default": str(kubeconfig)}, **settings))
    try:
        yield executor
    finally:
        await executor.close()


def always(_: Observed) -> str:
    return ""


async def carry_out(executor: KubernetesExecutor, wanted: Order) -> tuple[Checked, Done]:
    """Checked, then executed on what was seen."""
    checked = await executor.check(wanted)
    assert checked.observed is not None, checked.checks
    return checked, await executor.execute(wanted, checked.observed.hash, always)


def failed(checked: Checked) -> dict[str, str]:
    return {check.name: check.message for check in checked.checks if not check.passed}


def named(checked: Checked, name: str) -> Check:
    return next(check for check in checked.checks if check.name == name)


class Acting:
    """The executor of a suite's `world`, and what its tests share."""

    @pytest.fixture
    async def executor(self, world: World) -> AsyncIterator[KubernetesExecutor]:
        async with executing(world.peer.kubeconfig, drain_secs=1) as executor:
            yield executor

    async def until(self, executor: KubernetesExecutor, wanted: Order, before: Any = None) -> None:
        async def holds() -> bool:
            return (await executor.verify(wanted, before)).effect is Effect.HOLDS

        await wait_until_async(holds, timeout=90, what=f"{wanted.step.operation} holds")

    async def take_back(self, executor: KubernetesExecutor, undo: Step | None) -> None:
        assert undo is not None
        wanted = Order(undo, "the-undo")
        checked, done = await carry_out(executor, wanted)
        assert (failed(checked), done.end, done.message) == ({}, End.DONE, "")
        await self.until(executor, wanted)

    async def rolled_out(
        self,
        world: World,
        executor: KubernetesExecutor,
        kind: str,
        name: str,
        made: dict[str, Any] | None = None,
    ) -> None:
        world.make(kinds.BY_WORD[kind], made or made_workload(kind, name))
        await self.until(executor, order(world, Operation.RESTART_DEPLOYMENT, kind, name))


def pod_spec() -> dict[str, Any]:
    return {"containers": [{"name": "c", "image": "c:1"}]}


def made_workload(kind: str, name: str) -> dict[str, Any]:
    return workload(kinds.BY_WORD[kind].kind, name, 1, "app:1")


def _object(world: World, kind: Kind, name: str) -> dict[str, Any]:
    found = world.get(kind, name)
    assert found is not None
    return found


def spec_of(world: World, kind: str, name: str) -> dict[str, Any]:
    spec: dict[str, Any] = _object(world, kinds.BY_WORD[kind], name)["spec"]
    return spec


def template_of(world: World, kind: str, name: str) -> dict[str, Any]:
    template: dict[str, Any] = spec_of(world, kind, name)["template"]
    return template


def _container(world: World, kind: str, name: str) -> dict[str, Any]:
    container: dict[str, Any] = template_of(world, kind, name)["spec"]["containers"][0]
    return container


def limit_of(world: World, kind: str, name: str) -> str:
    return str(_container(world, kind, name)["resources"]["limits"]["memory"])


def image_of(world: World, name: str) -> str:
    return str(_container(world, "deployment", name)["image"])


def set_image(world: World, name: str, image: str) -> None:
    made = workload("Deployment", name, 1, image)
    path = kinds.DEPLOYMENT.path(world.namespace, name)
    generation = world.peer.patch(path, {"spec": {"template": made["spec"]["template"]}})["metadata"][
        "generation"
    ]
    world.wait(kinds.DEPLOYMENT, name, lambda one: one["status"].get("observedGeneration") == generation)


def make_budget(world: World, app: str, **spec: Any) -> None:
    about = {"selector": {"matchLabels": {"app": app}}, **spec}
    world.make(kinds.BUDGET, {"metadata": {"name": app}, "spec": about})
    world.wait(kinds.BUDGET, app, lambda one: one.get("status", {}).get("currentHealthy"))


def make_node(world: World) -> str:
    """One of the test's own."""
    name = f"node-{world.namespace}"
    room = {"cpu": "32", "memory": "256Gi", "pods": "500"}
    about = {"name": name, "labels": {"kubernetes.io/hostname": name, "type": "kwok"}}
    world.make(kinds.NODE, {"metadata": about, "status": {"allocatable": room, "capacity": room}})
    world.nodes.append(name)
    return name


def deploy_on(world: World, name: str, node: str, *, replicas: int) -> None:
    made = workload("Deployment", name, replicas, "app:1")
    made["spec"]["template"]["spec"]["nodeSelector"] = {"kubernetes.io/hostname": node}
    world.make(kinds.DEPLOYMENT, made)
    world.wait(kinds.DEPLOYMENT, name, lambda one: one.get("status", {}).get("readyReplicas", 0) == replicas)


def storage(size: str) -> dict[str, Any]:
    return {"resources": {"requests": {"storage": size}}}


def make_claim(world: World, name: str, size: str, storage_class: str = "fixed") -> None:
    spec = {"accessModes": ["ReadWriteOnce"], "storageClassName": storage_class, **storage(size)}
    world.make(kinds.PVC, {"metadata": {"name": name}, "spec": spec})


def make_growing_claim(world: World) -> str:
    """Bound to a volume of a class that lets claims grow."""
    name = f"grows-{world.namespace}"
    ask = world.peer.ask
    about: dict[str, Any] = {"metadata": {"name": name}, "provisioner": "none", "allowVolumeExpansion": True}
    ask("POST", "/apis/storage.k8s.io/v1/storageclasses", about)
    claim = {"namespace": world.namespace, "name": "data"}
    size = {"storage": "1Gi"}
    spec = {"capacity": size, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/tmp/x"}}
    volume = {"metadata": {"name": name}, "spec": {**spec, "storageClassName": name, "claimRef": claim}}
    ask("POST", "/api/v1/persistentvolumes", volume)
    make_claim(world, "data", "1Gi", name)
    world.wait(kinds.PVC, "data", lambda one: one.get("status", {}).get("phase") == "Bound")
    return "data"


def change_target(world: World, name: str, what: str) -> None:
    """What people and other programs do to a deployment of two pods while its approval waits."""
    path = kinds.DEPLOYMENT.path(world.namespace, name)
    if what == "image":
        set_image(world, name, "app:2")
    elif what == "replicas":
        world.peer.patch(path, {"spec": {"replicas": 3}})
    elif what == "budget":
        make_budget(world, name, minAvailable=1)
    else:
        world.peer.ask("DELETE", path)
    if what == "made_anew":
        world.deploy(name, replicas=2)
