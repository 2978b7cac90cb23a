"""A call that was held up arrives beside a second attempt of the same action: there is one effect."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from connectors.executors.contract import End, Happened, Order
from connectors.kubernetes import kinds
from connectors.kubernetes.client import Clusters
from connectors.kubernetes.config import ExecutorConfig
from connectors.kubernetes.execution.act import Write
from connectors.kubernetes.execution.executor import KubernetesExecutor
from connectors.kubernetes.execution.operations import ACTS
from connectors.kubernetes.execution.sending import Sent, send
from schemas.operations import Operation
from tests.connectors.kubernetes.orders import (
    always,
    made_workload,
    make_claim,
    make_node,
    order,
    pod_spec,
    set_image,
)
from tests.connectors.kubernetes.worlds import World


def _deployed(world: World) -> str:
    world.deploy("api", replicas=1)
    set_image(world, "api", "app:2")
    return "api"


def _pod(world: World) -> str:
    """Made anew by the same name: only the uid tells them apart."""
    world.make(kinds.STATEFULSET, made_workload("statefulset", "db"))
    return "db-0"


def _job(world: World) -> str:
    world.make(kinds.JOB, {"metadata": {"name": "import"}, "spec": {"template": {"spec": pod_spec()}}})
    return "import"


def _growing(world: World) -> str:
    make_claim(world, "data", "1Gi", "standard")
    return "data"


OPERATIONS: list[Any] = [
    pytest.param(Operation.DELETE_POD, "pod", _pod, {}, "delete pod/", id="delete a pod"),
    pytest.param(
        Operation.RESTART_DEPLOYMENT, "deployment", _deployed, {}, "patch deployment/", id="restart"
    ),
    pytest.param(
        Operation.SCALE_DEPLOYMENT, "deployment", _deployed, {"replicas": 3}, "patch deployment/", id="scale"
    ),
    pytest.param(
        Operation.ROLLBACK_DEPLOYMENT, "deployment", _deployed, {}, "patch deployment/", id="roll back"
    ),
    pytest.param(
        Operation.SET_RESOURCES,
        "deployment",
        _deployed,
        {"limits": {"cpu": "1"}},
        "patch deployment/",
        id="resources",
    ),
    pytest.param(Operation.RESTART_JOB, "job", _job, {}, "create job/", id="restart a job"),
    pytest.param(Operation.CORDON_NODE, "node", make_node, {}, "patch node/", id="cordon"),
    pytest.param(Operation.EXPAND_PVC, "pvc", _growing, {"size": "2Gi"}, "patch pvc/", id="expand"),
    pytest.param(Operation.DELETE_PVC, "pvc", _growing, {}, "delete pvc/", id="delete a claim"),
]


async def held_up(world: World, wanted: Order) -> Callable[[], Any]:
    """The first call of an attempt, made for what its owner saw before it was stopped."""
    clusters = Clusters(ExecutorConfig(clusters={"default": str(world.peer.kubeconfig)}))
    cluster, act = clusters.of("default"), ACTS[wanted.step.operation]
    seen = await act.look(cluster, wanted.step, wanted.action_id)
    assert seen is not None
    write: Write = act.writes(wanted.step, seen, wanted.action_id)[0]

    async def arrives() -> Sent:
        try:
            return await send(cluster.connection, write)
        finally:
            await clusters.close()

    return arrives


def effects(world: World, what: str) -> int:
    assert world.fake is not None
    return sum(write.startswith(what) for write in world.fake.cluster.writes)


@pytest.mark.parametrize(("operation", "kind", "prepare", "given", "effect"), OPERATIONS)
@pytest.mark.parametrize("late_first", [True, False], ids=["the late one first", "the late one last"])
async def test_one_effect(
    fake: World,
    executor: KubernetesExecutor,
    operation: Operation,
    kind: str,
    prepare: Callable[[World], str],
    given: dict[str, Any],
    effect: str,
    late_first: bool,
) -> None:
    wanted = order(fake, operation, kind, prepare(fake), **given)
    checked = await executor.check(wanted)
    assert checked.observed is not None
    late, before = await held_up(fake, wanted), effects(fake, effect)
    probe = await executor.probe(wanted, checked.observed.hash)
    assert (probe.happened, probe.repeatable) == (Happened.NO, True)

    if late_first:
        await late()
    done = await executor.execute(wanted, checked.observed.hash, always)
    if not late_first:
        assert (await late()).end is not End.DONE

    gone = late_first and "delete" in effect
    assert done.end is (End.CHANGED if gone else End.DONE)
    assert effects(fake, effect) - before == 1
