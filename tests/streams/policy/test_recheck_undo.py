"""An undo is done because of the signatures of its action, of that action alone, and once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from schemas.authorization import ActionAuthorized
from schemas.operations import Operation, Parameters, Step
from streams.policy import recheck
from streams.policy.authorizations import undo_id_of
from streams.policy.recheck import CHECKS, Objection, Today, may_act
from tests.streams.policy.forgeries import automatic, does, hashed, insider, of, policy, signed, today, told
from tests.streams.stages.verifying import signed_with_undo, undo_of

Make = Callable[[], ActionAuthorized]


def forward(revision: int, **place: str) -> Step:
    step = signed_with_undo().payload.action.step
    target = step.target.model_copy(update=place)
    return Step(operation=step.operation, target=target, parameters=Parameters(revision=revision))


def other_undo(step: Step | None, resigned: bool = False) -> ActionAuthorized:
    event = undo_of()
    event = told(event, action=event.payload.action.model_copy(update={"undo": step}))
    if resigned:
        event = told(event, action_hash=hashed(event))
        own = {"action_hash": event.payload.action_hash}
        event = told(event, signatures=(signed("bob", **own), signed("carol", **own)))
    return event


def undone_again() -> ActionAuthorized:
    first = undo_of()
    return told(first, undoes=first.payload.action_id, action_id=undo_id_of(first.payload.action_id))


def trusted() -> ActionAuthorized:
    """MEDIUM, which counted as LOW because of what was earned: the failure has just taken that away."""
    event = does(automatic(), operation=Operation.RESTART_DEPLOYMENT, target={"kind": "deployment"})
    action = event.payload.action
    back = Step(operation=Operation.ROLLBACK_DEPLOYMENT, target=action.step.target)
    earned = event.payload.assessment.model_copy(update={"trust": 9})
    event = told(event, action=action.model_copy(update={"undo": back}), assessment=earned)
    return insider(told(event, action_hash=hashed(event)))


END = signed_with_undo().payload.expires_at


@pytest.mark.parametrize("at", [today().at, END, END + timedelta(minutes=59)], ids=str)
def test_what_was_signed_with_it_takes_it_back(at: Any) -> None:
    assert may_act(undo_of(), today(at=at)) is None


def test_trust_that_the_failure_took_away_does_not_forbid_its_undo_of() -> None:
    assert may_act(trusted(), today(trust=9)) is None
    objected = may_act(trusted(), today(trust=0))
    assert objected is not None
    assert objected.reason == Objection.NOT_AUTOMATIC
    assert may_act(undo_of(trusted()), today(trust=0)) is None


FORGED: dict[str, tuple[Make, str, Callable[[], Today]]] = {
    "made of its action by a stranger": (
        lambda: told(undo_of(), proof=signed_with_undo().payload.proof),
        Objection.UNPROVEN,
        today,
    ),
    "of another action": (lambda: told(undo_of(), undoes="another"), Objection.OTHER_ID, today),
    "under its action's id": (
        lambda: told(undo_of(), action_id=signed_with_undo().payload.action_id),
        Objection.OTHER_ID,
        today,
    ),
    "under its action's event": (
        lambda: of(undo_of(), event_id=signed_with_undo().event_id),
        Objection.OTHER_ID,
        today,
    ),
    "under an id of its own": (lambda: told(undo_of(), action_id="another"), Objection.OTHER_ID, today),
    "an action under the undo's id": (lambda: told(undo_of(), undoes=""), Objection.OTHER_ID, today),
    "an undo of the undo": (undone_again, Objection.OTHER_ID, today),
    "none was signed": (lambda: other_undo(None, resigned=True), Objection.OTHER_ID, today),
    "another than was signed": (lambda: other_undo(forward(6)), Objection.OTHER_HASH, today),
    "of another target": (
        lambda: other_undo(forward(7, name="bank"), resigned=True),
        Objection.OTHER_TARGET,
        today,
    ),
    "too late": (undo_of, Objection.OVER, lambda: today(at=END + timedelta(hours=1))),
    "the kill switch": (undo_of, Objection.KILL_SWITCH, lambda: today(kill_switch="engaged")),
    "a policy that asks for more": (
        undo_of,
        Objection.OTHER_POLICY,
        lambda: today(policy=policy("HIGH: {signatures: 2", "HIGH: {signatures: 3")),
    ),
}


@pytest.mark.parametrize(("make", "reason", "now"), FORGED.values(), ids=FORGED)
def test_what_is_not_that_is_refused(make: Make, reason: str, now: Callable[[], Today]) -> None:
    event = make() if reason == Objection.UNPROVEN else insider(make())
    objected = may_act(event, now())
    assert objected is not None
    assert objected.reason == reason

    others = tuple(check for check in CHECKS if check.reason != reason)
    assert may_act(event, now(), others) is None, "no other check stands in its place"


def test_without_the_hour_after_it_ends_with_its_action(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recheck, "UNDO_WITHIN", timedelta())
    objected = may_act(undo_of(), today(at=END))
    assert objected is not None
    assert objected.reason == Objection.OVER
