"""What a no, a silence and a late answer prove: refused, or nobody knows."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest

from connectors.executors.contract import Done, End, Happened, Observed
from connectors.kubernetes import kinds
from connectors.kubernetes.execution.executor import KubernetesExecutor
from connectors.kubernetes.fake_server import Fault
from schemas.operations import Operation
from tests.connectors.kubernetes.orders import (
    always,
    executing,
    failed,
    make_claim,
    order,
)
from tests.connectors.kubernetes.worlds import World, workload
from tests.peers import wait_until

HASTE = 1.5


@pytest.fixture
async def hasty(fake: World) -> AsyncIterator[KubernetesExecutor]:
    """It waits for no answer longer than a busy machine may need."""
    async with executing(fake.peer.kubeconfig, call_timeout_secs=HASTE) as executor:
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
    pytest.param(Fault("GET", 503, told("away")), End.REFUSED, "away (503)", id="nobody could look"),
]


@pytest.mark.parametrize(("fault", "end", "words"), ENDS)
async def test_what_an_answer_proves(
    fake: World, executor: KubernetesExecutor, fault: Fault, end: End, words: str
) -> None:
    done = await scaled(fake, executor, fault)

    assert (done.end, words in done.message) == (end, True), done.message


async def test_no_answer_in_time_proves_nothing(fake: World, hasty: KubernetesExecutor) -> None:
    done = await scaled(fake, hasty, Fault("PATCH", delay_secs=2 * HASTE))

    assert (done.end, "no answer within 1.5 s" in done.message) == (End.UNKNOWN, True)


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
    fake: World, executor: KubernetesExecutor, hasty: KubernetesExecutor
) -> None:
    """The answer was late, the effect was not: the server still did it."""
    before: list[Observed] = []
    fake.deploy("api", replicas=1)
    wanted = order(fake, Operation.SCALE_DEPLOYMENT, "deployment", "api", replicas=2)
    checked = await executor.check(wanted)
    assert checked.observed is not None
    assert fake.fake is not None
    fake.fake.faults.append(Fault("PATCH", delay_secs=HASTE + 1, times=1))

    def note(observed: Observed) -> str:
        before.append(observed)
        return ""

    done = await hasty.execute(wanted, checked.observed.hash, note)
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


async def test_a_deletion_of_what_has_just_gone_is_not_taken_for_a_no(
    fake: World, executor: KubernetesExecutor
) -> None:
    """A client may send a deletion twice whose first answer was lost: then it was ours."""
    make_claim(fake, "data", "1Gi")
    wanted = order(fake, Operation.DELETE_PVC, "pvc", "data")
    checked = await executor.check(wanted)
    assert checked.observed is not None
    assert fake.fake is not None
    fake.fake.faults.append(Fault("DELETE", 404, told('persistentvolumeclaims "data" not found')))

    done = await executor.execute(wanted, checked.observed.hash, always)

    assert done.end is End.UNKNOWN


async def test_a_pod_whose_owner_is_not_known_here(fake: World, executor: KubernetesExecutor) -> None:
    """An operator's own kind makes it: it may come back, and nobody here can tell."""
    owner = {"kind": "Database", "name": "db", "uid": "u", "controller": True, "apiVersion": "x/v1"}
    about = {"name": "db-0", "namespace": "shop", "ownerReferences": [owner]}
    assert fake.fake is not None
    fake.fake.cluster.add({"kind": "Pod", "metadata": about, "spec": {"containers": []}})

    checked = await executor.check(order(fake, Operation.DELETE_POD, "pod", "db-0"))

    assert failed(checked) == {
        "owned": "its Database is gone, or not known here: nobody can tell whether it would come back"
    }


async def test_a_deleted_pod_that_another_has_the_name_of(fake: World, executor: KubernetesExecutor) -> None:
    fake.make(kinds.STATEFULSET, workload("StatefulSet", "db", 1, "db:1"))
    wanted = order(fake, Operation.DELETE_POD, "pod", "db-0")
    checked = await executor.check(wanted)
    assert checked.observed is not None

    first = await executor.probe(wanted, checked.observed.hash)
    await executor.execute(wanted, checked.observed.hash, always)
    second = await executor.probe(wanted, checked.observed.hash, checked.observed)

    assert (first.happened, second.happened) == (Happened.NO, Happened.YES)
