"""What was signed meets the cluster as it is by then: on the fake, and on a whole control plane."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import ExitStack
from typing import Any

import pytest

from connectors.kubernetes import kinds
from connectors.kubernetes.execution.act import ACTION
from schemas.operations import Operation
from tests.connectors.kubernetes.admission import trials_only
from tests.connectors.kubernetes.authorized import Story
from tests.connectors.kubernetes.orders import (
    change_target,
    executing,
    make_growing_claim,
    set_image,
    spec_of,
)
from tests.connectors.kubernetes.test_execution_admission import WORDS, closed_books
from tests.connectors.kubernetes.worlds import OnFake, OnReal, World
from tests.peers import wait_until
from tests.peers.kubernetes import Refused
from tests.streams.policy.forgeries import policy, without

SCALE, RESTART, ROLLBACK = (
    Operation.SCALE_DEPLOYMENT,
    Operation.RESTART_DEPLOYMENT,
    Operation.ROLLBACK_DEPLOYMENT,
)


OWNERS_WORDS = "the owner of this cluster lets nobody scale today"
STRICTER = ("MEDIUM: {signatures: 1", "MEDIUM: {signatures: 3")
MEANWHILE: dict[str, tuple[dict[str, Any], str]] = {
    "the kill switch was thrown": ({"kill_switch": "it is engaged"}, "kill_switch"),
    "a signer's key was removed": ({"registry": without("carol")}, "unknown_key"),
    "policy asks for more": ({"policy": policy(*STRICTER)}, "other_policy"),
}


@pytest.fixture
async def story(world: World) -> AsyncIterator[Story]:
    async with executing(world.peer.kubeconfig) as executor:
        yield Story(world, executor)


class Suite:
    # -- opposite acts

    async def test_of_two_opposite_scales_the_second_is_judged_on_the_new_state(
        self, world: World, story: Story
    ) -> None:
        world.deploy("api", replicas=2)
        up = await story.sign(SCALE, "deployment", "api", replicas=3)
        down = await story.sign(SCALE, "deployment", "api", incident=1, replicas=1)

        await story.run(up, down)

        done, voided = story.ends()
        assert (done.type, voided.type) == ("execution.succeeded", "execution.voided")
        assert spec_of(world, "deployment", "api")["replicas"] == 3
        now = await story.now(down)
        assert (voided.payload.observed_state, voided.payload.observed_now) == (
            down.payload.observed_state,
            now.hash,
        )
        assert voided.payload.state_now["replicas"] == "3"
        (decision,) = (event for event in story.log.written if event.type == "decision.made")
        assert (decision.incident_id, decision.payload.outcome) == (down.incident_id, "VOIDED")

    async def test_a_pod_is_left_alone_once_its_workload_was_rolled_back(
        self, world: World, story: Story
    ) -> None:
        """Two incidents, two parts of one workload; the rollout is slow, so that the pod is still there."""
        world.deploy("api", replicas=1)
        set_image(world, "api", "app:2")
        world.wait(kinds.DEPLOYMENT, "api", lambda one: one["status"].get("updatedReplicas") == 1)
        pod = await _only_pod(world)
        slow = {"spec": {"minReadySeconds": 300}}
        world.peer.patch(kinds.DEPLOYMENT.path(world.namespace, "api"), slow)
        back = await story.sign(ROLLBACK, "deployment", "api")
        restart = await story.sign(Operation.DELETE_POD, "pod", pod, incident=1)

        await story.run(back, restart)

        done, voided = story.ends()
        assert (done.type, voided.type) == ("execution.succeeded", "execution.voided"), voided.payload.reason
        assert done.payload.target == voided.payload.target
        assert voided.payload.action.step.target.name == pod

    async def test_a_workload_that_lost_a_pod_is_still_what_was_approved(
        self, world: World, story: Story
    ) -> None:
        world.deploy("api", replicas=1)
        set_image(world, "api", "app:2")
        world.wait(kinds.DEPLOYMENT, "api", lambda one: one["status"].get("updatedReplicas") == 1)
        restart = await story.sign(Operation.DELETE_POD, "pod", await _only_pod(world))
        back = await story.sign(ROLLBACK, "deployment", "api", incident=1)

        await story.run(restart, back)

        assert [event.type for event in story.ends()] == ["execution.succeeded"] * 2

    # -- what changed while it waited

    @pytest.mark.parametrize("change", ["image", "replicas", "budget", "gone", "made_anew"])
    async def test_what_changed_after_it_was_signed_voids_it(
        self, world: World, story: Story, change: str
    ) -> None:
        world.deploy("api", replicas=2)
        event = await story.sign(RESTART, "deployment", "api")
        change_target(world, "api", change)

        await story.run(event)

        (end,) = story.ends()
        assert (end.type, end.payload.code) == ("execution.voided", "state_changed")
        assert end.payload.observed_state == event.payload.observed_state != end.payload.observed_now
        found = world.get(kinds.DEPLOYMENT, "api")
        assert ACTION not in str(found), "nothing was done"

    async def test_a_budget_that_says_no_by_now_voids_it(self, world: World, story: Story) -> None:
        """The state is what it was; what had passed does not pass any more."""
        world.deploy("api", replicas=2)
        world.make(
            kinds.BUDGET,
            {
                "metadata": {"name": "api"},
                "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "api"}}},
            },
        )
        world.wait(kinds.BUDGET, "api", lambda one: one.get("status", {}).get("disruptionsAllowed") == 1)
        first, second = (pod["metadata"]["name"] for pod in world.pods("api"))
        event = await story.sign(Operation.DELETE_POD, "pod", first)
        _make_ill(world, second)

        await story.run(event)

        (end,) = story.ends()
        assert (end.type, end.payload.code) == ("execution.voided", "state_changed")
        assert "had passed" in end.payload.reason
        assert first in {pod["metadata"]["name"] for pod in world.pods("api")}

    # -- what changed right before the write

    @pytest.mark.parametrize(("given", "code"), MEANWHILE.values(), ids=MEANWHILE)
    async def test_what_is_not_allowed_any_more_is_not_written(
        self, world: World, story: Story, given: dict[str, Any], code: str
    ) -> None:
        world.deploy("api", replicas=1)
        event = await story.sign(RESTART, "deployment", "api")
        story.knows.happens = lambda: story.knows.given.update(given)

        await story.run(event)

        (end,) = story.ends()
        assert (end.type, end.payload.code) == ("execution.refused", code)
        assert end.payload.observed_now == event.payload.observed_state, "it was looked at before"
        assert ACTION not in str(world.get(kinds.DEPLOYMENT, "api")), "nothing was done"


class TestFake(OnFake, Suite):
    pass


class TestReal(OnReal, Suite):
    # -- a dry run that passes, and a call that is refused

    async def test_a_rule_that_came_between_fails_it_in_the_servers_words(
        self, world: World, story: Story
    ) -> None:
        world.deploy("api", replicas=1)
        event = await story.sign(SCALE, "deployment", "api", replicas=2)
        with ExitStack() as closing:
            story.knows.happens = lambda: closing.enter_context(closed_books(world))
            await story.run(event)

        (end,) = story.ends()
        assert (end.type, end.payload.code) == ("execution.failed", "refused_by_target")
        assert WORDS in end.payload.reason
        assert spec_of(world, "deployment", "api")["replicas"] == 1

    async def test_a_webhook_that_lets_the_trial_pass_alone_fails_it_in_its_words(
        self, world: World, story: Story
    ) -> None:
        """It is there from the beginning, and was asked at every trial: nobody could have known."""
        world.deploy("api", replicas=1)
        with trials_only(world, OWNERS_WORDS, "api") as webhook:
            webhook.trials.clear()
            event = await story.sign(SCALE, "deployment", "api", replicas=2)
            await story.run(event)

        (end,) = story.ends()
        assert (end.type, end.payload.code) == ("execution.failed", "refused_by_target")
        assert OWNERS_WORDS in end.payload.reason
        assert (webhook.trials, webhook.refused) == (["api", "api"], ["api"])
        assert spec_of(world, "deployment", "api")["replicas"] == 1

    async def test_a_quota_that_came_between_fails_it_in_the_servers_words(
        self, world: World, story: Story
    ) -> None:
        event = await story.sign(Operation.EXPAND_PVC, "pvc", make_growing_claim(world), size="2Gi")
        story.knows.happens = lambda: _no_more_storage(world)

        await story.run(event)

        (end,) = story.ends()
        assert (end.type, end.payload.code) == ("execution.failed", "refused_by_target")
        assert "exceeded quota: full" in end.payload.reason
        claim = world.get(kinds.PVC, "data")
        assert claim is not None
        assert claim["spec"]["resources"]["requests"]["storage"] == "1Gi"


async def _only_pod(world: World) -> str:
    wait_until(lambda: len(world.pods("api")) == 1, timeout=20, what="one pod")
    return str(world.pods("api")[0]["metadata"]["name"])


def _make_ill(world: World, pod: str) -> None:
    """The budget's controller takes it in."""
    not_ready = [{"type": "Ready", "status": "False", "reason": "ContainersNotReady"}]
    world.status(kinds.POD, pod, {"conditions": not_ready})
    world.wait(kinds.BUDGET, "api", lambda one: one["status"].get("disruptionsAllowed") == 0)


def _no_more_storage(world: World) -> None:
    path = f"/api/v1/namespaces/{world.namespace}/resourcequotas"
    world.peer.ask(
        "POST", path, {"metadata": {"name": "full"}, "spec": {"hard": {"requests.storage": "1Gi"}}}
    )
    wait_until(lambda: _is_refused(world), timeout=20, what="the quota in force", every=0.2)


def _is_refused(world: World) -> bool:
    more = {"spec": {"resources": {"requests": {"storage": "3Gi"}}}}
    try:
        world.peer.patch(f"{kinds.PVC.path(world.namespace, 'data')}?dryRun=All", more)
    except Refused as refused:
        return "exceeded quota" in str(refused)
    return False
