"""What becomes of a run and of its incident, by everything that can happen to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from schemas.decision import SessionStatus
from schemas.run import RunReason
from streams.stage import Now, Record, pack
from streams.stages.incident_row import Incident, Phase
from streams.stages.runs import EXECUTION_GRACE, FIRST_REPEAT, LONGEST_REPEAT, Runs
from tests.streams.stages.run_story import PERSON, RunStory, started

HOUR = 3600
Says = Callable[[RunStory], Any]
BEGUN = ("INVESTIGATING", "run_started")
ASKED = ("WAITING_APPROVAL", "approval_required")


def waiting(story: RunStory) -> RunStory:
    return story.debated().gate("APPROVAL_REQUIRED")


async def said(story: RunStory, says: Says) -> RunStory:
    """What comes after a comma is said when the rest was heard."""
    steps = says(story)
    for step in steps if isinstance(steps, tuple) else ():
        await story.run()
        step()
    return await story.run()


ENDS: dict[str, tuple[Says, str, str, str, list[tuple[str, str]]]] = {
    "skipped": (
        lambda story: story.debated().gate("SKIPPED"),
        "succeeded", "no_action", "", [("ESCALATED", "no_action")],
    ),
    "blocked": (
        lambda story: story.debated().gate("BLOCKED"),
        "succeeded", "blocked", "", [("ESCALATED", "blocked")],
    ),
    "nobody could sign": (
        lambda story: story.debated().gate("APPROVAL_REQUIRED", approval_id=""),
        "succeeded", "cannot_be_signed", "", [("ESCALATED", "cannot_be_signed")],
    ),
    "debate timed out": (
        lambda story: story.debated(SessionStatus.TIMEOUT).gate("SKIPPED"),
        "timeout", "debate_timed_out", "E-RCA-TIMEOUT", [("ESCALATED", "debate_timed_out")],
    ),
    "debate failed": (
        lambda story: story.debated(SessionStatus.FAILED).gate("SKIPPED"),
        "failed", "debate_failed", "E-RCA-FAILED", [("ESCALATED", "debate_failed")],
    ),
    "rejected": (
        lambda story: waiting(story).approval("REJECTED"),
        "cancelled", "rejected", "E-APPR-REJECTED", [ASKED, ("ESCALATED", "rejected")],
    ),
    "rejected, as decisions tell it": (
        lambda story: waiting(story).gate("REJECTED", signed_by=(PERSON,)),
        "cancelled", "rejected", "E-APPR-REJECTED", [ASKED, ("ESCALATED", "rejected")],
    ),
    "expired": (
        lambda story: waiting(story).approval("EXPIRED"),
        "timeout", "expired", "E-APPR-EXPIRED", [ASKED, ("ESCALATED", "expired")],
    ),
    "voided: resolved": (
        lambda story: waiting(story).approval("VOIDED", "resolved"),
        "voided", "voided", "E-APPR-VOIDED", [ASKED],
    ),
    "voided: another policy": (
        lambda story: waiting(story).approval("VOIDED", "other_policy"),
        "voided", "voided", "E-APPR-VOIDED", [ASKED, ("PENDING", "voided"), BEGUN],
    ),
    "cancelled in the debate": (
        lambda story: story.cancel(),
        "cancelled", "cancelled", "E-RUN-CANCELLED", [("ESCALATED", "cancelled")],
    ),
    "cancelled while it waits": (
        lambda story: (waiting(story).cancel,),
        "cancelled", "cancelled", "E-RUN-CANCELLED", [ASKED, ("ESCALATED", "cancelled")],
    ),
}  # fmt: skip


@pytest.mark.parametrize("end", ENDS)
async def test_a_run_ends_once_and_its_incident_says_how(end: str) -> None:
    says, state, reason, code, moves = ENDS[end]
    story = await started()
    await said(story, says)

    [ended] = story.ends
    told = ended.payload
    assert (told.state, told.reason, told.error_code, told.number) == (state, reason, code, 1)
    assert (ended.type == "run.cancelled") == (state == "cancelled")
    assert story.moves == [BEGUN, *moves]
    assert ended.run_id == story.requests[0].run_id
    assert ended.actor == (PERSON if state == "cancelled" else "")


@pytest.mark.parametrize("end", ENDS)
async def test_what_is_said_in_another_order_ends_it_the_same_way(end: str) -> None:
    """Each topic has its order, and there is none between them: an end is read before its start, too."""
    says, state, reason, code, _ = ENDS[end]
    story = await started()
    first = len(story.ends)
    for topic in ("approvals.outcomes", "decisions", "incidents", "rca.decisions"):
        apart = RunStory()
        apart.now = story.now
        await said(await apart.fire(severity="warning").run(), says)
        for event in apart.log.events(topic):
            if event.type not in ("incident.opened", "incident.moved"):
                await story.put(event).run()

    assert len(story.ends) == first + 1
    told = story.ends[0].payload
    assert (told.state, told.reason, told.error_code) == (state, reason, code)


@pytest.mark.parametrize("end", ENDS)
async def test_what_was_said_is_passed_over_when_it_is_said_again(end: str) -> None:
    says, *_ = ENDS[end]
    story = await started()
    await said(story, says)
    ends, moves, asked = story.ends, story.moves, len(story.requests)
    for topic in Runs.reads:
        story.log.rewind("runs", topic)
    await story.run()
    assert (story.ends, story.moves, len(story.requests)) == (ends, moves, asked), "the same offsets"

    for topic in Runs.reads:
        for event in story.log.events(topic):
            story.put(event)
    await story.run()
    assert (story.ends, story.moves, len(story.requests)) == (ends, moves, asked), "copies at new offsets"


# -- approved, and nobody acts


@pytest.mark.parametrize(
    ("says", "status"),
    [
        pytest.param(lambda story: story.gate("AUTO_APPROVED"), "auto_approved", id="by policy"),
        pytest.param(lambda story: waiting(story).approval("APPROVED"), "approved", id="outcomes"),
        pytest.param(lambda story: waiting(story).gate("APPROVED"), "approved", id="decisions"),
    ],
)
async def test_an_approved_run_waits_for_execution_as_long_as_it_may(says: Says, status: str) -> None:
    story = await started()
    await says(story.debated()).run()
    assert story.moves[-1] == ("EXECUTING", status)

    await story.pass_seconds(HOUR + EXECUTION_GRACE / 1000 - 5).tick()
    assert not story.ends, "not before"
    await story.pass_seconds(10).tick()
    told = story.ends[0].payload
    assert (told.state, told.reason, told.error_code) == ("timeout", "not_executed", "E-EXEC-NOT-EXECUTED")
    assert story.moves[-1] == ("ESCALATED", "not_executed")

    await story.pass_seconds(HOUR).tick()
    assert len(story.ends) == 1


async def test_a_start_that_is_read_late_moves_nothing_back() -> None:
    story = await started()
    begun = story.log.events("runs")[0]
    await waiting(story).run()
    await story.put(begun).run()
    assert story.moves == [BEGUN, ASKED]
    assert (story.row.phase, story.row.status) == (Phase.WAITING, "WAITING_APPROVAL")


async def test_that_people_were_asked_is_read_after_they_have_answered() -> None:
    story = await started()
    await story.debated().approval("APPROVED").run()
    await story.gate("APPROVAL_REQUIRED").run()
    assert story.moves == [BEGUN, ("EXECUTING", "approved")]
    assert story.row.phase is Phase.APPROVED


async def test_what_waits_for_people_is_called_off_though_the_alert_has_resolved() -> None:
    """Where the policy leaves it open."""
    story = await started()
    await waiting(story).run()
    await story.resolve().run()
    await story.cancel().run()
    assert [event.type for event in story.ends] == ["run.cancelled"]


# -- what asks for the next run


async def test_what_raises_severity_is_asked_for_when_the_pending_run_ends() -> None:
    story = await started("warning")
    await story.pass_seconds(5).fire(started=5, severity="critical").run()
    assert len(story.requests) == 1
    await story.debated().gate("SKIPPED").run()

    assert [request.payload.reason for request in story.requests] == ["opened", "severity_raised"]
    assert story.requests[1].payload.severity == "critical"
    assert story.moves[-2:] == [("PENDING", "severity_raised"), BEGUN], "not escalated in between"


async def test_an_incident_that_resolved_asks_for_nothing_more() -> None:
    story = await started("warning")
    await story.pass_seconds(5).fire(started=5, severity="critical").run()
    await story.pass_seconds(5).resolve(started=5).run()
    await story.rerun().run()
    await story.debated().gate("SKIPPED").run()
    await story.rerun().run()

    assert len(story.requests) == 1
    assert len(story.ends) == 1
    assert story.moves == [BEGUN], "RESOLVED stays"


async def test_what_reopened_while_a_run_was_pending_has_a_run_of_its_own() -> None:
    story = await started()
    await story.pass_seconds(5).resolve().run()
    await story.pass_seconds(5).fire(started=8).run()
    await waiting(story).approval("VOIDED", "resolved").run()

    assert [request.payload.reason for request in story.requests] == ["opened", "reopened"]


async def test_repeats_ask_for_a_run_when_the_last_one_has_ended_for_a_while() -> None:
    """Ever more seldom: a loop of alert, run and nothing done must not cost a run a minute."""
    story = await started()
    await story.debated().gate("BLOCKED").run()
    waits, last = [], story.now
    for number in range(1, 800):
        await story.pass_seconds(60).fire(started=number).run()
        if len(story.requests) > len(waits) + 1:
            waits.append(story.now - last)
            await story.debated().gate("BLOCKED").run()
            last = story.now

    assert waits[:3] == [FIRST_REPEAT, 2 * FIRST_REPEAT, 4 * FIRST_REPEAT]
    assert max(waits) == LONGEST_REPEAT
    assert {request.payload.reason for request in story.requests[1:]} == {RunReason.REPEATED}


async def test_what_is_authorized_is_not_called_off_behind_the_executor_s_back() -> None:
    story = await started()
    await story.debated().gate("AUTO_APPROVED").run()
    await story.cancel().run()

    assert story.ends == []
    assert story.moves[-1] == ("EXECUTING", "auto_approved")


async def test_after_a_person_called_it_off_repeats_ask_for_nothing() -> None:
    story = await started()
    await story.cancel().run()
    await story.pass_seconds(24 * HOUR - 1).fire(started=5).run()
    assert len(story.requests) == 1
    await story.pass_seconds(1).fire(started=6, severity="critical").run()
    assert len(story.requests) == 2


# -- what people ask for


async def test_a_person_s_rerun_starts_from_the_latest_sighting_with_the_note() -> None:
    story = await started("warning")
    await story.pass_seconds(1).fire(started=1, severity="critical").run()
    await story.debated().gate("SKIPPED").run()
    await story.debated().gate("SKIPPED").run()
    await story.pass_seconds(60).rerun("look at [EMAIL_1]", b"ciphertext").run()

    asked, begun = story.requests[2], story.log.events("runs")[-1]
    assert (asked.payload.reason, asked.payload.number) == (RunReason.RERUN, 3)
    assert asked.payload.sighting.alert.severity == "critical"
    assert asked.payload.sighting == story.requests[1].payload.sighting
    note = begun.payload.note
    assert (note.text, note.actor, note.sealed) == ("look at [EMAIL_1]", PERSON, b"ciphertext")
    assert asked.causes == (note.event_id,)


async def test_a_rerun_waits_for_the_pending_run_and_keeps_its_note() -> None:
    story = await started("warning")
    await story.rerun("the rollback is done").run()
    await story.pass_seconds(5).fire(started=5, severity="critical").run()
    assert len(story.requests) == 1
    await story.debated().gate("SKIPPED").run()

    asked = story.requests[1].payload
    assert (asked.reason, asked.note.text) == ("severity_raised", "the rollback is done")
    assert story.row.wanted is None


async def test_a_request_sent_again_counts_once() -> None:
    story = await started()
    story.cancel()
    cancelled = story.log.events("incidents")[-1]
    await story.run()
    story.rerun("again")
    await story.run()
    await story.put(cancelled).put(story.log.events("incidents")[-2]).run()

    assert len(story.ends) == 1, "the copy of the first does not cancel the second run"
    assert len(story.requests) == 2


async def test_only_the_run_that_is_meant_is_called_off() -> None:
    story = await started()
    await story.cancel("another").run()
    assert not story.ends
    await story.cancel(story.requests[0].run_id).run()
    assert len(story.ends) == 1
    await story.cancel(story.requests[0].run_id).run()
    assert len(story.ends) == 1


async def test_a_run_is_called_off_before_it_was_started() -> None:
    story = RunStory()
    stages = story.log.stages
    story.log.stages = [one for one in stages if one.name != "schedule"]
    await story.fire().run()
    await story.cancel().run()
    story.log.stages = stages
    await story.run()

    assert [event.type for event in story.log.events("runs")] == ["run.cancelled", "run.started"]
    assert story.moves == [("ESCALATED", "cancelled")], "its start is read after its end"


async def test_a_judged_cause_is_kept_for_learning() -> None:
    story = await started()
    await story.debated().gate("SKIPPED").run()
    await story.judge(1).run()

    [learned] = story.log.events("learning")
    told = learned.payload
    assert (told.session_id, told.verdict, told.cause) == (story.requests[0].run_id, "wrong", "a certificate")
    assert told.playbook == golden_playbook(story)
    assert learned.actor == PERSON


def golden_playbook(story: RunStory) -> str:
    [decided] = [event for event in story.log.events("rca.decisions") if event.type == "rca.decided"]
    return str(decided.payload.hypothesis.playbook)


async def test_what_a_run_cost_is_told_once_whatever_has_become_of_it() -> None:
    story = await started()
    await story.cancel().run()
    await story.debated(number=1).run()
    await story.debated(number=1).run()

    assert story.times_written("run.spent") == 1
    assert story.times_written("run.cancelled") == 1


# -- rows


def test_a_row_of_the_first_version_is_taken_over() -> None:
    key, run = b"INC-20260301-0A1B2C3D4E", "1a2b3c4d-0000-5000-8000-000000000001"
    payload = {"highest_severity": "critical", "alert": {}}
    wanted = {"reason": "severity_raised", "event_id": "e", "sealed": "c2VhbGVk", "payload": payload}
    row = pack([0, {"incidents": 7, "runs": 3}, "INVESTIGATING", 2, run, wanted])
    taken = Incident.of_row(key, row)

    assert (taken.phase, taken.runs, taken.seen) == (Phase.RUNNING, 2, {"incidents": 7, "runs": 3})
    assert taken.wanted is not None
    assert taken.wanted.reason == "severity_raised"
    assert taken.sighting
    assert Incident.of_row(key, taken.row()) == taken
    ended = pack([1000, {}, "RESOLVED", 2, "", None])
    assert Incident.of_row(key, ended).phase is Phase.NONE
    assert Runs().due(ended) == Runs().due(Incident.of_row(key, ended).row() or b"")


async def test_repeats_are_passed_over_by_their_header_while_a_run_is_pending() -> None:
    story = await started()
    state = story.row
    unreadable = Record(
        "incidents", 0, 99, b"", b"not Avro", [("ce_type", b"incident.hit")], story.now, story.codec
    )
    assert await Runs().handle(unreadable, state, Now(story.now)) == ()
    assert not state.changed


@pytest.mark.parametrize("kind", ["incident.acknowledged", "incident.assigned", "incident.commented"])
async def test_what_people_only_say_changes_no_run(kind: str) -> None:
    story = await started()
    before = story.row
    await story.put(story.made(kind)).run()
    assert story.row == before
