"""Acts on one workload come one after the other and count together, whichever of its parts they are on."""

from __future__ import annotations

from typing import Any

import pytest

from agents.target_id import id_of, workload_id
from connectors.executors.contract import Observed
from schemas.authorization import ActionAuthorized
from schemas.catalog import key_of
from schemas.operations import Target as Place
from schemas.preflight import Check
from streams.policy.authorizations import approved
from streams.stage import Now, about_run
from tests.schemas.golden_events import golden
from tests.streams.stages.evidence_support import KEYS
from tests.streams.stages.executions import (
    NAMED,
    OBSERVED,
    Killed,
    Process,
    Target,
    World,
    authorization,
    changed,
    nothing,
    one,
)

PROJECT = authorization().project_id
OWNER = Place(cluster="eu-1", namespace="shop", kind="deployment", name="checkout")
WORKLOAD = id_of(KEYS.target, PROJECT, OWNER)
OTHER = id_of(KEYS.target, PROJECT, OWNER.model_copy(update={"name": "bank"}))


def part(run: int, name: str = "", **given: Any) -> ActionAuthorized:
    """A pod of the workload: the first one, or another by name."""
    more: dict[str, Any] = {"workload": WORKLOAD, **given}
    if name:
        action = authorization().payload.action
        target = action.step.target.model_copy(update={"name": name})
        more["action"] = action.model_copy(update={"step": action.step.model_copy(update={"target": target})})
    return changed(run, **more)


def owned(**given: Any) -> World:
    return World(Target(workload=OWNER, **given))


async def test_two_pods_of_one_workload_have_one_key_and_each_its_own_signed_target() -> None:
    first, second = part(1), part(2, "checkout-2")
    world = await one(owned(), first, second)

    assert key_of(first) == key_of(second) == WORKLOAD.encode()
    ids = {event.payload.action.step.target.id for event in (first, second)}
    assert len(ids) == 2
    assert WORKLOAD not in ids
    assert {record.key for record in world.records if record.topic == "executions.claims"} == {
        WORKLOAD.encode()
    }
    assert world.target.ledger == [event.payload.action_id for event in (first, second)]


def test_what_people_sign_is_authorized_under_the_workload_that_preflight_saw() -> None:
    asked = golden("approval.requested")
    event = approved(asked, (), about_run(asked, "approve", Now(0)), None)

    assert key_of(event).decode() == event.payload.workload == asked.payload.workload
    assert event.payload.action.step.target.id not in ("", event.payload.target)


async def test_what_was_done_to_a_pod_counts_for_its_workload() -> None:
    acts = [part(1), part(2, "checkout-2"), part(3, "checkout-3"), part(4, "checkout-4")]
    world = await one(owned(), *acts)

    assert len(world.target.ledger) == 3
    end = world.ends()[-1]
    assert (end.type, end.payload.code) == ("execution.refused", "cap")
    assert end.payload.reason == "3 actions on this workload within an hour: policy allows no more"


async def test_the_cap_outlives_a_restart_and_goes_with_its_partition() -> None:
    """Another process, which knows nothing but the rows that were written."""
    world, former = await three_were_done()
    world.put(part(4))
    await world.process(former).run()

    assert (world.types()[-1], world.ends()[-1].payload.code) == ("refused", "cap")


async def test_the_cap_counts_what_a_killed_process_had_done() -> None:
    """Its row was never written: the next one finds out by asking the target."""
    world = owned()

    async def dies(point: str) -> None:
        if point == "done" and len(world.target.ledger) == 3:
            raise Killed

    world.target.hook = dies
    for run in range(1, 4):
        world.put(part(run))
    process = world.process()
    with pytest.raises(Killed):
        await process.run()
    world.target.hook = nothing
    world.put(part(4))
    await world.process(process).run()

    assert len(world.target.ledger) == 3
    assert (world.types()[-1], world.ends()[-1].payload.code) == ("refused", "cap")


async def test_an_hour_later_it_may_be_done_again() -> None:
    world, former = await three_were_done()
    world.clock.now += 3601
    end = authorization().payload.expires_at
    world.put(part(4, expires_at=end.replace(year=end.year + 1)))
    await world.process(former).run()

    assert len(world.target.ledger) == 4


async def three_were_done() -> tuple[World, Process]:
    world = owned()
    process = world.process()
    for run in range(1, 4):
        world.put(part(run))
    await process.run()
    assert len(world.target.ledger) == 3
    return world, process


# -- a key that is another's

WRONG: dict[str, tuple[ActionAuthorized, Place | None]] = {
    "another workload's": (part(1, workload=OTHER), OWNER),
    "its own, and it has an owner": (changed(), OWNER),
    "an owner's, and it has none": (part(1), None),
}


@pytest.mark.parametrize(("event", "owner"), WRONG.values(), ids=WRONG)
async def test_a_key_that_is_not_its_workloads_is_refused(
    event: ActionAuthorized, owner: Place | None
) -> None:
    """Even where it is proven: beside the acts under the right key it would count for itself."""
    world = await one(World(Target(workload=owner)), event)

    assert (world.types(), world.ends()[0].payload.code) == (["refused"], "other_workload")
    assert world.target.ledger == []


def test_without_an_owner_a_target_is_its_own_workload() -> None:
    target = authorization().payload.action.step.target
    assert workload_id(KEYS.target, PROJECT, target, None) == target.id
    assert authorization().payload.target == target.id


# -- opposite acts

AFTER = Observed({**OBSERVED.state, "replicas": "3"}, "8")


async def test_of_two_opposite_acts_the_second_is_judged_on_what_the_first_left() -> None:
    world = await one(owned(then=AFTER), part(1), part(2, "checkout-2"))

    first, second = (part(1), part(2, "checkout-2"))
    assert world.target.ledger == [first.payload.action_id]
    assert world.types() == ["started", "succeeded", "voided"]
    end = world.ends()[-1].payload
    assert (end.action_id, end.code) == (second.payload.action_id, "state_changed")
    assert (end.observed_state, end.observed_now) == (OBSERVED.hash, AFTER.hash)
    assert end.state_now == dict(AFTER.state)


# -- what evidence never named

UNNAMED: dict[str, dict[str, Any]] = {
    "nothing says so": {"checks": (Check(name="owned", passed=True),)},
    "it was found out": {"checks": (NAMED.model_copy(update={"passed": False}),), "observed_state": ""},
}


@pytest.mark.parametrize("given", UNNAMED.values(), ids=UNNAMED)
async def test_a_target_that_evidence_does_not_name_is_refused_whoever_signed(given: dict[str, Any]) -> None:
    world = await one(World(), changed(**given))

    assert (world.types(), world.ends()[0].payload.code) == (["refused"], "not_in_evidence")
    assert world.target.ledger == []
    assert not [event for event in world.written if event.type == "tool.called"], "it is not even looked at"
