"""What preflight saw goes on with the action: the sealed salts, and the way back from how the target is."""

from __future__ import annotations

import pytest

from schemas import ids
from schemas.operations import Operation, Parameters, Step
from schemas.preflight import Preflight, PreflightChecked, PreflightStatus
from tests.streams.debates import only
from tests.streams.stages.test_gate import DECIDED, INCIDENT, Gates, decided

RUN = ids.run_id(INCIDENT, 1)
TARGET = DECIDED.payload.recommended_action.step.target  # type: ignore[union-attr]
BACK = Step(operation=Operation.ROLLBACK_DEPLOYMENT, target=TARGET)
EXACT = Step(operation=Operation.ROLLBACK_DEPLOYMENT, target=TARGET, parameters=Parameters(revision=7))
RESTART = {"operation": Operation.RESTART_DEPLOYMENT, "target": TARGET}
AMOUNTS = {
    "operation": Operation.SET_RESOURCES,
    "target": TARGET,
    "parameters": Parameters(limits={"memory": "1Gi"}),
}


@pytest.mark.parametrize(
    ("step", "undo", "action", "expected"),
    [
        pytest.param(RESTART, BACK, "A1", EXACT, id="more exact than evidence"),
        pytest.param(RESTART, None, "A1", None, id="none where none was wanted"),
        pytest.param(AMOUNTS, None, "A1", EXACT, id="former amounts only preflight knows"),
        pytest.param(RESTART, BACK, "A2", BACK, id="checks of another action"),
    ],
)
async def test_what_is_asked_holds_what_preflight_saw(
    step: dict[str, object], undo: Step | None, action: str, expected: Step | None
) -> None:
    story = Gates(away={"preflight"})
    event = decided(1, story.now, step=step)
    known = event.payload.recommended_action
    assert known is not None
    payload = event.payload.model_copy(update={"recommended_action": known.model_copy(update={"undo": undo})})
    seen = Preflight(status=PreflightStatus.PASSED, action=action, observed_state="ab" * 32, undo=EXACT)
    about = event.model_dump(include={"project_id", "incident_id", "run_id", "occurred_at", "recorded_at"})
    story.put(event.model_copy(update={"payload": payload, "sealed": b"the run's"}))
    story.put(
        PreflightChecked(
            **about,
            event_id=ids.derive_id("preflight.checked", RUN),
            stage="preflight",
            sealed=b"with salts",
            payload=seen,
        )
    )
    await story.run()

    asked, request = only(story.requests), only(story.log.events("approvals.requests"))
    assert asked.action.undo == expected
    assert request.sealed == (b"with salts" if action == "A1" else b"the run's")
    assert asked.observed_state == ("ab" * 32 if action == "A1" else "")
