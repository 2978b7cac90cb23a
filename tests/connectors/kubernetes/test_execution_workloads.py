"""Restart, scale, roll back, set resources: on the fake and on the real control plane."""

from __future__ import annotations

import pytest

from connectors.executors.contract import End, Happened
from connectors.kubernetes.execution.act import ACTION
from connectors.kubernetes.execution.executor import KubernetesExecutor
from schemas.operations import Operation
from tests.connectors.kubernetes.orders import (
    ACTION_ID,
    Acting,
    carry_out,
    failed,
    image_of,
    limit_of,
    made_workload,
    make_budget,
    named,
    order,
    set_image,
    spec_of,
    template_of,
)
from tests.connectors.kubernetes.worlds import OnFake, OnReal, World


class Suite(Acting):
    @pytest.mark.parametrize("kind", ["deployment", "statefulset", "daemonset"])
    async def test_a_restart_and_back(self, world: World, executor: KubernetesExecutor, kind: str) -> None:
        await self.rolled_out(world, executor, kind, "api")
        before = spec_of(world, kind, "api")
        wanted = order(world, Operation.RESTART_DEPLOYMENT, kind, "api")

        checked, done = await carry_out(executor, wanted)

        assert (failed(checked), done.end, done.message) == ({}, End.DONE, "")
        await self.until(executor, wanted)
        assert template_of(world, kind, "api")["metadata"]["annotations"][ACTION] == ACTION_ID
        assert (await executor.probe(wanted, checked.observed.hash)).happened is Happened.YES  # type: ignore[union-attr]

        undo = executor.undo(wanted, checked)
        assert undo is not None
        assert undo.operation is Operation.ROLLBACK_DEPLOYMENT
        await self.take_back(executor, undo)
        assert spec_of(world, kind, "api") == before

    async def test_scaling_and_back(self, world: World, executor: KubernetesExecutor) -> None:
        world.deploy("api", replicas=1)
        wanted = order(world, Operation.SCALE_DEPLOYMENT, "deployment", "api", replicas=3)

        checked, done = await carry_out(executor, wanted)

        assert (failed(checked), done.end) == ({}, End.DONE)
        await self.until(executor, wanted)
        assert len(world.pods("api")) == 3
        await self.take_back(executor, executor.undo(wanted, checked))
        assert spec_of(world, "deployment", "api")["replicas"] == 1

    async def test_a_budget_is_asked_before_scaling_down(
        self, world: World, executor: KubernetesExecutor
    ) -> None:
        world.deploy("api", replicas=3)
        make_budget(world, "api", minAvailable=2)

        checked = await executor.check(
            order(world, Operation.SCALE_DEPLOYMENT, "deployment", "api", replicas=1)
        )

        assert failed(checked) == {"budgets": "budget api needs 2 pods, and 1 would be left"}

    @pytest.mark.parametrize("kind", ["deployment", "statefulset"])
    async def test_resources_and_back(self, world: World, executor: KubernetesExecutor, kind: str) -> None:
        made = made_workload(kind, "api")
        made["spec"]["template"]["spec"]["containers"][0]["resources"] = {"limits": {"memory": "64Mi"}}
        await self.rolled_out(world, executor, kind, "api", made)
        wanted = order(world, Operation.SET_RESOURCES, kind, "api", limits={"memory": "128Mi"})

        checked, done = await carry_out(executor, wanted)

        assert (failed(checked), done.end, done.message) == ({}, End.DONE, "")
        assert limit_of(world, kind, "api") == "128Mi"
        await self.take_back(executor, executor.undo(wanted, checked))
        assert limit_of(world, kind, "api") == "64Mi"

    async def test_amounts_that_do_not_fit_are_refused_in_the_servers_words(
        self, world: World, executor: KubernetesExecutor
    ) -> None:
        world.deploy("api", replicas=1)
        given = {"requests": {"memory": "1Gi"}, "limits": {"memory": "1Mi"}}
        wanted = order(world, Operation.SET_RESOURCES, "deployment", "api", **given)

        checked, done = await carry_out(executor, wanted)

        assert "must be less than or equal to memory limit" in failed(checked)["dry_run"]
        assert done.end is End.REFUSED
        assert "(422)" in done.message

    async def test_a_rollback_goes_where_it_is_told(self, world: World, executor: KubernetesExecutor) -> None:
        world.deploy("api", replicas=1, image="app:1")
        for image in ("app:2", "app:3"):
            set_image(world, "api", image)
        wanted = order(world, Operation.ROLLBACK_DEPLOYMENT, "deployment", "api", revision=1)

        checked, done = await carry_out(executor, wanted)

        assert (failed(checked), done.end) == ({}, End.DONE)
        assert named(checked, "revision").message == "from revision 3 to 1"
        await self.until(executor, wanted)
        assert image_of(world, "api") == "app:1"
        await self.take_back(executor, executor.undo(wanted, checked))
        assert image_of(world, "api") == "app:3"

    async def test_a_rollback_without_a_number_is_to_the_one_before(
        self, world: World, executor: KubernetesExecutor
    ) -> None:
        world.deploy("api", replicas=1, image="app:1")
        set_image(world, "api", "app:2")

        _, done = await carry_out(executor, order(world, Operation.ROLLBACK_DEPLOYMENT, "deployment", "api"))

        assert (done.end, image_of(world, "api")) == (End.DONE, "app:1")

    async def test_a_revision_that_is_not_kept(self, world: World, executor: KubernetesExecutor) -> None:
        world.deploy("api", replicas=1)

        checked = await executor.check(
            order(world, Operation.ROLLBACK_DEPLOYMENT, "deployment", "api", revision=9)
        )

        assert failed(checked)["revision"] == "deployment api has no such revision; kept: 1, in force: 1"


class TestFake(OnFake, Suite):
    pass


class TestReal(OnReal, Suite):
    pass
