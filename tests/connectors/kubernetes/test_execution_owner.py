"""What an act is counted for: the workload at the top, by whatever part of it is acted on."""

from __future__ import annotations

from typing import Any

from connectors.executors.contract import End
from connectors.kubernetes import kinds
from connectors.kubernetes.execution.executor import KubernetesExecutor
from schemas.operations import Operation, Target
from tests.connectors.kubernetes.orders import (
    Acting,
    always,
    carry_out,
    make_claim,
    make_node,
    order,
    pod_spec,
    set_image,
)
from tests.connectors.kubernetes.worlds import OnFake, OnReal, World, workload


async def owner(
    world: World, executor: KubernetesExecutor, operation: Operation, kind: str, name: str, **given: Any
) -> Target:
    checked = await executor.check(order(world, operation, kind, name, **given))
    assert checked.workload is not None, checked.checks
    return checked.workload


class Suite(Acting):
    async def test_pods_of_one_deployment_and_itself_are_one(
        self, world: World, executor: KubernetesExecutor
    ) -> None:
        world.deploy("api", replicas=2)
        first, second = (pod["metadata"]["name"] for pod in world.pods("api"))

        told = [
            await owner(world, executor, Operation.DELETE_POD, "pod", first),
            await owner(world, executor, Operation.DELETE_POD, "pod", second),
            await owner(world, executor, Operation.SCALE_DEPLOYMENT, "deployment", "api", replicas=3),
        ]

        assert told == [Target(namespace=world.namespace, kind="deployment", name="api")] * 3

    async def test_what_others_own_is_theirs_though_they_cannot_be_read(
        self, world: World, executor: KubernetesExecutor
    ) -> None:
        made = workload("Deployment", "db", 1, "db:1")
        made["metadata"]["ownerReferences"] = [controlled_by("Database", "orders", "db.example.com/v1")]
        world.make(kinds.DEPLOYMENT, made)
        world.wait(kinds.DEPLOYMENT, "db", lambda one: one.get("status", {}).get("readyReplicas"))
        pod = world.pods("db")[0]["metadata"]["name"]

        by_pod = await owner(world, executor, Operation.DELETE_POD, "pod", pod)
        by_name = await owner(world, executor, Operation.RESTART_DEPLOYMENT, "deployment", "db")

        assert by_pod == by_name == Target(namespace=world.namespace, kind="database", name="orders")

    async def test_a_job_is_of_what_made_it(self, world: World, executor: KubernetesExecutor) -> None:
        template = {"spec": {**pod_spec(), "restartPolicy": "Never"}}
        spec = {"schedule": "0 0 1 1 *", "jobTemplate": {"spec": {"template": template}}}
        nightly = world.make(kinds.CRONJOB, {"metadata": {"name": "nightly"}, "spec": spec})
        about = {
            "name": "nightly-1",
            "ownerReferences": [
                controlled_by("CronJob", "nightly", kinds.CRONJOB.group, nightly["metadata"]["uid"])
            ],
        }
        world.make(kinds.JOB, {"metadata": about, "spec": {"template": template}})
        world.wait(kinds.JOB, "nightly-1", lambda one: "template" in one["spec"])

        told = await owner(world, executor, Operation.RESTART_JOB, "job", "nightly-1")

        assert told == Target(namespace=world.namespace, kind="cronjob", name="nightly")

    async def test_what_nothing_owns_is_itself(self, world: World, executor: KubernetesExecutor) -> None:
        world.make(kinds.POD, {"metadata": {"name": "alone"}, "spec": pod_spec()})
        make_claim(world, "data", "1Gi")
        node = make_node(world)

        assert await owner(world, executor, Operation.DELETE_POD, "pod", "alone") == Target(
            namespace=world.namespace, kind="pod", name="alone"
        )
        assert await owner(world, executor, Operation.DELETE_PVC, "pvc", "data") == Target(
            namespace=world.namespace, kind="pvc", name="data"
        )
        assert await owner(world, executor, Operation.CORDON_NODE, "node", node) == Target(
            kind="node", name=node
        )

    async def test_a_pod_is_another_act_once_its_workload_makes_something_else(
        self, world: World, executor: KubernetesExecutor
    ) -> None:
        """The rollout is held up, so that the very pod is still there."""
        world.deploy("api", replicas=1)
        world.peer.patch(kinds.DEPLOYMENT.path(world.namespace, "api"), {"spec": {"paused": True}})
        pod = world.pods("api")[0]["metadata"]["name"]
        wanted = order(world, Operation.DELETE_POD, "pod", pod)
        before = (await executor.check(wanted)).observed
        assert before is not None
        set_image(world, "api", "app:2")

        done = await executor.execute(wanted, before.hash, always)

        assert (done.end, done.message) == (End.CHANGED, f"pod {pod} is not what was approved")

    async def test_a_workload_is_the_same_after_one_of_its_pods_went(
        self, world: World, executor: KubernetesExecutor
    ) -> None:
        world.deploy("api", replicas=2)
        restart = order(world, Operation.RESTART_DEPLOYMENT, "deployment", "api")
        before = (await executor.check(restart)).observed
        pod = world.pods("api")[0]["metadata"]["name"]
        await carry_out(executor, order(world, Operation.DELETE_POD, "pod", pod, action_id="another"))

        after = (await executor.check(restart)).observed

        assert before is not None
        assert after is not None
        assert before.hash == after.hash


def controlled_by(kind: str, name: str, group: str, uid: str = "8f6f2c1e-0000-4000-8000-000000000001") -> Any:
    return {"apiVersion": group, "kind": kind, "name": name, "uid": uid, "controller": True}


class TestFake(OnFake, Suite):
    pass


class TestReal(OnReal, Suite):
    pass
