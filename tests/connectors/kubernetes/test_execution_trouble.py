"""What a no, a silence and a late answer prove: refused, or nobody knows. And what is refused unasked."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from connectors.evidence import Unavailable
from connectors.executors.contract import Done, End, Happened, Observed, Order
from connectors.kubernetes import kinds
from connectors.kubernetes.execution.act import ACTION
from connectors.kubernetes.execution.executor import KubernetesExecutor
from connectors.kubernetes.fake_server import Fault
from schemas.operations import Operation, Parameters, Step, Target
from schemas.preflight import PreflightStatus, status_of
from tests.connectors.kubernetes.orders import ACTION_ID, always, executing, failed, named, order
from tests.connectors.kubernetes.worlds import World, workload
from tests.peers import wait_until


@pytest.fixture
async def executor(fake: World) -> AsyncIterator[KubernetesExecutor]:
    async with executing(fake.peer.kubeconfig, call_timeout_secs=0.5) as executor:
        yield executor


def told(message: str) -> bytes:
    return json.dumps({"kind": "Status", "message": message, "reason": "X"}).encode()


async def scaled(world: World, executor: KubernetesExecutor, *faults: Fault) -> Done:
    """What comes of scaling, with this trouble on the way of the write."""
    world.deploy("api", replicas=1)
    wanted = order(world, Operation.SCALE_DEPLOYMENT, "deployment", "api", replicas=2)
    checked = await executor.check(wanted)
    assert (failed(checked), checked.observed is not None) == ({}, True)
    assert world.fake is not None
    world.fake.faults += faults
    return await executor.execute(wanted, checked.observed.hash, always)  # type: ignore[union-attr]


ENDS = [
    pytest.param(
        Fault("PATCH", 403, told("exceeded quota: q")), End.REFUSED, "exceeded quota: q (403)", id="403"
    ),
    pytest.param(
        Fault("PATCH", 422, told("webhook denied it")), End.REFUSED, "webhook denied it (422)", id="422"
    ),
    pytest.param(
        Fault("PATCH", 409, told("was modified")), End.REFUSED, "changes faster than", id="409 always"
    ),
    pytest.param(Fault("PATCH", 409, told("was modified"), times=2), End.DONE, "", id="409 twice"),
    pytest.param(Fault("PATCH", 429, told("too many")), End.REFUSED, "too many (429)", id="429"),
    pytest.param(Fault("PATCH", 401, b"{}"), End.REFUSED, "does not know our log-in", id="401"),
    pytest.param(Fault("PATCH", 500, told("etcd timed out")), End.UNKNOWN, "etcd timed out (500)", id="500"),
    pytest.param(Fault("PATCH", 503, told("shutting down")), End.UNKNOWN, "shutting down (503)", id="503"),
    pytest.param(Fault("PATCH", 504, b"<html>"), End.UNKNOWN, "it answered 504", id="504 in HTML"),
    pytest.param(Fault("PATCH", body=b"<html>"), End.UNKNOWN, "not an object", id="HTML"),
    pytest.param(Fault("PATCH", body=b"{" * 900, cut=True), End.UNKNOWN, "cannot be reached", id="cut"),
    pytest.param(Fault("PATCH", delay_secs=2), End.UNKNOWN, "no answer within 0.5 s", id="late"),
    pytest.param(Fault("GET", 503, told("away")), End.REFUSED, "away (503)", id="nobody could look"),
]


@pytest.mark.parametrize(("fault", "end", "words"), ENDS)
async def test_what_an_answer_proves(
    fake: World, executor: KubernetesExecutor, fault: Fault, end: End, words: str
) -> None:
    done = await scaled(fake, executor, fault)

    assert (done.end, words in done.message) == (end, True), done.message


async def test_a_no_says_when_to_come_again(fake: World, executor: KubernetesExecutor) -> None:
    later = {"kind": "Status", "message": "too many", "details": {"retryAfterSeconds": 7}}

    done = await scaled(fake, executor, Fault("PATCH", 429, json.dumps(later).encode()))

    assert done.retry_after_secs == 7


async def test_what_never_left_did_not_happen(fake: World, executor: KubernetesExecutor) -> None:
    fake.deploy("api", replicas=1)
    wanted = order(fake, Operation.SCALE_DEPLOYMENT, "deployment", "api", replicas=2)
    fake.peer.kubeconfig.write_text("clusters: [")

    done = await executor.execute(wanted, "any", always)

    assert (done.end, "cannot be used" in done.message) == (End.REFUSED, True)


async def test_an_end_that_nobody_knows_is_found_at_the_target(
    fake: World, executor: KubernetesExecutor
) -> None:
    """The answer was late, the effect was not: the server still did it."""
    before: list[Observed] = []
    fake.deploy("api", replicas=1)
    wanted = order(fake, Operation.SCALE_DEPLOYMENT, "deployment", "api", replicas=2)
    checked = await executor.check(wanted)
    assert checked.observed is not None
    assert fake.fake is not None
    fake.fake.faults.append(Fault("PATCH", delay_secs=0.8, times=1))

    def note(observed: Observed) -> str:
        before.append(observed)
        return ""

    done = await executor.execute(wanted, checked.observed.hash, note)
    first = await executor.probe(wanted, checked.observed.hash, before[0])
    cluster = fake.fake.cluster
    wait_until(lambda: any("deployment/shop/api" in write for write in cluster.writes[1:]), timeout=5)
    second = await executor.probe(wanted, checked.observed.hash, before[0])

    assert done.end is End.UNKNOWN
    assert (first.happened, first.late_call_refused) == (Happened.NO, False)
    assert second.happened is Happened.YES


async def test_a_late_call_is_refused_once_the_target_has_moved(
    fake: World, executor: KubernetesExecutor
) -> None:
    fake.deploy("api", replicas=1)
    wanted = order(fake, Operation.SCALE_DEPLOYMENT, "deployment", "api", replicas=2)
    checked = await executor.check(wanted)
    assert checked.observed is not None
    fake.peer.patch(kinds.DEPLOYMENT.path("shop", "api"), {"metadata": {"labels": {"a": "b"}}})

    probe = await executor.probe(wanted, checked.observed.hash, checked.observed)

    assert (probe.happened, probe.late_call_refused) == (Happened.NO, True)


async def test_a_drain_that_loses_its_last_word_tells_how_far_it_came(
    fake: World, executor: KubernetesExecutor
) -> None:
    fake.deploy("api", replicas=3)
    wanted = order(fake, Operation.DRAIN_NODE, "node", "node-1")
    checked = await executor.check(wanted)
    assert checked.observed is not None
    asked = 0

    def until_third(_: Observed) -> str:
        nonlocal asked
        asked += 1
        return "the kill switch is engaged" if asked == 3 else ""

    done = await executor.execute(wanted, checked.observed.hash, until_third)

    assert (done.end, done.message) == (End.PARTLY, "the kill switch is engaged")


async def test_without_evictions_a_pod_is_deleted_under_the_same_conditions(
    fake: World, executor: KubernetesExecutor
) -> None:
    fake.deploy("api", replicas=1)
    pod = fake.pods("api")[0]["metadata"]
    assert fake.fake is not None
    not_served = told("the server could not find the requested resource")
    fake.fake.faults.append(Fault("/eviction", 404, not_served))
    wanted = order(fake, Operation.DELETE_POD, "pod", pod["name"])
    checked = await executor.check(wanted)
    assert checked.observed is not None

    done = await executor.execute(wanted, checked.observed.hash, always)

    assert (failed(checked), done.end) == ({}, End.DONE)
    assert any(call.startswith("DELETE") for call in fake.fake.calls)


async def test_a_deleted_pod_that_another_has_the_name_of(fake: World, executor: KubernetesExecutor) -> None:
    fake.make(kinds.STATEFULSET, workload("StatefulSet", "db", 1, "db:1"))
    wanted = order(fake, Operation.DELETE_POD, "pod", "db-0")
    checked = await executor.check(wanted)
    assert checked.observed is not None

    first = await executor.probe(wanted, checked.observed.hash)
    await executor.execute(wanted, checked.observed.hash, always)
    second = await executor.probe(wanted, checked.observed.hash, checked.observed)

    assert (first.happened, second.happened) == (Happened.NO, Happened.YES)


# -- permission, and what is refused unasked


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
