"""What is recommended is looked at by its real name, and told of by its label."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from agents.snapshot import Keys, open_run
from agents.target_id import target_id
from awoooi.execution import gateway_of
from awoooi.loading import load
from connectors.executors.assigned import assign
from connectors.executors.contract import Executor
from connectors.kubernetes.config import ExecutorConfig
from connectors.kubernetes.execution.executor import KubernetesExecutor
from connectors.kubernetes.fake import FakeCluster
from connectors.kubernetes.fake_server import FakeServer, Fault, serving
from schemas.decision import RcaDecided
from schemas.operations import Operation, Parameters, Step, Target
from schemas.preflight import Preflight, PreflightChecked, PreflightStatus
from schemas.tool import ToolCalled
from streams.commitments import SALT_OF, broken
from streams.policy.action_hash import Act, action_hash
from streams.stage import Now, Record
from streams.stages.preflight import NOBODY, PreflightNeeds, PreflightStage
from tests.connectors.kubernetes.worlds import World, fake_world
from tests.schemas.golden_events import golden
from tests.streams.stages.evidence_support import CODEC, KEYS, START, Clock, record

DECIDED: RcaDecided = golden("rca.decided")
NODE, LABEL = "10.1.2.3", "[IP_1]"
VALUES = {LABEL: NODE}


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with serving(FakeCluster()) as server:
        yield server


@pytest.fixture
def world(server: FakeServer, tmp_path: Path) -> World:
    return fake_world(server, tmp_path)


def named(kind: str, name: str, real: str = "", namespace: str = "shop") -> Target:
    """As evidence names it: with its label, and the id of its real name."""
    about = {"cluster": "default", "namespace": namespace, "kind": kind}
    told = target_id(KEYS.target, project_id="default", name=real or name, **about)
    return Target(**about, name=name, id=told)


def decided(
    operation: Operation,
    target: Target,
    *,
    in_evidence: bool = True,
    values: Mapping[str, str] | None = None,
    **given: Any,
) -> RcaDecided:
    package = DECIDED.payload
    assert package.recommended_action is not None
    assert package.brief is not None
    step = Step(operation=operation, target=target, parameters=Parameters(**given))
    action = package.recommended_action.model_copy(update={"step": step, "undo": None})
    brief = package.brief.model_copy(update={"targets": (target,) if in_evidence else ()})
    payload = package.model_copy(update={"recommended_action": action, "brief": brief})
    sealed = None
    if values:
        assert KEYS.sealer is not None
        sealed = KEYS.sealer.seal(values, project_id="default", event_id=DECIDED.run_id)
    return DECIDED.model_copy(update={"payload": payload, "sealed": sealed})


async def checked(
    event: RcaDecided,
    kubeconfig: Path | None,
    *,
    keys: Keys = KEYS,
    executors: Sequence[Executor] | None = None,
) -> tuple[PreflightChecked, list[ToolCalled]]:
    clusters = {"default": str(kubeconfig)} if kubeconfig else {}
    executor = KubernetesExecutor(ExecutorConfig(clusters=clusters))
    used = (executor,) if executors is None else executors
    gateway = gateway_of(load({}).settings, used)
    stage = PreflightStage(PreflightNeeds(assign(used), gateway, keys, Clock()))
    try:
        *calls, told = await stage.handle(_record(event), Now(START))
    finally:
        await executor.close()
    assert isinstance(told, PreflightChecked)
    return told, [call for call in calls if isinstance(call, ToolCalled)]


def _record(event: RcaDecided) -> Record:
    return record(event)


def failed(preflight: Preflight) -> dict[str, str]:
    return {check.name: check.message for check in preflight.checks if not check.passed}


async def test_what_was_seen_is_told_with_labels(world: World) -> None:
    assert world.fake is not None
    world.fake.cluster.add({"kind": "Node", "metadata": {"name": NODE}, "spec": {}})
    event = decided(Operation.CORDON_NODE, named("node", LABEL, NODE, ""), values=VALUES)

    told, calls = await checked(event, world.peer.kubeconfig)

    found = told.payload
    assert (found.status, failed(found)) == (PreflightStatus.PASSED, {})
    names = ["in_evidence", "permission", "parameters", "exists", "budgets", "blast_radius", "dry_run"]
    assert [check.name for check in found.checks] == names
    assert found.checks[3].message == f"node {LABEL} is there"
    assert len(found.observed_state) == 64
    assert set(found.state) == {"uid", "spec"}
    assert found.undo is not None
    assert (found.undo.operation, found.undo.target.name) == (Operation.UNCORDON_NODE, LABEL)
    assert [(call.payload.tool, call.payload.arguments["name"]) for call in calls] == [
        ("kubernetes.check", LABEL)
    ]
    assert NODE not in told.model_dump_json() + "".join(call.model_dump_json() for call in calls)


async def test_real_values_are_bound_and_their_salts_sealed(world: World) -> None:
    assert world.fake is not None
    world.fake.cluster.add({"kind": "Node", "metadata": {"name": NODE}, "spec": {}})
    event = decided(Operation.CORDON_NODE, named("node", LABEL, NODE, ""), values=VALUES)

    told, _ = await checked(event, world.peer.kubeconfig)
    again, _ = await checked(event, world.peer.kubeconfig)

    found, action = told.payload, event.payload.recommended_action
    assert action is not None
    opened = open_run(KEYS.opener, told.sealed, project_id=told.project_id, run_id=told.run_id)
    assert opened[LABEL] == NODE
    assert broken(found.commitments, opened) == ""
    assert broken(found.commitments, {**opened, LABEL: "10.1.2.4"}) == LABEL
    assert broken(found.commitments, {**opened, SALT_OF + LABEL: "00"}) == LABEL
    assert broken(found.commitments, {LABEL: NODE}) == LABEL
    assert found.commitments != again.payload.commitments
    assert found.observed_state == again.payload.observed_state
    assert action_hash(Act(action.step, found.observed_state, "policy", None, found.commitments))


async def test_the_workload_is_told_by_an_id_that_leads_back_to_nothing(world: World) -> None:
    world.deploy("api", replicas=2)
    pods = [named("pod", pod["metadata"]["name"]) for pod in world.pods("api")]

    told = [(await checked(decided(Operation.DELETE_POD, pod), world.peer.kubeconfig))[0] for pod in pods]

    workload = named("deployment", "api").id
    assert [one.payload.workload for one in told] == [workload, workload]
    assert workload not in {pod.id for pod in pods}


async def test_a_failed_check_fails_the_preflight(world: World) -> None:
    world.deploy("api", replicas=2)
    event = decided(Operation.SCALE_DEPLOYMENT, named("deployment", "api"), replicas=2)

    told, _ = await checked(event, world.peer.kubeconfig)

    assert told.payload.status is PreflightStatus.FAILED
    assert failed(told.payload) == {"changes": "deployment api has 2 replicas already"}


async def test_what_weighs_on_the_risk_fails_nothing(world: World) -> None:
    spec = {"containers": [{"name": "c", "image": "c:1"}]}
    assert world.fake is not None
    world.fake.cluster.add({"kind": "Pod", "metadata": {"name": "alone", "namespace": "shop"}, "spec": spec})

    told, _ = await checked(decided(Operation.DELETE_POD, named("pod", "alone")), world.peer.kubeconfig)

    assert told.payload.status is PreflightStatus.PASSED
    assert set(failed(told.payload)) == {"owned"}


# -- who is not even looked at


async def test_a_target_that_evidence_does_not_name_is_not_looked_at(world: World) -> None:
    world.deploy("api", replicas=1)
    event = decided(Operation.RESTART_DEPLOYMENT, named("deployment", "api"), in_evidence=False)
    assert world.fake is not None
    world.fake.calls.clear()

    told, calls = await checked(event, world.peer.kubeconfig)

    assert failed(told.payload) == {"in_evidence": "deployment api never appeared in the evidence"}
    assert (told.payload.status, world.fake.calls, calls) == (PreflightStatus.FAILED, [], [])


async def test_an_id_of_another_target_is_found_out(world: World) -> None:
    """Its authorization would be kept under the wrong name, and its signatures mean something else."""
    target = named("deployment", "api", real="other")

    told, _ = await checked(decided(Operation.RESTART_DEPLOYMENT, target), world.peer.kubeconfig)

    assert failed(told.payload) == {"in_evidence": "the id of deployment api is another's"}


# -- when nobody could look


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (decided(Operation.RUN_COMMAND, Target(), name="x"), "there is no executor for RUN_COMMAND"),
        (decided(Operation.CORDON_NODE, named("node", LABEL, NODE, "")), "no value is known for (IP_1)"),
    ],
    ids=["no executor", "no value"],
)
async def test_what_cannot_be_checked_is_unavailable(world: World, event: RcaDecided, reason: str) -> None:
    told, _ = await checked(event, world.peer.kubeconfig)

    assert reason in told.payload.reason
    assert told.payload.status is PreflightStatus.UNAVAILABLE


async def test_without_a_cluster_it_is_unavailable() -> None:
    event = decided(Operation.RESTART_DEPLOYMENT, named("deployment", "api"))

    told, calls = await checked(event, None)

    assert told.payload.status is PreflightStatus.UNAVAILABLE
    assert told.payload.reason == "no cluster is configured (AWOOOI_EXECUTOR_CLUSTERS)"
    assert [call.payload.status for call in calls] == ["failed"]


async def test_a_cluster_that_is_away_is_unavailable_in_words_without_names(world: World) -> None:
    assert world.fake is not None
    told_by_server = b'{"message": "node 10.1.2.3 of bob@example.com is away"}'
    world.fake.faults.append(Fault(status=503, body=told_by_server))
    event = decided(Operation.CORDON_NODE, named("node", LABEL, NODE, ""), values=VALUES)

    told, _ = await checked(event, world.peer.kubeconfig)

    assert told.payload.status is PreflightStatus.UNAVAILABLE
    assert told.payload.reason == f"cluster default: node {LABEL} of [EMAIL] is away (503)"


async def test_values_that_do_not_open_leave_it_unavailable(world: World) -> None:
    event = decided(Operation.CORDON_NODE, named("node", LABEL, NODE, ""), values=VALUES)
    sealed = event.sealed
    assert sealed is not None

    told, _ = await checked(
        event.model_copy(update={"sealed": sealed[:-1] + bytes([sealed[-1] ^ 1])}), world.peer.kubeconfig
    )

    assert told.payload.status is PreflightStatus.UNAVAILABLE
    assert "sealed values were changed" in told.payload.reason


async def test_without_a_key_to_seal_with_nothing_is_bound(world: World) -> None:
    keys = Keys(KEYS.opener, None, KEYS.target)
    event = decided(Operation.CORDON_NODE, named("node", LABEL, NODE, ""), values=VALUES)

    told, _ = await checked(event, world.peer.kubeconfig, keys=keys)

    assert (told.payload.status, told.payload.commitments) == (PreflightStatus.UNAVAILABLE, {})


async def test_without_executors_it_says_so() -> None:
    (told,) = await PreflightStage(None).handle(_record(DECIDED), Now(START))

    assert isinstance(told, PreflightChecked)
    assert (told.payload.status, told.payload.reason) == (PreflightStatus.UNAVAILABLE, NOBODY)


async def test_a_run_that_recommends_nothing_is_not_checked() -> None:
    nothing = DECIDED.payload.model_copy(update={"recommended_action": None})

    assert not await PreflightStage(None).handle(
        _record(DECIDED.model_copy(update={"payload": nothing})), Now(START)
    )


async def test_the_same_record_twice_is_one_event(world: World) -> None:
    """Salts differ each time; the first event with an id wins."""
    world.deploy("api", replicas=1)
    event = decided(Operation.RESTART_DEPLOYMENT, named("deployment", "api"))

    first, one_call = await checked(event, world.peer.kubeconfig)
    second, other_call = await checked(event, world.peer.kubeconfig)

    assert first.event_id == second.event_id
    assert [call.event_id for call in one_call] == [call.event_id for call in other_call]
    assert CODEC.decode(CODEC.encode(first)) == first
