"""What an executor may rely on: the target as it was approved, once, and the last word before the write."""

from __future__ import annotations

import pytest

from connectors.executors.contract import End, Happened
from connectors.kubernetes import kinds
from connectors.kubernetes.execution.act import ACTION
from connectors.kubernetes.execution.executor import KubernetesExecutor
from schemas.operations import Operation
from tests.connectors.kubernetes.orders import (
    Acting,
    always,
    carry_out,
    change_target,
    failed,
    order,
    spec_of,
    template_of,
)
from tests.connectors.kubernetes.worlds import OnFake, OnReal, World


class Suite(Acting):
    # -- the target as it was approved

    @pytest.mark.parametrize("change", ["image", "replicas", "budget", "made_anew"])
    async def test_a_target_that_changed_is_left_alone(
        self, world: World, executor: KubernetesExecutor, change: str
    ) -> None:
        world.deploy("api", replicas=2)
        wanted = order(world, Operation.RESTART_DEPLOYMENT, "deployment", "api")
        checked = await executor.check(wanted)
        assert checked.observed is not None
        change_target(world, "api", change)

        done = await executor.execute(wanted, checked.observed.hash, always)

        assert done.end is End.CHANGED
        assert done.observed is not None
        assert done.observed.hash != checked.observed.hash
        assert checked.observed.differs_in(done.observed.state)
        assert ACTION not in template_of(world, "deployment", "api")["metadata"].get("annotations", {})

    async def test_a_target_that_is_gone(self, world: World, executor: KubernetesExecutor) -> None:
        world.deploy("api", replicas=1)
        wanted = order(world, Operation.RESTART_DEPLOYMENT, "deployment", "api")
        checked = await executor.check(wanted)
        assert checked.observed is not None
        world.peer.ask("DELETE", kinds.DEPLOYMENT.path(world.namespace, "api"))

        done = await executor.execute(wanted, checked.observed.hash, always)

        assert (done.end, done.message) == (End.CHANGED, "deployment api is gone")
        assert failed(await executor.check(wanted)) == {"exists": "there is no deployment api"}

    async def test_what_a_controller_does_by_itself_changes_nothing(
        self, world: World, executor: KubernetesExecutor
    ) -> None:
        """Status, versions and marks move all the time; the write is made anew on what it is then."""
        world.deploy("api", replicas=1)
        wanted = order(world, Operation.RESTART_DEPLOYMENT, "deployment", "api")
        checked = await executor.check(wanted)
        assert checked.observed is not None
        touched = 0

        def touch(_: object) -> str:
            """Between the look and the write, once."""
            nonlocal touched
            touched += 1
            if touched == 1:
                about = {"metadata": {"annotations": {"someone": "else"}}}
                world.peer.patch(kinds.DEPLOYMENT.path(world.namespace, "api"), about)
            return ""

        done = await executor.execute(wanted, checked.observed.hash, touch)

        assert done.end is End.DONE
        assert touched >= 2

    async def test_the_last_word_is_asked_right_before_the_write(
        self, world: World, executor: KubernetesExecutor
    ) -> None:
        world.deploy("api", replicas=1)
        wanted = order(world, Operation.RESTART_DEPLOYMENT, "deployment", "api")
        checked = await executor.check(wanted)
        assert checked.observed is not None

        done = await executor.execute(wanted, checked.observed.hash, lambda _: "the claim is over")

        assert (done.end, done.message) == (End.REFUSED, "the claim is over")
        probe = await executor.probe(wanted, checked.observed.hash, checked.observed)
        assert (probe.happened, probe.late_call_refused) == (Happened.NO, False)

    async def test_the_same_action_is_done_once(self, world: World, executor: KubernetesExecutor) -> None:
        world.deploy("api", replicas=1)
        wanted = order(world, Operation.RESTART_DEPLOYMENT, "deployment", "api")
        checked, _ = await carry_out(executor, wanted)
        assert checked.observed is not None
        after = spec_of(world, "deployment", "api")

        again = await executor.execute(wanted, checked.observed.hash, always)

        assert (again.end, again.message) == (End.DONE, "it was done before")
        assert spec_of(world, "deployment", "api") == after

    async def test_a_dry_run_changes_nothing(self, world: World, executor: KubernetesExecutor) -> None:
        world.deploy("api", replicas=1)
        before = world.get(kinds.DEPLOYMENT, "api")

        for operation, given in (
            (Operation.RESTART_DEPLOYMENT, {}),
            (Operation.SCALE_DEPLOYMENT, {"replicas": 4}),
        ):
            check = await executor.dry_run(order(world, operation, "deployment", "api", **given))
            assert check.passed, check.message

        assert before is not None
        assert spec_of(world, "deployment", "api") == before["spec"]


class TestFake(OnFake, Suite):
    pass


class TestReal(OnReal, Suite):
    pass
