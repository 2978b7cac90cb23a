"""Pods, jobs, nodes and volume claims: on the fake and on the real control plane."""

from __future__ import annotations

import pytest

from connectors.executors.contract import Effect, End, Happened
from connectors.kubernetes import kinds
from connectors.kubernetes.execution.act import ACTION
from connectors.kubernetes.execution.executor import KubernetesExecutor
from schemas.operations import Operation
from tests.connectors.kubernetes.orders import (
    ACTION_ID,
    Acting,
    carry_out,
    deploy_on,
    failed,
    made_workload,
    make_budget,
    make_claim,
    make_node,
    named,
    order,
    pod_spec,
    storage,
)
from tests.connectors.kubernetes.worlds import OnFake, OnReal, World


class Suite(Acting):
    # -- pods

    async def test_a_pod_is_evicted_and_made_anew(self, world: World, executor: KubernetesExecutor) -> None:
        world.deploy("api", replicas=2)
        pod = world.pods("api")[0]["metadata"]
        wanted = order(world, Operation.DELETE_POD, "pod", pod["name"])

        checked, done = await carry_out(executor, wanted)

        assert failed(checked) == {}
        assert {"permission", "parameters", "exists", "budgets", "blast_radius", "dry_run", "owned"} == {
            check.name for check in checked.checks
        }
        assert named(checked, "owned").message == "deployment api makes it anew"
        assert done.end is End.DONE
        assert executor.undo(wanted, checked) is None
        await self.until(executor, wanted, done.observed)
        assert pod["uid"] not in {one["metadata"]["uid"] for one in world.pods("api")}
        probe = await executor.probe(wanted, checked.observed.hash, done.observed)  # type: ignore[union-attr]
        assert (probe.happened, probe.late_call_refused) == (Happened.YES, True)

    async def test_a_bare_pod_would_not_come_back(self, world: World, executor: KubernetesExecutor) -> None:
        world.make(kinds.POD, {"metadata": {"name": "alone"}, "spec": pod_spec()})

        checked = await executor.check(order(world, Operation.DELETE_POD, "pod", "alone"))

        assert failed(checked) == {"owned": "nothing controls it: it would not come back"}

    async def test_a_budget_says_no(self, world: World, executor: KubernetesExecutor) -> None:
        world.deploy("api", replicas=1)
        make_budget(world, "api", minAvailable=1)
        pod = world.pods("api")[0]["metadata"]
        wanted = order(world, Operation.DELETE_POD, "pod", pod["name"])

        checked, done = await carry_out(executor, wanted)

        assert set(failed(checked)) == {"budgets", "dry_run"}
        assert "budget api needs 1 healthy pods and has 1" in failed(checked)["budgets"]
        assert "disruption budget" in failed(checked)["dry_run"]
        assert done.end is End.REFUSED
        assert "disruption budget" in done.message
        assert [one["metadata"]["uid"] for one in world.pods("api")] == [pod["uid"]]

    # -- jobs

    async def test_a_job_is_stopped_and_made_anew(self, world: World, executor: KubernetesExecutor) -> None:
        spec = {"template": {"spec": {**pod_spec(), "restartPolicy": "Never"}}}
        world.make(kinds.JOB, {"metadata": {"name": "import"}, "spec": spec})
        world.wait(kinds.JOB, "import", lambda one: "template" in one["spec"])
        wanted = order(world, Operation.RESTART_JOB, "job", "import")

        checked, done = await carry_out(executor, wanted)

        assert (failed(checked), done.end, done.message) == ({}, End.DONE, "")
        await self.until(executor, wanted)
        new = world.get(kinds.JOB, f"import-{ACTION_ID.replace('-', '')[:10]}")
        assert new is not None
        assert new["metadata"]["labels"][ACTION] == ACTION_ID
        old = world.get(kinds.JOB, "import")
        assert old is not None
        ended = {one["type"] for one in old.get("status", {}).get("conditions", [])}
        assert old["spec"].get("suspend") or "Complete" in ended
        assert (await executor.probe(wanted, checked.observed.hash)).happened is Happened.YES  # type: ignore[union-attr]

    # -- nodes

    async def test_a_node_is_cordoned_and_back(self, world: World, executor: KubernetesExecutor) -> None:
        name = make_node(world)
        wanted = order(world, Operation.CORDON_NODE, "node", name)

        checked, done = await carry_out(executor, wanted)

        assert (failed(checked), done.end) == ({}, End.DONE)
        assert (await executor.verify(wanted)).effect is Effect.HOLDS
        again = await executor.check(order(world, Operation.CORDON_NODE, "node", name, action_id="another"))
        assert set(failed(again)) == {"changes"}
        undo = executor.undo(wanted, checked)
        assert undo is not None
        assert undo.operation is Operation.UNCORDON_NODE
        await self.take_back(executor, undo)

    async def test_a_node_is_drained(self, world: World, executor: KubernetesExecutor) -> None:
        name = make_node(world)
        deploy_on(world, "api", name, replicas=3)
        wanted = order(world, Operation.DRAIN_NODE, "node", name)

        checked, done = await carry_out(executor, wanted)

        assert (failed(checked), done.end, done.message) == ({}, End.DONE, "")
        assert named(checked, "blast_radius").message == "3 pods"
        await self.until(executor, wanted)
        undo = executor.undo(wanted, checked)
        assert undo is not None
        assert undo.operation is Operation.UNCORDON_NODE

    async def test_a_drain_stops_at_a_budget(self, world: World, executor: KubernetesExecutor) -> None:
        name = make_node(world)
        deploy_on(world, "api", name, replicas=2)
        make_budget(world, "api", minAvailable=2)
        wanted = order(world, Operation.DRAIN_NODE, "node", name)

        checked, done = await carry_out(executor, wanted)

        assert set(failed(checked)) == {"budgets", "dry_run"}
        assert done.end is End.PARTLY
        assert "2 pods were not let go" in done.message

    async def test_pods_that_nothing_makes_anew_keep_a_node_from_being_drained(
        self, world: World, executor: KubernetesExecutor
    ) -> None:
        name = make_node(world)
        world.make(kinds.POD, {"metadata": {"name": "alone"}, "spec": {**pod_spec(), "nodeName": name}})

        checked = await executor.check(order(world, Operation.DRAIN_NODE, "node", name))

        assert failed(checked) == {"replaced": f"nothing would make these pods anew: {world.namespace}/alone"}

    # -- volume claims

    async def test_a_claim_that_no_class_lets_grow(self, world: World, executor: KubernetesExecutor) -> None:
        """Nothing but the API server's dry run can tell."""
        make_claim(world, "data", "1Gi")

        checked = await executor.check(order(world, Operation.EXPAND_PVC, "pvc", "data", size="2Gi"))

        assert set(failed(checked)) == {"dry_run"}
        assert "(403)" in failed(checked)["dry_run"] or "(422)" in failed(checked)["dry_run"]

    @pytest.mark.parametrize("size", ["1Gi", "512Mi"])
    async def test_a_claim_only_grows(self, world: World, executor: KubernetesExecutor, size: str) -> None:
        make_claim(world, "data", "1Gi")

        checked = await executor.check(order(world, Operation.EXPAND_PVC, "pvc", "data", size=size))

        assert failed(checked)["larger"] == f"from 1Gi to {size}"

    async def test_a_claim_is_deleted(self, world: World, executor: KubernetesExecutor) -> None:
        make_claim(world, "data", "1Gi")
        wanted = order(world, Operation.DELETE_PVC, "pvc", "data")

        checked, done = await carry_out(executor, wanted)

        assert failed(checked) == {"snapshot": "there is no snapshot"}
        assert (done.end, done.message) == (End.DONE, "")
        await self.until(executor, wanted, done.observed)
        assert world.get(kinds.PVC, "data") is None

    async def test_a_claim_in_use_is_no_orphan(self, world: World, executor: KubernetesExecutor) -> None:
        make_claim(world, "data", "1Gi")
        volumes = [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]
        world.make(kinds.POD, {"metadata": {"name": "db"}, "spec": {**pod_spec(), "volumes": volumes}})

        checked = await executor.check(order(world, Operation.DELETE_PVC, "pvc", "data"))

        assert failed(checked) | {"snapshot": ""} == {
            "unused": "used by pod db",
            "orphan": "used by pod db",
            "snapshot": "",
        }

    async def test_a_claim_that_a_workload_would_ask_for_again_is_no_orphan(
        self, world: World, executor: KubernetesExecutor
    ) -> None:
        make_claim(world, "data-db-0", "1Gi")
        made = made_workload("statefulset", "db")
        made["spec"]["volumeClaimTemplates"] = [
            {"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"], **storage("1Gi")}}
        ]
        world.make(kinds.STATEFULSET, made)

        checked = await executor.check(order(world, Operation.DELETE_PVC, "pvc", "data-db-0"))

        assert "statefulset db" in failed(checked)["orphan"]


class TestFake(OnFake, Suite):
    pass


class TestReal(OnReal, Suite):
    pass
