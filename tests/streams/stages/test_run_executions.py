"""How an execution goes on and ends a run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from schemas.catalog import topic
from schemas.run import RunSettled
from streams.stage import Now, Record
from streams.stages.incident_row import Incident, Phase
from streams.stages.run_endings import EXECUTED, MOST_FAILURES, STEPS, UNDONE
from streams.stages.runs import LONGEST_EXECUTION, Runs
from tests.streams.stages.run_story import RunStory, started

DETAIL = "as the executor says"


def test_what_tells_of_executions_is_known_here() -> None:
    """A new event of theirs is one line of the table, or it is named here as one that changes no run."""
    changes_none = {"execution.settled", "execution.relapsed"}
    known = {*STEPS, *EXECUTED, UNDONE, *changes_none}
    assert {event.type_name() for event in topic("executions").events} == known


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
    [ended, moved] = _of_the_run(await Runs().wake(state, Now(story.now + LONGEST_EXECUTION)))
    assert ended.plain["payload"]["reason"] == reason
    assert moved.plain["payload"]["status"] == "ESCALATED"
    assert Runs().due(state.row() or b"") is None


UNDO_ENDS = {
    "undone": (UNDONE, "execution_failed", f"{DETAIL}; it was taken back: as it was"),
    "undo failed": ("execution.failed", "not_undone", f"{DETAIL}; it was to be taken back: as it was"),
    "undo refused": ("execution.refused", "not_undone", f"{DETAIL}; it was to be taken back: as it was"),
    "undo voided": ("execution.voided", "not_undone", f"{DETAIL}; it was to be taken back: as it was"),
    "undo unknown": ("execution.unknown", "not_undone", f"{DETAIL}; it was to be taken back: as it was"),
    "undo unverified": (
        "execution.unverified",
        "not_undone",
        f"{DETAIL}; it was to be taken back: as it was",
    ),
}


@pytest.mark.parametrize(("kind", "reason", "detail"), UNDO_ENDS.values(), ids=UNDO_ENDS)
async def test_what_is_taken_back_ends_the_run_when_that_has_ended(
    kind: str, reason: str, detail: str
) -> None:
    story = await started()
    await story.debated().gate("AUTO_APPROVED").run()
    state = story.row
    await _execution("execution.started", story, state)
    await _execution("execution.succeeded", story, state)
    assert not await _execution("execution.failed", story, state, undo_id="the undo")
    state = Incident.of_row(state.incident_id.encode(), state.row())
    assert state.phase is Phase.UNDOING
    for step in STEPS:
        assert not await _execution(step, story, state, undoes="it")

    [ended, *others] = await _execution(kind, story, state, undoes="it", reason="as it was")
    assert (ended.plain["payload"]["reason"], ended.plain["payload"]["detail"]) == (reason, detail)
    if kind == UNDONE:
        asked = others[-1].plain["payload"]
        assert (asked["reason"], asked["note"]["text"]) == ("execution_failed", detail)
    else:
        assert [one.plain["payload"]["status"] for one in others] == ["ESCALATED"]


async def test_an_undo_whose_end_is_read_first_ends_the_run_too() -> None:
    """Two stages write to one topic; the next run does not take the late word for its own."""
    story = await started()
    await story.debated().gate("AUTO_APPROVED").run()
    state = story.row
    await _execution("execution.succeeded", story, state)

    [ended, *_] = await _execution(UNDONE, story, state, undoes="it")
    assert ended.plain["payload"]["reason"] == "execution_failed"
    assert not await _execution("execution.failed", story, state, undo_id="the undo")


async def test_an_undo_that_nobody_ends_does_not_hold_the_incident() -> None:
    story = await started()
    await story.debated().gate("AUTO_APPROVED").run()
    state = story.row
    await _execution("execution.failed", story, state, undo_id="the undo")

    [ended, moved] = _of_the_run(await Runs().wake(state, Now(story.now + LONGEST_EXECUTION)))
    assert ended.plain["payload"]["reason"] == "not_undone"
    assert moved.plain["payload"]["status"] == "ESCALATED"


async def test_what_fails_again_and_again_is_a_persons() -> None:
    story = await started()
    state, reasons = story.row, list[str]()
    for number in range(1, MOST_FAILURES + 3):
        state.phase = Phase.EXECUTING
        _, *others = await _execution("execution.failed", story, state, number)
        asked = [one.plain["payload"]["reason"] for one in others if "number" in one.plain["payload"]]
        reasons.append(asked[0] if asked else others[0].plain["payload"]["status"])
        if not asked:
            break

    assert reasons == ["execution_failed"] * MOST_FAILURES + ["ESCALATED"]


async def _execution(kind: str, story: RunStory, state: Incident, number: int = 1, **told: Any) -> list[Any]:
    """What the stage makes of it; `state` goes on."""
    plain = {"reason": DETAIL, "undo_id": "", "undoes": ""}
    event = story.made(kind, number, **plain | told)
    headers = [("ce_type", kind.encode())]
    record = Record("executions", 0, 0, b"", story.codec.encode(event), headers, story.now, story.codec)
    return _of_the_run(await Runs().handle(record, state, Now(story.now)))


def _of_the_run(written: Sequence[Any]) -> list[Any]:
    """But for the word to the scheduler, that it is over."""
    return [one for one in written if one.kind is not RunSettled]


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
