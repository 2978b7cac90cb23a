"""What the figures of execution stand on: requests that one signs, effects that are counted, calls held."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agents.actions import in_evidence
from agents.target_id import is_named
from benchmarks import effects, plan
from benchmarks.control_plane import Space, deployment, space
from benchmarks.effects import Effects, gate, watching
from benchmarks.measured import Scale
from benchmarks.proposals import CODEC, restarts
from benchmarks.targets import KEYS
from connectors.kubernetes import kinds
from connectors.kubernetes.execution.act import ACTION, STRATEGIC
from schemas import ids
from schemas.approval import ApprovalRequested
from schemas.decision import RcaDecided
from schemas.operations import Operation, Risk
from schemas.preflight import Preflight, PreflightChecked, PreflightStatus
from streams.policy.world import world_of
from streams.rows import PartitionRows
from streams.runner import Runner
from streams.stage import Record
from streams.stages.gate import Gate
from tests.peers import KubernetesPeer, wait_until_async

KEY = b"k" * 32
PODS = 20


# -- what is recommended


def recommended(name: str) -> RcaDecided:
    (out,) = restarts("shop", [name], KEY, first=7)
    event = CODEC.decode(out.value)
    assert isinstance(event, RcaDecided)
    return event


def test_a_restart_is_recommended_of_what_evidence_names() -> None:
    event = recommended("api")
    action, brief = event.payload.recommended_action, event.payload.brief

    assert action is not None
    assert brief is not None
    assert (action.step.operation, action.step.target.name) == (Operation.RESTART_DEPLOYMENT, "api")
    assert in_evidence(brief, action.step.target)
    assert is_named(KEY, event.project_id, action.step.target, action.step.target)


async def test_one_signature_is_asked_for() -> None:
    """So the first one closes it, and the time begins with it."""
    package = recommended("api")
    action = package.payload.recommended_action
    assert action is not None
    seen = Preflight(status=PreflightStatus.PASSED, action=action.id, observed_state="ab" * 32)
    about = package.model_dump(include={"project_id", "incident_id", "run_id", "occurred_at", "recorded_at"})
    checks = PreflightChecked(
        **about, event_id=ids.derive_id("preflight.checked", package.run_id), stage="preflight", payload=seen
    )
    at = int(datetime.now(UTC).timestamp() * 1000)
    gates = Gate(world_of(CODEC, lambda _: {}, lambda _: 0), key=KEY)
    runner, rows = Runner(gates, CODEC, clock=lambda: at), PartitionRows(gates.due)

    told = []
    for topic, event in (("preflights", checks), ("rca.decisions", package)):
        key = package.incident_id.encode()
        turn = await runner.turn([Record(topic, 0, 0, key, CODEC.encode(event), (), at, CODEC)], rows)
        rows.apply(turn.rows)
        told += [CODEC.decode(out.value) for out in turn.outputs]

    (request,) = [event for event in told if isinstance(event, ApprovalRequested)]
    assert request.payload.needed is not None
    assert request.payload.assessment is not None
    assert (request.payload.needed.signatures, request.payload.assessment.risk) == (1, Risk.MEDIUM)


# -- what the API server tells


@pytest.fixture
async def cluster(kubernetes: KubernetesPeer) -> AsyncIterator[Space]:
    async with space(kubernetes) as made:
        await made.make(kinds.DEPLOYMENT, [deployment(name) for name in ("one", "two")])
        yield made


async def change(cluster: Space, name: str, action: str) -> None:
    """As the executor restarts it."""
    template = {"metadata": {"annotations": {ACTION: action}}}
    path = kinds.DEPLOYMENT.path(cluster.name, name)
    body = {"spec": {"template": template}}
    await cluster.admin.connection.call("PATCH", path, body=body, content=STRATEGIC)


async def until_told(told: Effects, *actions: str) -> None:
    await wait_until_async(lambda: told.at_ms.keys() >= set(actions), 20, what="changes told")


async def test_calls_are_held_until_all_are_there(cluster: Space) -> None:
    async with watching(cluster) as told, gate(cluster, 2) as held:
        await asyncio.gather(change(cluster, "one", "a"), change(cluster, "two", "b"))
        await until_told(told, "a", "b")

        assert (held.most, told.changed_once("one"), told.changed_once("two")) == (2, True, True)

        await change(cluster, "two", "c")
        await until_told(told, "c")

        assert (told.changed_once("one"), told.changed_once("two")) == (True, False)


async def test_one_after_the_other_are_not_side_by_side(
    cluster: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(effects, "HOLD_SECS", 0.2)
    async with gate(cluster, 2) as held:
        await change(cluster, "one", "a")
        await change(cluster, "two", "b")

    assert held.most == 1


# -- the part itself


async def test_checks_are_measured_among_pods(kubernetes: KubernetesPeer, tmp_path: Path) -> None:
    measured = await plan.measure_on(kubernetes, Scale(True, tmp_path), PODS)

    assert measured.keys.keys() == {key for key in KEYS if key.startswith("plan_check")}
    assert all(figure > 0 for figure in measured.keys.values())
    assert "plan_check_drain_node_ms" in measured.more
