"""How it is seen whether what was done holds: by the executor, then by the playbook's query."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from connectors.evidence import Unavailable
from connectors.executors.contract import Effect, Observed, Order, Verified
from schemas.authorization import ActionAuthorized
from schemas.execution import Execution, ExecutionSucceeded
from streams.execute_needs import ExecuteNeeds
from streams.stages.verify_look import Looked, Looking, look
from tests.streams.policy.forgeries import of
from tests.streams.stages.evidence_support import KEYS
from tests.streams.stages.executions import OBSERVED, Target, World, changed, one
from tests.streams.stages.verifying import CHANGED, SCALED, undo_of

QUERY = 'kube_pod_status_ready{namespace="shop",pod=~"checkout.*"} == 1'


@dataclass
class Looks(Target):
    """Says one thing after the other; what it says last it goes on saying."""

    says: list[Effect | None] = field(default_factory=list)

    async def verify(self, order: Order, before: Observed | None = None) -> Verified:
        effect = self.says[0] if len(self.says) == 1 else self.says.pop(0)
        if effect is None:
            raise Unavailable("the API server does not answer")
        return Verified(effect, f"10.1.2.3 {effect}")


@dataclass
class Asked:
    says: list[Effect] = field(default_factory=lambda: [Effect.HOLDS])
    asked: list[tuple[str, int]] = field(default_factory=list)

    async def ask(self, text: str, at: int) -> Verified:
        self.asked.append((text, at))
        effect = self.says[0] if len(self.says) == 1 else self.says.pop(0)
        return Verified(effect, f"{text} {effect}")


async def looked(*says: Effect | None, query: Asked | None = None, **action: Any) -> tuple[Looked, World]:
    world = World(Looks(says=list(says)))
    allowed = changed().payload.action.model_copy(update={"verification": ""} | action)
    await one(world, changed(action=allowed))
    done = world.ends()[-1]
    assert isinstance(done, ExecutionSucceeded)
    return await look(with_query(world, query), done, world.millis), world


def with_query(world: World, query: Asked | None) -> ExecuteNeeds:
    needs: Any = world.process().runner.stage._needs  # type: ignore[union-attr]  # its own
    return replace(needs, query=query)


@pytest.mark.parametrize(
    ("says", "effect"),
    [
        ([Effect.HOLDS], Effect.HOLDS),
        ([Effect.NOT_YET, None, Effect.NOT_YET, Effect.HOLDS], Effect.HOLDS),
        ([Effect.FAILED], Effect.FAILED),
        ([Effect.NOT_YET], Effect.NOT_YET),
        ([None], Effect.UNKNOWABLE),
    ],
    ids=["at once", "after a while", "failed", "never", "nobody answers"],
)
async def test_the_executor_looks_until_it_knows(says: list[Effect | None], effect: Effect) -> None:
    found, world = await looked(*says)

    assert found.effect is effect
    assert "10.1.2.3" not in found.reason
    assert [(entry.ask.tool, entry.status) for entry in found.entries] == [("kubernetes.verify", "ok")]
    assert world.clock.now < 100 + 130


@pytest.mark.parametrize(
    ("now", "effect"), [(OBSERVED, Effect.HOLDS), (CHANGED, Effect.NOT_YET)], ids=["as before", "another"]
)
async def test_an_undo_holds_where_the_target_is_as_it_was_before(now: Observed, effect: Effect) -> None:
    """It was ill before it was acted on, and is ill again."""
    world = await one(World(Looks(says=[Effect.NOT_YET], observed=now)))
    world.target.operations = SCALED
    undo = told_of(undo_of())
    found = await look(with_query(world, Asked()), undo, world.millis)

    assert found.effect is effect


def told_of(allowed: ActionAuthorized) -> ExecutionSucceeded:
    """That it was done."""
    about = allowed.model_dump(include={"project_id", "incident_id", "run_id", "occurred_at", "recorded_at"})
    names = {"target", "action_id", "approval_id", "action", "action_hash", "observed_state", "undoes"}
    payload = Execution(**allowed.payload.model_dump(include=names))
    return ExecutionSucceeded(**about, stage="execute", event_id="done", payload=payload)


async def test_then_the_playbooks_query_is_asked_once_something_can_be_measured() -> None:
    query = Asked([Effect.NOT_YET, Effect.UNKNOWABLE, Effect.HOLDS])
    found, world = await looked(Effect.HOLDS, query=query, verification=QUERY)

    assert found.effect is Effect.HOLDS
    assert {text for text, _ in query.asked} == {QUERY}
    assert [at - world.millis for _, at in query.asked] == [-10_000, -5_000, 0]
    assert world.clock.now == 100 + 60 + 10
    assert [entry.ask.tool for entry in found.entries] == ["kubernetes.verify", "prometheus.query"]
    assert found.entries[1].ask.arguments == {"query": QUERY}


@pytest.mark.parametrize("says", [Effect.NOT_YET, Effect.UNKNOWABLE], ids=str)
async def test_a_query_that_never_holds_has_its_time(says: Effect) -> None:
    found, world = await looked(Effect.HOLDS, query=Asked([says]), verification=QUERY)

    assert found.effect is says
    assert world.clock.now == pytest.approx(100 + 60 + 180)


async def test_a_query_that_nobody_can_be_asked_is_no_success() -> None:
    found, _ = await looked(Effect.HOLDS, query=None, verification=QUERY)

    assert found.effect is Effect.UNKNOWABLE
    assert "AWOOOI_PROMETHEUS_URL" in found.reason


async def test_what_failed_already_is_not_asked_about() -> None:
    query = Asked()
    await looked(Effect.FAILED, query=query, verification=QUERY)

    assert query.asked == []


VALUES = {
    "an address": ("10.1.2.3", Effect.HOLDS),
    "the end of a quote": ('x"} or vector(1) == 1 #', Effect.UNKNOWABLE),
    "a backslash": ("x\\", Effect.UNKNOWABLE),
}


@pytest.mark.parametrize(("value", "effect"), VALUES.values(), ids=VALUES)
async def test_real_values_are_put_into_a_query_as_values_alone(value: str, effect: Effect) -> None:
    assert KEYS.sealer is not None
    event = changed(
        action=changed().payload.action.model_copy(update={"verification": 'up{ip="[IP_1]"} == 1'})
    )
    sealed = KEYS.sealer.seal({"[IP_1]": value}, project_id=event.project_id, event_id=event.run_id)
    world, query = World(Looks(says=[Effect.HOLDS])), Asked()
    await one(world, of(event, sealed=sealed))
    found = await look(with_query(world, query), world.ends()[-1], world.millis)

    assert found.effect is effect
    assert [text for text, _ in query.asked] == (
        [f'up{{ip="{value}"}} == 1'] if effect is Effect.HOLDS else []
    )
    assert value not in found.reason
    assert all(value not in entry.payload(found.cover).model_dump_json() for entry in found.entries)


async def test_looks_go_on_beside_the_stage() -> None:
    """Each is begun once; what was found is handed out once."""
    world = await one(World(Looks(says=[Effect.FAILED])))
    done = world.ends()[-1]
    looks = Looking(with_query(world, None))

    assert looks.found(done, world.millis) is None
    for _ in range(100):
        await asyncio.sleep(0)
    found = looks.found(done, world.millis)
    assert found is not None
    assert found.effect is Effect.FAILED
    assert looks.found(done, world.millis) is None, "begun anew"
