"""What is authorized is done once, by whose claim is the first, as long as everything still allows it."""

from __future__ import annotations

import random
from typing import Any

import pytest

from connectors.executors.contract import Done, Effect, End, Observed
from schemas.authorization import ActionAuthorized
from schemas.envelope import Event
from schemas.execution import ExecutionClaimed
from schemas.preflight import Check
from streams.executing import ExecuteNeeds
from streams.stage import Now
from streams.stages.execute import Execute
from streams.stages.execute_row import Acts, Held
from streams.stages.verify import Verify
from tests.streams.policy.forgeries import FREEZE, of, policy, told
from tests.streams.stages.evidence_support import record
from tests.streams.stages.executions import OBSERVED, Killed, Knowing, Target, World, authorization

OTHER = Observed({"uid": "pod-2", "spec": "5" * 64}, "8")
FAILS = (Check(name="owned", passed=True), Check(name="dry_run", passed=False, message="quota exceeded"))


async def one(world: World, *events: Event) -> World:
    for event in events or (authorization(),):
        world.put(event)
    await world.process().run()
    return world


async def test_it_is_done_once_and_told() -> None:
    world = await one(World())

    assert world.types() == ["started", "succeeded"]
    assert world.target.ledger == [authorization().payload.action_id]
    _, done = world.ends()
    assert done.payload.observed_now == OBSERVED.hash == done.payload.observed_state
    assert done.payload.state_now == dict(OBSERVED.state)
    assert [event.payload.tool for event in world.written if event.type == "tool.called"] == [
        "kubernetes.check",
        "kubernetes.execute",
    ]


async def test_the_same_again_is_done_by_nobody() -> None:
    world = await one(World(), authorization(), authorization())
    world.put(authorization())
    await world.process().run()  # from the beginning, without rows

    assert len(world.target.ledger) == 1
    assert world.types() == ["started", "succeeded"]


NOES: dict[str, tuple[dict[str, Any], str, str]] = {
    "kill switch": ({"kill_switch": "it is engaged"}, "refused", "kill_switch"),
    "shadow project": ({"shadow": True}, "shadowed", "shadow_mode"),
    "no policy": ({"policy_trouble": "it cannot be read"}, "refused", "policy_unreadable"),
    "freeze": ({"policy": policy("freezes: []", f"freezes: {FREEZE}")}, "refused", "change_freeze"),
    "not opted in any more": ({"opted_in": False}, "refused", "not_automatic"),
    "another key": ({"key": b"k" * 32}, "refused", "unproven"),
    "nothing allowed at once": (
        {"policy": policy("actions_at_once: 5", "actions_at_once: 0")},
        "refused",
        "cap",
    ),
    "nothing allowed in an hour": (
        {"policy": policy("actions_per_workload_and_hour: 3", "actions_per_workload_and_hour: 0")},
        "refused",
        "cap",
    ),
}


@pytest.mark.parametrize(("given", "kind", "code"), NOES.values(), ids=NOES)
async def test_what_is_not_allowed_now_is_not_done(given: dict[str, Any], kind: str, code: str) -> None:
    world = await one(World(knows=Knowing(given)))

    (end,) = world.ends()
    assert (world.types(), end.payload.code) == ([kind], code)
    assert end.payload.reason
    assert world.target.ledger == []


@pytest.mark.parametrize(("given", "kind", "code"), NOES.values(), ids=NOES)
async def test_nor_where_it_changes_right_before_the_call(
    given: dict[str, Any], kind: str, code: str
) -> None:
    world = World()

    async def changes(where: str) -> None:
        if where == "before the call":
            world.knows.given = given

    world.target.hook = changes
    await one(world)

    assert (world.types(), world.ends()[0].payload.code) == ([kind], code)
    assert world.target.ledger == []


async def test_a_broker_that_cannot_say_engages_the_kill_switch() -> None:
    world = await one(World(knows=Knowing(doubtful="the broker does not answer")))

    assert (world.types(), world.ends()[0].payload.code) == (["refused"], "kill_switch")
    assert world.target.ledger == []


FORGED: dict[str, tuple[ActionAuthorized, str]] = {
    "over": (authorization(expires_at=authorization().recorded_at), "over"),
    "other hash": (told(authorization(), action_hash="0" * 64), "other_hash"),
    "other state": (told(authorization(), observed_state="0" * 64), "other_hash"),
    "unproven": (told(authorization(), proof="0" * 64), "unproven"),
    "of another incident": (of(authorization(), incident_id="INC-20260301-ZZZZZZZZZZ"), "unproven"),
}


@pytest.mark.parametrize(("event", "code"), FORGED.values(), ids=FORGED)
async def test_what_is_forged_or_over_is_not_done(event: ActionAuthorized, code: str) -> None:
    world = await one(World(), event)

    assert (world.types(), world.ends()[0].payload.code) == (["refused"], code)
    assert world.target.ledger == []


async def test_under_another_key_it_is_no_authorization() -> None:
    event = authorization()
    world = World()
    world.put(event)
    world.records[0].key = b"somewhere else"
    await world.process().run()

    assert [one.type for one in world.written] == ["action.authorized", "stage.failed"]


VOIDS: dict[str, dict[str, Any]] = {
    "another state": {"observed": OTHER},
    "gone": {"observed": None, "checks": (Check(name="exists", passed=False, message="there is none"),)},
    "another result": {"checks": (Check(name="owned", passed=True), FAILS[1])},
}


@pytest.mark.parametrize("given", VOIDS.values(), ids=VOIDS)
async def test_a_target_that_changed_voids_it_with_both_states(given: dict[str, Any]) -> None:
    before = (Check(name="owned", passed=True), Check(name="dry_run", passed=True))
    world = await one(World(Target(**given)), authorization(checks=before))

    (end,) = world.ends()
    now = given.get("observed", OBSERVED)
    assert world.types() == ["voided"]
    assert end.payload.observed_state == OBSERVED.hash
    assert end.payload.observed_now == (now.hash if now else "")
    (decision,) = (event for event in world.written if event.type == "decision.made")
    assert (decision.payload.outcome, decision.payload.rule) == ("VOIDED", "state_changed")
    assert world.target.ledger == []


ENDS: dict[str, tuple[Done, list[str], str]] = {
    "the server's no": (Done(End.REFUSED, "403: quota"), ["started", "failed"], "refused_by_target"),
    "half of it": (Done(End.PARTLY, "one pod stays"), ["started", "failed"], "partly"),
    "changed in the end": (Done(End.CHANGED, "another uid", OTHER), ["started", "voided"], "state_changed"),
}


@pytest.mark.parametrize(("done", "types", "code"), ENDS.values(), ids=ENDS)
async def test_how_it_ends_is_told(done: Done, types: list[str], code: str) -> None:
    world = await one(World(Target(end=done)))

    end = world.ends()[-1]
    assert (world.types(), end.payload.code, end.payload.reason) == (types, code, done.message)


async def test_a_failure_takes_trust_away() -> None:
    world = await one(World(Target(end=Done(End.REFUSED, "403"))))

    observed = [event.payload for event in world.written if event.type == "trust.observed"]
    key = authorization().payload.assessment.trust_key
    assert [(one.trust_key, one.outcome) for one in observed] == ([(key, "failed")] if key else [])


async def test_no_answer_is_asked_about_and_then_unknown() -> None:
    world = await one(World(Target(end=Done(End.UNKNOWN, "no answer"), forgets=True)))

    assert world.types() == ["started", "unknown"]


async def test_the_cap_counts_what_was_done_within_the_hour() -> None:
    world = await one(World(), *(authorization(run) for run in range(1, 5)))

    assert world.types().count("succeeded") == 3
    assert (world.types()[-1], world.ends()[-1].payload.code) == ("refused", "cap")


# -- claims


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

    assert (world.types(), world.ends()[0].payload.code) == (["refused"], "claim_over")
    assert world.target.ledger == []


CRASHES = {
    # where, guarded → ends
    ("check", True): ["started", "succeeded"],
    ("check", False): ["unknown"],
    ("before the call", True): ["started", "succeeded"],
    ("before the call", False): ["unknown"],
    ("in flight", True): ["started", "succeeded"],
    ("in flight", False): ["unknown"],
    ("done", True): ["succeeded"],
    ("done", False): ["succeeded"],
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
    assert len(world.target.ledger) == (0 if types == ["unknown"] else 1)
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
    assert (world.types(), points[-1]) == (["succeeded"], "probe")


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


class WithoutReadBack(Execute):
    """The negative control: its own claim is believed before the log has it."""

    async def _authorized(
        self, needs: ExecuteNeeds, event: ActionAuthorized, held: Held, state: Acts, now: Now
    ) -> list[Event]:
        claim: Any = self._claim(needs, event, held, now)
        held.authorized, held.claim, held.valid_secs = event, claim.event_id, claim.payload.valid_secs
        return [claim, *await self._go(needs, event, held, state, now)]


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


# -- afterwards


@pytest.mark.parametrize(
    ("effect", "kind", "earned"),
    [
        (Effect.HOLDS, "execution.verified", ["verified"]),
        (Effect.FAILED, "execution.unverified", ["failed"]),
        (Effect.NOT_YET, "execution.unverified", ["failed"]),
        (Effect.UNKNOWABLE, "execution.unverified", []),
    ],
)
async def test_what_was_done_is_looked_at(effect: Effect, kind: str, earned: list[str]) -> None:
    world = await one(World(Target(effect=effect)))
    done = world.ends()[-1]
    done = done.model_copy(update={"payload": done.payload.model_copy(update={"trust_key": "k"})})
    needs = world.process().runner.stage._needs  # type: ignore[union-attr]  # its own

    told, *trust = await Verify(needs).handle(record(done), Now(world.millis))

    assert told.type == kind
    assert [event.payload.outcome for event in trust] == earned
