"""What every executor keeps to, whatever it acts on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from connectors.executors.contract import Checked, Effect, End, Happened, Order
from streams.covering import covering
from tests.connectors.executors.worlds import WORLDS, World, always
from tests.connectors.mcp.worlds import WORLDS as OVER_MCP

ALL = {**WORLDS, **OVER_MCP}
OTHER = "0" * 64


@pytest.fixture(params=ALL)
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    async with ALL[request.param](tmp_path) as world:
        yield world


async def seen(world: World, order: Order) -> Checked:
    checked = await world.executor.check(order)
    assert checked.observed is not None, checked.checks
    return checked


async def test_it_says_who_it_is_and_what_it_does(world: World) -> None:
    assert world.executor.name
    assert world.order("a").step.operation in world.executor.operations


async def test_an_order_is_validated_without_asking_anybody(world: World) -> None:
    assert world.executor.validate(world.order("a")) == ""
    assert world.executor.validate(world.unsound)
    assert world.done() == 0


async def test_an_unsound_order_is_neither_tried_nor_sent(world: World) -> None:
    checked = await world.executor.check(world.unsound)
    done = await world.executor.execute(world.unsound, OTHER, always)

    assert [check.passed for check in checked.checks if check.name == "parameters"] == [False]
    assert (done.end, world.done()) == (End.REFUSED, 0)


async def test_checks_change_nothing_and_see_the_same_twice(world: World) -> None:
    before = world.state()
    first, again = await seen(world, world.order("a")), await seen(world, world.order("b"))

    assert first.observed is not None
    assert again.observed is not None
    assert first.observed.hash == again.observed.hash
    assert {check.name: check.passed for check in first.checks}["dry_run"]
    assert (await world.executor.dry_run(world.order("a"))).passed
    assert (world.state(), world.done()) == (before, 0)


async def test_what_is_observed_holds_no_names(world: World) -> None:
    checked = await seen(world, world.order("a"))

    assert checked.observed is not None
    assert not [value for value in world.real_values if value in str(dict(checked.observed.state))]


async def test_nothing_is_sent_where_the_last_word_is_no(world: World) -> None:
    checked, order = await seen(world, world.order("a")), world.order("a")
    assert checked.observed is not None

    done = await world.executor.execute(order, checked.observed.hash, lambda _: "the claim is over")

    assert (done.end, done.message, world.done()) == (End.REFUSED, "the claim is over", 0)
    probed = await world.executor.probe(order, checked.observed.hash, checked.observed)
    assert probed.happened is Happened.NO


async def test_the_last_word_is_asked_once_right_before_it_is_sent(world: World) -> None:
    checked, order = await seen(world, world.order("a")), world.order("a")
    assert checked.observed is not None
    done_before: list[int] = []

    def last_word(observed: object) -> str:
        assert observed == done_on
        done_before.append(world.done())
        return ""

    done_on = checked.observed
    done = await world.executor.execute(order, checked.observed.hash, last_word)

    assert (done.end, done_before, world.done()) == (End.DONE, [0], 1)


async def test_what_is_not_as_it_was_approved_is_not_done(world: World) -> None:
    done = await world.executor.execute(world.order("a"), OTHER, always)

    assert (done.end, world.done()) == (End.CHANGED, 0)


async def test_under_one_action_id_it_is_done_once(world: World) -> None:
    checked, order = await seen(world, world.order("a")), world.order("a")
    assert checked.observed is not None

    first = await world.executor.execute(order, checked.observed.hash, always)
    again = await world.executor.execute(order, checked.observed.hash, always)

    assert (first.end, again.end, world.done()) == (End.DONE, End.DONE, 1)


async def test_what_is_not_answered_in_time_is_unknown(world: World) -> None:
    executor, order = world.slow
    checked = await executor.check(order)
    assert checked.observed is not None, checked.checks
    world.hang()

    done = await executor.execute(order, checked.observed.hash, always)

    assert done.end is End.UNKNOWN, done.message
    assert done.message


async def test_a_probe_tells_the_truth(world: World) -> None:
    checked, order = await seen(world, world.order("a")), world.order("a")
    assert checked.observed is not None
    expected = checked.observed.hash

    before = await world.executor.probe(order, expected, checked.observed)
    await world.executor.execute(order, expected, always)
    after = await world.executor.probe(order, expected, checked.observed)
    other = await world.executor.probe(world.order("b"), expected)

    assert (before.happened, after.happened) == (Happened.NO, Happened.YES)
    assert other.happened is not Happened.YES or world.probes_by_state


async def test_it_is_verified_by_looking(world: World) -> None:
    checked, order = await seen(world, world.order("a")), world.order("a")
    assert checked.observed is not None

    before = await world.executor.verify(order)
    await world.executor.execute(order, checked.observed.hash, always)
    after = await world.executor.verify(order, checked.observed)

    assert before.effect is not Effect.HOLDS
    assert after.effect is Effect.HOLDS


async def test_what_was_done_is_taken_back(world: World) -> None:
    former, order = world.state(), world.order("a")
    checked = await seen(world, order)
    assert checked.observed is not None
    await world.executor.execute(order, checked.observed.hash, always)
    assert world.state() != former

    undo = world.executor.undo(order, checked)
    assert undo is not None
    back = Order(undo, "the-undo")
    looked = await seen(world, back)
    assert looked.observed is not None
    done = await world.executor.execute(back, looked.observed.hash, always)

    assert (done.end, world.state()) == (End.DONE, former)


async def test_what_takes_it_back_waits_for_it(world: World) -> None:
    """Both are of one workload: their acts come one after the other, and count together."""
    order = world.order("a")
    checked = await seen(world, order)
    undo = world.executor.undo(order, checked)
    assert undo is not None

    back = await seen(world, Order(undo, "the-undo"))

    assert back.workload == checked.workload
    assert checked.workload or order.step.target.name


async def test_its_words_can_be_covered(world: World) -> None:
    """Whatever form a value comes back in, the privacy shield knows it again."""
    order = world.order("a")
    checked = await seen(world, order)
    assert checked.observed is not None
    done = await world.executor.execute(order, checked.observed.hash, always)
    probed = await world.executor.probe(order, checked.observed.hash)

    cover = covering({f"[NAME_{number}]": value for number, value in enumerate(world.real_values)})
    told = [done.message, probed.message, *(check.message for check in checked.checks)]
    assert not [text for text in map(cover, told) for value in world.real_values if value in text.split()]
    assert "bob" not in " ".join(map(cover, told))
