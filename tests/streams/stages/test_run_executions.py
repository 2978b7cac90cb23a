"""How an execution goes on and ends a run."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.catalog import topic
from streams.stage import Now, Record
from streams.stages.incident_row import Incident, Phase
from streams.stages.run_endings import EXECUTED, STEPS
from streams.stages.runs import LONGEST_EXECUTION, Runs
from tests.streams.stages.run_story import RunStory, started

DETAIL = "as the executor says"


def test_what_tells_of_executions_is_known_here() -> None:
    """A new event of theirs is one line of the table, or it is named here as one that changes no run."""
    assert {event.type_name() for event in topic("executions").events} == {*STEPS, *EXECUTED}


@pytest.mark.parametrize("kind", EXECUTED)
async def test_an_execution_ends_the_run(kind: str) -> None:
    story = await started()
    await story.debated().gate("AUTO_APPROVED").run()
    state = story.row
    assert not await _execution("execution.started", story, state), "EXECUTING already"
    assert state.phase is Phase.EXECUTING

    [ended, *others] = await _execution(kind, story, state)
    ending = EXECUTED[kind]
    assert ended.plain["payload"]["state"] == ending.state
    assert ended.plain["payload"]["detail"] == DETAIL
    if ending.again:
        asked = others[-1].plain["payload"]
        assert (asked["reason"], asked["note"]["text"]) == (ending.again, DETAIL)
    else:
        assert others[0].plain["payload"]["status"] == ending.status


@pytest.mark.parametrize(
    ("steps", "reason"),
    [
        (["started"], "execution_unknown"),
        (["started", "succeeded"], "unverified"),
        (["succeeded"], "unverified"),
    ],
    ids=["no end", "not verified", "its end alone was read"],
)
async def test_an_execution_that_nobody_ends_does_not_hold_the_incident(
    steps: list[str], reason: str
) -> None:
    story = await started()
    await story.debated().gate("AUTO_APPROVED").run()
    state = story.row
    for step in steps:
        await _execution(f"execution.{step}", story, state)
    state = Incident.of_row(state.incident_id.encode(), state.row())
    assert Runs().due(state.row() or b"") == story.now + LONGEST_EXECUTION

    assert not await Runs().wake(state, Now(story.now + LONGEST_EXECUTION - 1))
    [ended, moved] = await Runs().wake(state, Now(story.now + LONGEST_EXECUTION))
    assert ended.plain["payload"]["reason"] == reason
    assert moved.plain["payload"]["status"] == "ESCALATED"
    assert Runs().due(state.row() or b"") is None


async def _execution(kind: str, story: RunStory, state: Incident) -> list[Any]:
    """What the stage makes of it; `state` goes on."""
    event = story.made(kind, 1, reason=DETAIL)
    headers = [("ce_type", kind.encode())]
    record = Record("executions", 0, 0, b"", story.codec.encode(event), headers, story.now, story.codec)
    return list(await Runs().handle(record, state, Now(story.now)))


async def test_what_is_being_executed_cannot_be_called_off() -> None:
    story = await started()
    await story.debated().gate("AUTO_APPROVED").run()
    state = story.row
    await _execution("execution.started", story, state)
    story.cancel()
    [record] = [
        record
        for (topic, _), log in story.log.topics.items()
        for record in log
        if topic == "incidents" and record.event.type == "incident.cancel_requested"
    ]

    assert await Runs().handle(record, state, Now(story.now)) == ()
    assert state.phase is Phase.EXECUTING
