"""What is authorized is done once, by whose claim is the first, as long as everything still allows it."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.executors.contract import Done, End, Observed
from schemas.authorization import ActionAuthorized
from schemas.execution import ExecutionClaimed
from schemas.preflight import Check
from streams.commitments import Committed, commit
from tests.streams.policy.forgeries import FREEZE, insider, of, policy, told
from tests.streams.stages.evidence_support import KEYS
from tests.streams.stages.executions import (
    NAMED,
    OBSERVED,
    Knowing,
    Target,
    World,
    authorization,
    changed,
    one,
)

LABEL = "[IP_1]"
OTHER = Observed({"uid": "pod-2", "spec": "5" * 64}, "8")
FAILS = (Check(name="owned", passed=True), Check(name="dry_run", passed=False, message="quota exceeded"))


def elsewhere() -> ActionAuthorized:
    """The id of another pod under this one's name."""
    action = authorization().payload.action
    target = action.step.target.model_copy(update={"id": "of another"})
    action = action.model_copy(update={"step": action.step.model_copy(update={"target": target})})
    return changed(action=action, target="of another")


def labelled(value: str) -> ActionAuthorized:
    """For a pod whose name is a personal value, with this one sealed in its place."""
    action, salted = authorization().payload.action, commit_to("10.1.2.3")
    target = action.step.target.model_copy(update={"name": LABEL})
    action = action.model_copy(update={"step": action.step.model_copy(update={"target": target})})
    event = changed(real=value, action=action, commitments=salted.commitments)
    assert KEYS.sealer is not None
    values = {**salted.values, LABEL: value}
    sealed = KEYS.sealer.seal(values, project_id=event.project_id, event_id=event.run_id)
    return of(event, sealed=sealed)


def commit_to(value: str) -> Committed:
    step = authorization().payload.action.step
    target = step.target.model_copy(update={"name": LABEL})
    return commit([step.model_copy(update={"target": target})], {LABEL: value})


async def test_real_names_are_put_back_for_the_calls_alone() -> None:
    world = await one(World(), labelled("10.1.2.3"))

    assert world.types() == ["started", "succeeded"]
    assert [order.step.target.name for order in world.target.orders] == ["10.1.2.3"]
    assert "10.1.2.3" not in "".join(event.model_dump_json() for event in world.written)


def sealed_by_another() -> ActionAuthorized:
    return insider(of(authorization(), sealed=b"\x01" * 64))


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
    assert len([event for event in world.written if isinstance(event, ExecutionClaimed)]) == 2


NOES: dict[str, tuple[dict[str, Any], str, str]] = {
    "kill switch": ({"kill_switch": "it is engaged"}, "refused", "kill_switch"),
    "shadow project": ({"shadow": True}, "shadowed", "shadow_mode"),
    "no policy": ({"policy_trouble": "it cannot be read"}, "refused", "policy_unreadable"),
    "a freeze that somebody set": ({"freeze": "freeze f1: the sale"}, "refused", "change_freeze"),
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

    assert (world.types(), world.ends()[-1].payload.code) == (["started", kind], code)
    assert world.target.ledger == []


async def test_a_broker_that_cannot_say_engages_the_kill_switch() -> None:
    world = await one(World(knows=Knowing(doubtful="the broker does not answer")))

    assert (world.types(), world.ends()[0].payload.code) == (["refused"], "kill_switch")
    assert not [event for event in world.written if event.type == "tool.called"], "it is not even looked at"


async def test_nor_may_it_fall_silent_while_the_target_is_looked_at() -> None:
    world = World()

    async def falls_silent(where: str) -> None:
        if where == "check":
            world.knows.doubtful = "the broker does not answer any more"

    world.target.hook = falls_silent
    await one(world)

    assert (world.types()[-1], world.ends()[-1].payload.code) == ("refused", "kill_switch")
    assert world.target.ledger == []


FORGED: dict[str, tuple[ActionAuthorized, str]] = {
    "over": (changed(expires_at=authorization().recorded_at), "over"),
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
    before = (NAMED, Check(name="owned", passed=True), Check(name="dry_run", passed=True))
    world = await one(World(Target(**given)), changed(checks=before))

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
    assessment = authorization().payload.assessment.model_copy(update={"trust_key": "a key"})
    world = await one(World(Target(end=Done(End.REFUSED, "403"))), changed(assessment=assessment))

    observed = [event.payload for event in world.written if event.type == "trust.observed"]
    assert [(one.trust_key, one.outcome) for one in observed] == [("a key", "failed")]


OTHERS: dict[str, tuple[ActionAuthorized, Target, str]] = {
    "another value than was signed": (labelled("10.9.9.9"), Target(), "other_values"),
    "another target than its id": (elsewhere(), Target(), "other_values"),
    "nobody who could": (authorization(), Target(operations=frozenset()), "no_executor"),
    "values that cannot be opened": (sealed_by_another(), Target(), "no_values"),
}


@pytest.mark.parametrize(("event", "target", "code"), OTHERS.values(), ids=OTHERS)
async def test_what_is_not_the_very_thing_is_not_done(
    event: ActionAuthorized, target: Target, code: str
) -> None:
    world = await one(World(target), event)

    assert (world.types(), world.ends()[0].payload.code) == (["refused"], code)
    assert world.target.ledger == []


async def test_no_answer_is_asked_about_and_then_unknown() -> None:
    world = await one(World(Target(end=Done(End.UNKNOWN, "no answer"), forgets=True)))

    assert world.types() == ["started", "unknown"]


async def test_the_cap_counts_what_was_done_within_the_hour() -> None:
    world = await one(World(), *(authorization(run) for run in range(1, 5)))

    assert world.types().count("succeeded") == 3
    assert (world.types()[-1], world.ends()[-1].payload.code) == ("refused", "cap")
