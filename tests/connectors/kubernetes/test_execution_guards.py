"""Permission, parameters, and each operation's own conditions: what is refused, and with which words."""

from __future__ import annotations

import json
from typing import Any

import pytest

from connectors.evidence import Unavailable
from connectors.executors.contract import Done, End, Happened, Order
from connectors.kubernetes import kinds
from connectors.kubernetes.execution.act import ACTION
from connectors.kubernetes.execution.executor import KubernetesExecutor
from connectors.kubernetes.fake_server import Fault
from schemas.operations import Operation, Parameters, Step, Target
from schemas.preflight import PreflightStatus, status_of
from tests.connectors.kubernetes.orders import (
    ACTION_ID,
    always,
    executing,
    failed,
    named,
    order,
)
from tests.connectors.kubernetes.worlds import World, workload


def told(message: str) -> bytes:
    return json.dumps({"kind": "Status", "message": message, "reason": "X"}).encode()


async def test_what_the_log_in_may_not_do_is_told(fake: World, executor: KubernetesExecutor) -> None:
    fake.deploy("api", replicas=1)
    assert fake.fake is not None
    fake.fake.cluster.denied.add(("patch", "deployments"))

    checked = await executor.check(order(fake, Operation.RESTART_DEPLOYMENT, "deployment", "api"))

    assert failed(checked) == {"permission": "our log-in may not patch deployments"}
    assert status_of(checked.checks) is PreflightStatus.FAILED


async def test_a_cluster_that_is_away_is_no_failed_check(fake: World, executor: KubernetesExecutor) -> None:
    assert fake.fake is not None
    fake.fake.faults.append(Fault(status=503, body=told("away")))

    with pytest.raises(Unavailable, match="away"):
        await executor.check(order(fake, Operation.RESTART_DEPLOYMENT, "deployment", "api"))


async def test_a_cluster_that_is_slow_is_waited_for_no_longer_than_allowed(fake: World) -> None:
    assert fake.fake is not None
    fake.fake.faults.append(Fault(delay_secs=5))

    async with executing(fake.peer.kubeconfig, timeout_secs=0.2) as executor:
        with pytest.raises(Unavailable, match=r"the checks were not done within 0\.2 s"):
            await executor.check(order(fake, Operation.RESTART_DEPLOYMENT, "deployment", "api"))


async def test_another_cluster_is_never_asked(fake: World, executor: KubernetesExecutor) -> None:
    target = Target(cluster="prod", namespace="shop", kind="deployment", name="api")
    wanted = Order(Step(operation=Operation.RESTART_DEPLOYMENT, target=target), ACTION_ID)

    with pytest.raises(Unavailable, match="cluster 'prod' is not configured; there are: default"):
        await executor.check(wanted)
    assert (await executor.execute(wanted, "any", always)).end is End.REFUSED


STEPS = [
    ("RESTART_DEPLOYMENT", {"name": "../secrets/x"}, {}, "that is no deployment's name"),
    ("RESTART_DEPLOYMENT", {"name": "[IP_1]"}, {}, "that is no deployment's name"),
    ("RESTART_DEPLOYMENT", {"namespace": ""}, {}, "a deployment needs its namespace"),
    ("RESTART_DEPLOYMENT", {"namespace": "a/b"}, {}, "a deployment needs its namespace"),
    ("SET_RESOURCES", {}, {}, "neither requests nor limits are given"),
    ("SET_RESOURCES", {}, {"limits": {"memory": "1Gi; rm -rf /"}}, "is no amount of memory"),
    ("SET_RESOURCES", {}, {"limits": {"memory": "-1Gi"}}, "is no amount of memory"),
    ("SET_RESOURCES", {}, {"limits": {"gpu": "1"}}, "'gpu' is no resource that is set"),
    ("SET_RESOURCES", {}, {"container": "a b", "limits": {"cpu": "1"}}, "that is no container's name"),
    ("RUN_COMMAND", {}, {"name": "x"}, "RUN_COMMAND is no operation on Kubernetes"),
]


@pytest.mark.parametrize(("operation", "about", "given", "wrong"), STEPS)
async def test_what_is_refused_unasked(
    fake: World, executor: KubernetesExecutor, operation: str, about: dict[str, str], given: Any, wrong: str
) -> None:
    target = Target(**{"namespace": "shop", "kind": "deployment", "name": "api", **about})
    wanted = Order(
        Step(operation=Operation(operation), target=target, parameters=Parameters(**given)), ACTION_ID
    )

    checked, done = await executor.check(wanted), await executor.execute(wanted, "any", always)

    assert wrong in failed(checked)["parameters"]
    assert (done.end, fake.fake is not None and fake.fake.calls) == (End.REFUSED, [])


@pytest.mark.parametrize(
    ("kind", "change", "wrong"),
    [
        ("deployment", {"paused": True}, "is paused"),
        ("statefulset", {"updateStrategy": {"type": "OnDelete"}}, "only when somebody deletes it"),
    ],
)
async def test_a_restart_that_would_roll_nothing_out(
    fake: World, executor: KubernetesExecutor, kind: str, change: dict[str, Any], wrong: str
) -> None:
    made = workload(kinds.BY_WORD[kind].kind, "api", 1, "api:1")
    fake.make(kinds.BY_WORD[kind], {**made, "spec": {**made["spec"], **change}})

    checked = await executor.check(order(fake, Operation.RESTART_DEPLOYMENT, kind, "api"))

    assert wrong in failed(checked)["rollout"]


async def test_all_pods_at_once_is_against_a_budget(fake: World, executor: KubernetesExecutor) -> None:
    made = workload("Deployment", "api", 2, "api:1")
    made["spec"]["strategy"] = {"type": "Recreate"}
    fake.make(kinds.DEPLOYMENT, made)
    about = {"selector": {"matchLabels": {"app": "api"}}, "minAvailable": 1}
    fake.make(kinds.BUDGET, {"metadata": {"name": "api"}, "spec": about})

    checked = await executor.check(order(fake, Operation.RESTART_DEPLOYMENT, "deployment", "api"))

    assert "takes all pods down at once" in failed(checked)["budgets"]


async def test_former_amounts_that_were_none_are_put_back_by_their_revision(
    fake: World, executor: KubernetesExecutor
) -> None:
    fake.deploy("api", replicas=1)
    wanted = order(fake, Operation.SET_RESOURCES, "deployment", "api", limits={"cpu": "1"})

    undo = executor.undo(wanted, await executor.check(wanted))

    assert undo is not None
    assert (undo.operation, undo.parameters.revision) == (Operation.ROLLBACK_DEPLOYMENT, 1)


async def test_which_container_must_be_clear(fake: World, executor: KubernetesExecutor) -> None:
    made = workload("Deployment", "api", 1, "api:1")
    made["spec"]["template"]["spec"]["containers"].append({"name": "side", "image": "side:1"})
    fake.make(kinds.DEPLOYMENT, made)
    wanted = order(fake, Operation.SET_RESOURCES, "deployment", "api", limits={"cpu": "1"})

    checked = await executor.check(wanted)

    assert failed(checked)["container"] == ("deployment api has 2 containers, and none is named: api, side")


async def test_a_snapshot_is_verified(fake: World, executor: KubernetesExecutor) -> None:
    """Ready, bound, and taken of this claim: not of one that had its name before."""
    size = {"resources": {"requests": {"storage": "1Gi"}}}
    fake.make(kinds.PVC, {"metadata": {"name": "data"}, "spec": size})
    wanted = order(fake, Operation.DELETE_PVC, "pvc", "data")
    source = {"spec": {"source": {"persistentVolumeClaimName": "data"}}}
    ready: dict[str, Any] = {"readyToUse": True, "boundVolumeSnapshotContentName": "c"}
    for name, status in (
        ("unready", {**ready, "readyToUse": False, "creationTime": "2999-01-01T00:00:00Z"}),
        ("older", {**ready, "creationTime": "2001-01-01T00:00:00Z"}),
    ):
        fake.make(kinds.SNAPSHOT, {"metadata": {"name": name}, **source, "status": status})
    before = await executor.check(wanted)
    status = {**ready, "creationTime": "2999-01-01T00:00:00Z"}
    fake.make(kinds.SNAPSHOT, {"metadata": {"name": "good"}, **source, "status": status})

    after = await executor.check(wanted)

    assert failed(before) == {"snapshot": "none of 2 snapshots is ready"}
    assert failed(after) == {}
    assert named(after, "snapshot").message.startswith("volume snapshot good is ready")


async def test_a_claim_grows_where_its_class_lets_it(fake: World, executor: KubernetesExecutor) -> None:
    spec = {"storageClassName": "standard", "resources": {"requests": {"storage": "1Gi"}}}
    fake.make(kinds.PVC, {"metadata": {"name": "data"}, "spec": spec, "status": {"phase": "Bound"}})
    wanted = order(fake, Operation.EXPAND_PVC, "pvc", "data", size="2Gi")
    checked = await executor.check(wanted)
    assert checked.observed is not None

    done = await executor.execute(wanted, checked.observed.hash, always)

    assert (failed(checked), done.end, (await executor.verify(wanted)).effect) == ({}, End.DONE, "holds")
    assert (await executor.probe(wanted, checked.observed.hash)).happened is Happened.YES


async def test_every_write_carries_uid_version_and_action(fake: World, executor: KubernetesExecutor) -> None:
    """So the server closes the last gap, and the target tells who it was."""
    fake.deploy("api", replicas=1)
    for operation, given in (
        (Operation.RESTART_DEPLOYMENT, {}),
        (Operation.SCALE_DEPLOYMENT, {"replicas": 3}),
        (Operation.SET_RESOURCES, {"limits": {"cpu": "1"}}),
    ):
        wanted = order(fake, operation, "deployment", "api", action_id=operation.value, **given)
        checked = await executor.check(wanted)
        assert checked.observed is not None
        await executor.execute(wanted, checked.observed.hash, always)
        found = fake.get(kinds.DEPLOYMENT, "api")
        assert found is not None
        assert found["metadata"]["annotations"][ACTION] == operation.value


def test_an_order_and_its_end_are_not_shown() -> None:
    """Real names are in them: a log line that prints one must not tell."""
    step = Step(
        operation=Operation.DELETE_POD, target=Target(namespace="shop", kind="pod", name="bob-laptop")
    )

    assert "bob" not in repr(Order(step, "a")) + repr(Done(End.REFUSED, "pod bob-laptop is gone"))
