"""A run that is called off just as its action is authorized: what has not begun is not done."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.authorization import ActionAuthorized, ActionWithdrawn, Withdrawal
from schemas.catalog import key_of
from streams.stage import Now, about_run
from tests.streams.stages.executions import World, authorization, one
from tests.streams.stages.test_voided import Voids

WHY = "its run was cancelled by dave: not during the sale"


# -- who withdraws it


@pytest.fixture
async def story(tmp_path: Path) -> Voids:
    story = Voids(tmp_path)
    await story.ask()
    story.sign("bob")
    story.sign("carol")
    return story


@pytest.mark.parametrize("told", [False, True], ids=["its end was noted", "its end was told"])
async def test_what_was_approved_just_before_is_withdrawn_under_its_key(story: Voids, *, told: bool) -> None:
    """The record keeps one end: it was approved."""
    await story.log.run()
    if told:
        await story.ticks()
    story.cancel()
    await story.log.run()
    await story.ticks()

    assert [kind for kind in story.kinds() if kind != "counted"] == ["approved"]
    events = story.log.events("authorizations")
    authorized = next(event for event in events if isinstance(event, ActionAuthorized))
    withdrawn = next(event for event in events if isinstance(event, ActionWithdrawn))
    assert len(events) == 2
    assert key_of(withdrawn) == key_of(authorized)
    assert withdrawn.payload.action_id == authorized.payload.action_id
    assert withdrawn.payload.reason == WHY


async def test_that_another_run_is_called_off_withdraws_nothing(story: Voids) -> None:
    await story.run()
    story.cancel(run=2)
    await story.run()

    assert [event.type for event in story.log.events("authorizations")] == ["action.authorized"]


# -- who does not do it


def withdrawn(event: ActionAuthorized) -> ActionWithdrawn:
    told = Withdrawal(target=event.payload.target, action_id=event.payload.action_id, reason=WHY)
    return ActionWithdrawn(**about_run(event, "approve", Now(0)), event_id="withdrawn", payload=told)


@pytest.mark.parametrize("before", [False, True], ids=["after the authorization", "before it"])
async def test_what_is_withdrawn_before_it_begins_is_refused(*, before: bool) -> None:
    event = authorization()
    world = await one(World(), *((withdrawn(event), event) if before else (event, withdrawn(event))))

    (end,) = world.ends()
    assert (end.type, end.payload.code, end.payload.reason) == ("execution.refused", "withdrawn", WHY)
    assert world.target.ledger == []


async def test_another_process_knows_of_it_too() -> None:
    """Nothing is done; that nothing was done by the first, which had claimed it, nobody says."""
    world = World()
    for event in (authorization(), withdrawn(authorization())):
        world.put(event)
    process = world.process()
    await process.step()
    await process.step()
    await world.process(process).run()

    assert world.types() == ["unknown"]
    assert world.ends()[0].payload.reason.endswith(WHY)
    assert world.target.ledger == []


async def test_what_was_done_before_stays_done() -> None:
    world = await one(World())
    world.put(withdrawn(authorization()))
    await world.process().run()

    assert world.types() == ["started", "succeeded"]
    assert len(world.target.ledger) == 1
