"""Two processes and one action: whose claim is the first has it, and nothing is done twice."""

from __future__ import annotations

import random

import pytest

from connectors.executors.contract import Observed
from schemas.execution import ExecutionClaimed
from streams.stages.execute import Execute
from streams.stages.execute_row import Acts
from tests.streams.stages.executions import Killed, Target, World, authorization, one
from tests.streams.stages.without_read_back import WithoutReadBack


async def test_of_two_the_first_claim_wins() -> None:
    world = World()
    first, second = world.process(), world.process()
    world.put(authorization())
    await first.step()
    await second.step()
    await second.run()  # finds the first's claim before its own
    await first.run()

    assert len(world.target.ledger) <= 1
    claims = [event for event in world.written if isinstance(event, ExecutionClaimed)]
    assert [one.payload.claimed_by for one in claims[:2]] == ["process 1", "process 2"]


async def test_a_late_own_claim_is_claimed_anew() -> None:
    world = World()
    process = world.process()
    world.put(authorization())
    await process.step()
    world.clock.now += 31
    await process.run()

    assert world.types() == ["started", "succeeded"]
    assert world.ends()[-1].payload.attempt == 2
    assert len(world.target.ledger) == 1


async def test_a_claim_that_ends_before_the_call_is_not_acted_on() -> None:
    world = World()

    async def sleeps(where: str) -> None:
        if where == "before the call" and world.clock.now < 130:
            world.clock.now += 40
            assert world.target.ledger == []

    world.target.hook = sleeps
    await one(world)

    assert world.ends()[-1].payload.attempt == 2
    assert len(world.target.ledger) == 1


async def test_claims_that_always_come_late_end() -> None:
    world = World()

    async def sleeps(where: str) -> None:
        if where == "before the call":
            world.clock.now += 40

    world.target.hook = sleeps
    await one(world)

    assert (world.types(), world.ends()[-1].payload.code) == (["started", "refused"], "claim_over")
    assert world.target.ledger == []


CRASHES = {
    # where, guarded → ends
    ("check", True): ["started", "succeeded"],
    ("check", False): ["unknown"],
    ("before the call", True): ["started", "succeeded"],
    ("before the call", False): ["started", "unknown"],
    ("in flight", True): ["started", "succeeded"],
    ("in flight", False): ["started", "unknown"],
    ("done", True): ["started", "succeeded"],
    ("done", False): ["started", "succeeded"],
}


@pytest.mark.parametrize(("place", "types"), CRASHES.items(), ids=str)
async def test_a_killed_process_is_followed_by_one_that_asks(
    place: tuple[str, bool], types: list[str]
) -> None:
    where, guarded = place
    world = World(Target(guarded=guarded))

    async def dies(point: str) -> None:
        if point == where and world.started == 1:
            raise Killed

    world.target.hook = dies
    world.put(authorization())
    process = world.process()
    with pytest.raises(Killed):
        await process.run()
    began = world.clock.now
    await world.process(process).run()

    assert world.types() == types
    assert len(world.target.ledger) == (0 if types[-1] == "unknown" else 1)
    assert world.clock.now >= began + 30, "it waited until the other's claim was over"


async def test_who_comes_back_to_a_claim_of_its_own_asks_too() -> None:
    """Its partition went in the middle of the call, and came back while the claim is still valid."""
    world, points = World(Target(guarded=False)), list[str]()

    async def goes(point: str) -> None:
        points.append(point)
        if points.count("done") == 1 and point == "done":
            raise Killed

    world.target.hook = goes
    world.put(authorization())
    process = world.process()
    with pytest.raises(Killed):
        await process.run()
    await process.run()

    assert len(world.target.ledger) == 1
    assert (world.types(), points[-1]) == (["started", "succeeded"], "probe")


async def test_nothing_is_called_undone_while_an_earlier_call_may_arrive() -> None:
    world = World()

    async def dies(point: str) -> None:
        if point == "in flight":
            raise Killed

    world.target.hook = dies
    world.put(authorization())
    process = world.process()
    with pytest.raises(Killed):
        await process.run()
    world.knows.given = {"kill_switch": "it was thrown meanwhile"}
    await world.process(process).run()

    assert world.types() == ["started", "unknown"]
    assert world.ends()[-1].payload.reason.endswith("it was thrown meanwhile")


async def test_a_call_that_arrives_before_the_next_attempt_looks_is_found() -> None:
    """What it changed would void that attempt: the target bears its mark all the same."""
    world, points = World(), list[str]()

    async def arrives_late(point: str) -> None:
        points.append(point)
        if points.count("in flight") == 1 and point == "in flight":
            raise Killed
        if points.count("check") == 2 and point == "check":
            world.target.ledger.append(authorization().payload.action_id)
            world.target.observed = Observed({"uid": "pod-1", "spec": "6" * 64})

    world.target.hook = arrives_late
    world.put(authorization())
    process = world.process()
    with pytest.raises(Killed):
        await process.run()
    await world.process(process).run()

    assert world.types()[-1:] == ["succeeded"]
    assert (world.ends()[-1].payload.code, len(world.target.ledger)) == ("found_done", 1)


async def test_who_looked_for_longer_than_its_claim_tells_no_end() -> None:
    """Somebody else may have claimed it anew, and be acting."""
    world = World(Target(observed=Observed({"uid": "pod-2"})))

    async def is_slow(point: str) -> None:
        if point == "check" and world.clock.now < 130:
            world.clock.now += 40

    world.target.hook = is_slow
    await one(world)

    assert (world.types(), world.ends()[0].payload.attempt) == (["voided"], 2)


async def test_an_end_that_was_told_is_not_told_otherwise_after_a_crash() -> None:
    world = World()
    world.put(authorization())
    process = world.process()
    await process.step()
    process.loses_rows = True
    with pytest.raises(Killed):
        await process.run()
    await world.process(process).run()

    assert world.types() == ["started", "succeeded"]
    assert len(world.target.ledger) == 1


async def test_a_claim_that_is_read_before_its_authorization_is_kept() -> None:
    world, before = World(), World()
    process = before.process()
    before.put(authorization())
    await process.step()
    world.put(before.written[-1])
    world.put(authorization())
    await world.process().run()

    assert world.types() == ["started", "succeeded"]
    assert world.ends()[-1].payload.attempt == 2


async def test_a_claim_of_an_earlier_attempt_counts_for_no_later_one() -> None:
    world = World()
    first, second = world.process(), world.process()
    world.put(authorization())
    await first.step()
    await second.step()
    world.clock.now += 31
    await first.run()

    assert world.types() == ["started", "succeeded"]
    assert world.ends()[-1].payload.attempt == 2


async def test_of_claims_without_an_authorization_the_first_is_kept() -> None:
    world, elsewhere = World(), World()
    elsewhere.put(authorization())
    for _ in range(2):
        await elsewhere.process().step()
    first, second = elsewhere.written[1:]
    world.put(first)
    world.put(second)
    process = world.process()
    await process.run()

    (row,) = process.rows.values()
    (held,) = Acts.of_row(row).held.values()
    assert held.claim == first.event_id != second.event_id


# -- whatever happens, in whatever order


POINTS = ("check", "before the call", "in flight", "done", "probe")


async def interleaved(seed: int, stage: type[Execute] = Execute) -> World:
    """Two processes that both believe to have the partition, stopped, frozen and restarted at random."""
    chance = random.Random(seed)
    world = World(Target(guarded=chance.random() < 0.5), stage=stage)
    processes = [world.process(), world.process()]
    busy = set[int]()

    async def hook(point: str) -> None:
        if chance.random() < 0.1:
            raise Killed
        if chance.random() < 0.2:
            world.clock.now += chance.choice((1, 29, 31, 100))  # frozen
        if chance.random() < 0.4:  # the other goes on meanwhile
            await go_on(chance.randrange(2))

    async def go_on(which: int) -> None:
        """One target, so a process does one thing after the other."""
        if which in busy:
            return
        busy.add(which)
        for _ in range(chance.randrange(1, 4)):
            try:
                await processes[which].step()
            except Killed:
                processes[which] = world.process(processes[which])
        busy.remove(which)

    world.target.hook = hook
    for run in range(1, 4):
        world.put(authorization(run))
    while any(process.place < len(world.records) for process in processes):
        which = chance.randrange(2)
        await go_on(which)
    return world


@pytest.mark.parametrize("part", range(4))
async def test_at_most_one_effect_whatever_happens(part: int) -> None:
    for seed in range(part * 25, part * 25 + 25):
        world = await interleaved(seed)
        done = world.target.ledger
        assert len(done) == len(set(done)), f"seed {seed}: {done}"
        assert {event.payload.action_id for event in world.ends()} == {
            authorization(run).payload.action_id for run in range(1, 4)
        }, f"seed {seed}: an action without an end"
        told = {event.payload.action_id for event in world.ends() if event.type == "execution.refused"}
        assert not told & set(done), f"seed {seed}: what was refused was done"


async def test_without_the_read_back_some_are_done_twice() -> None:
    twice = 0
    for seed in range(10):
        world = await interleaved(seed, WithoutReadBack)
        twice += len(world.target.ledger) != len(set(world.target.ledger))
    assert twice


async def test_where_nothing_fails_each_is_done_exactly_once() -> None:
    world = await one(World(), *(authorization(run) for run in range(1, 4)))

    assert sorted(world.target.ledger) == sorted(authorization(run).payload.action_id for run in range(1, 4))
    assert world.types() == ["started", "succeeded"] * 3
