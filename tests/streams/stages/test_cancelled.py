"""A run that was called off: nothing is decided of it, nobody is asked, and what is still said is late."""

from __future__ import annotations

from typing import Any

import pytest

from schemas import ids
from schemas.incident import CancelRequest, IncidentCancelRequested
from schemas.run import RunCancelled
from tests.schemas.golden_events import golden
from tests.streams.debates import Debates, only
from tests.streams.stages.test_gate import INCIDENT, Gates


def called_off(run: int = 1) -> RunCancelled:
    run_id = ids.run_id(INCIDENT, run)
    about = {"incident_id": INCIDENT, "run_id": run_id, "event_id": ids.ending_id("run", run_id)}
    cancelled: RunCancelled = golden("run.cancelled").model_copy(update=about)
    return cancelled


def cancel(story: Debates) -> IncidentCancelRequested:
    first = story.log.events("incidents")[0]
    return IncidentCancelRequested(
        event_id="asked",
        project_id=first.project_id,
        incident_id=first.incident_id,
        occurred_at=first.occurred_at,
        recorded_at=first.recorded_at,
        stage="gateway",
        actor="dana",
        payload=CancelRequest(),
    )


@pytest.mark.parametrize("away", ["diagnose", "critique"])
async def test_a_debate_that_is_called_off_decides_nothing_and_what_is_said_later_is_late(away: str) -> None:
    story = await Debates(away={away}).fire().run()
    story.put(cancel(story))
    await story.run()
    await story.back(away)
    await story.pass_seconds(3600).tick()

    assert not story.decisions
    assert not story.log.events("decisions")
    assert not story.log.events("approvals.requests")
    assert story.late()
    assert only(story.ends()).payload.error_code == "E-RUN-CANCELLED"
    assert story.moves() == [("INVESTIGATING", "run_started"), ("ESCALATED", "cancelled")]


async def test_what_waits_for_people_is_voided_when_its_run_is_called_off() -> None:
    story = await Debates().fire().run()
    assert story.moves()[-1] == ("WAITING_APPROVAL", "approval_required")
    story.put(cancel(story))
    await story.run()
    await story.tick()

    voided = only(story.log.events("approvals.outcomes"))
    assert (voided.type, voided.payload.rule) == ("approval.voided", "cancelled")
    assert [event.type for event in story.ends()] == ["run.cancelled"], "its end was told already"
    assert len(story.starts()) == 1
    assert story.moves()[-1] == ("ESCALATED", "cancelled")


async def test_the_gate_decides_nothing_of_a_run_that_was_called_off_while_it_waited_for_checks() -> None:
    story = Gates(away={"preflight"}).decide()
    await story.run()
    story.put(called_off())
    await story.run()
    await story.check().run()
    await story.pass_seconds(60).tick()

    assert not story.told


async def test_the_gate_reads_that_a_run_was_called_off_before_its_package() -> None:
    story = Gates(away={"preflight"})
    story.put(called_off())
    await story.run()
    await story.decide().check().run()
    assert not story.told
    await story.decide(2).check(2).run()
    assert len(story.told) == 1, "another run of the incident goes on"


async def test_that_another_run_finished_changes_nothing_for_the_gate() -> None:
    story = Gates(away={"preflight"}).decide()
    await story.run()
    finished: Any = golden("run.finished")
    about = {"incident_id": INCIDENT, "run_id": ids.run_id(INCIDENT, 1)}
    story.put(finished.model_copy(update=about))
    await story.run()
    await story.check().run()

    assert len(story.told) == 1
