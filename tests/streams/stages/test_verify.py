"""What was done is looked at, told in one word, and taken back where it failed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from connectors.executors.contract import Done, Effect, End
from schemas.authorization import ActionAuthorized
from schemas.execution import Execution, ExecutionFailed
from streams import windows
from streams.policy.authorizations import undo_id_of
from streams.stages import verify
from streams.stages.execute_row import Acts, Held
from streams.stages.verify_row import Verifying
from tests.streams.policy.forgeries import told
from tests.streams.stages.executions import Knowing, Target, World
from tests.streams.stages.verifying import CHANGED, SCALED, Told, Verified, signed_with_undo, undo_of

OUTCOMES: dict[str, tuple[Effect, list[str], str, list[str]]] = {
    "it holds": (Effect.HOLDS, ["started", "succeeded", "verified"], "SUCCEEDED", ["verified"]),
    "it failed": (Effect.FAILED, ["started", "succeeded", "failed"], "FAILED", ["failed"]),
    "not in time": (Effect.NOT_YET, ["started", "succeeded", "failed"], "FAILED", ["failed"]),
    "nobody can tell": (Effect.UNKNOWABLE, ["started", "succeeded", "unverified"], "UNVERIFIED", []),
}


@pytest.mark.parametrize(("effect", "types", "result", "earned"), OUTCOMES.values(), ids=OUTCOMES)
async def test_what_was_done_is_told_in_one_word(
    effect: Effect, types: list[str], result: str, earned: list[str]
) -> None:
    story = await Verified(Told(effect)).run(signed_with_undo())

    assert story.types()[:3] == types
    ends = [event.payload.result for event in story.first() if event.type.split(".")[1] in types]
    assert ends[:3] == [None, None, result]
    assert [one.outcome for one in story.payloads("trust.observed")] == earned
    assert len(story.world.target.ledger) == (2 if result == "FAILED" else 1)


async def test_what_failed_is_taken_back_under_the_same_signatures() -> None:
    story = await Verified(Told(Effect.FAILED)).run(signed_with_undo())
    done, undo = story.payloads("action.authorized")
    back = undo_id_of(done.approval_id)

    assert (undo.action_id, undo.undoes, undo.signatures) == (back, done.action_id, done.signatures)
    assert undo.action_hash == done.action_hash
    assert story.types() == ["started", "succeeded", "failed", "started", "succeeded", "undone"]
    assert story.payloads("execution.failed")[0].undo_id == back
    assert story.world.target.ledger == [done.action_id, back]
    assert [order.step.parameters.revision for order in story.world.target.orders] == [None, 7]
    assert [one.outcome for one in story.payloads("trust.observed")] == ["failed"], "an undo earns nothing"
    (decision,) = story.payloads("decision.made")
    assert (decision.outcome, decision.rule) == ("APPROVED", "undo")
    assert decision.action.step == done.action.undo
    assert decision.signed_by == ("bob", "carol")


@pytest.mark.parametrize(
    ("undone", "kind"), [(Effect.FAILED, "failed"), (Effect.UNKNOWABLE, "unverified")], ids=str
)
async def test_an_undo_is_not_undone_again(undone: Effect, kind: str) -> None:
    story = await Verified(Told(Effect.FAILED, undone)).run(signed_with_undo())

    assert story.types() == ["started", "succeeded", "failed", "started", "succeeded", kind]
    assert len(story.world.target.ledger) == 2
    assert story.payloads(f"execution.{kind}")[-1].undo_id == ""


async def test_what_was_half_done_is_taken_back_too() -> None:
    target = Target(operations=SCALED, end=Done(End.PARTLY, "one pod stays"))
    story = await Verified(world=World(target)).run(signed_with_undo())

    failed = story.payloads("execution.failed")[0]
    assert (failed.code, failed.undo_id) == ("partly", undo_id_of(failed.approval_id))
    assert len(story.payloads("action.authorized")) == 2


NOT_UNDONE: dict[str, dict[str, Any]] = {
    "nothing was signed": {"event": signed_with_undo(undo=None)},
    "the target said no": {"end": Done(End.REFUSED, "403")},
    "it holds": {"effect": Effect.HOLDS},
    "nobody can tell": {"effect": Effect.UNKNOWABLE},
}


@pytest.mark.parametrize("given", NOT_UNDONE.values(), ids=NOT_UNDONE)
async def test_what_is_not_taken_back(given: dict[str, Any]) -> None:
    target = Target(operations=SCALED, then=CHANGED, end=given.get("end"))
    story = Verified(Told(given.get("effect", Effect.FAILED)), World(target))
    await story.run(given.get("event", signed_with_undo()))

    assert len(story.payloads("action.authorized")) == 1
    assert not story.payloads("decision.made")
    assert [one.undo_id for one in story.payloads("execution.failed")] in ([], [""])


def says_it_failed(allowed: ActionAuthorized) -> ExecutionFailed:
    """Whoever may write to `executions` can write this."""
    told_of = {"target", "action_id", "approval_id", "action", "action_hash"}
    payload = Execution(
        **allowed.payload.model_dump(include=told_of),
        code="partly",
        undo_id="x",
        authorization=allowed.payload,
    )
    about = allowed.model_dump(include={"project_id", "incident_id", "run_id", "occurred_at", "recorded_at"})
    return ExecutionFailed(**about, stage="execute", event_id="made up", payload=payload)


async def test_what_nobody_here_allowed_is_not_taken_back(monkeypatch: pytest.MonkeyPatch) -> None:
    later = signed_with_undo().payload.expires_at + timedelta(days=1)
    forged = told(signed_with_undo(), expires_at=later)

    assert not (await Verified().run(says_it_failed(forged))).payloads("action.authorized")
    monkeypatch.setattr(verify, "is_proven", lambda *_: True)
    assert (await Verified().run(says_it_failed(forged))).payloads("action.authorized"), (
        "the negative control"
    )


async def test_a_success_is_not_taken_back_whoever_says_that_it_failed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The first end of an action counts: another word on what was verified changes nothing."""

    async def lies() -> Verified:
        return await (await Verified().run(signed_with_undo())).run(says_it_failed(signed_with_undo()))

    assert len((await lies()).world.target.ledger) == 1
    monkeypatch.setattr(Verifying, "knows", lambda *_: False)
    assert len((await lies()).world.target.ledger) == 2, "the negative control"


# -- by whoever acts


async def test_an_undo_of_what_was_never_done_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    story = await Verified().run(undo_of())

    assert story.types() == ["refused"]
    assert story.payloads("execution.refused")[0].code == "nothing_to_undo"
    assert story.world.target.ledger == []
    monkeypatch.setattr(Acts, "why_not_undone", lambda *_: "")
    assert (await Verified().run(undo_of())).world.target.ledger, "the negative control"


async def test_an_undo_of_what_was_refused_is_refused() -> None:
    knows = Knowing({"kill_switch": "engaged"})
    story = await Verified(world=World(Target(operations=SCALED), knows=knows)).run(signed_with_undo())
    knows.given = {}
    await story.run(undo_of())

    assert story.types() == ["refused", "refused"]
    assert story.world.target.ledger == []


async def test_an_undo_that_is_asked_twice_is_done_once() -> None:
    story = await Verified(Told(Effect.FAILED)).run(signed_with_undo())
    await story.run(undo_of(), undo_of())

    assert len(story.world.target.ledger) == 2


async def test_nothing_is_taken_back_once_something_else_was_done_there() -> None:
    story = await Verified(Told(None)).run(signed_with_undo())
    key = signed_with_undo().payload.target.encode()
    acts = Acts.of_row(story.process.rows[key])
    acts.held["another"] = Held(ended=True, acted_at=story.world.millis + 5, forget_at=2**60)
    story.process.rows.apply({key: acts.row()})
    await story.run(undo_of())

    assert story.payloads("execution.refused")[0].reason == "another action was carried out here since"
    assert len(story.world.target.ledger) == 1


@pytest.mark.parametrize("given", [{"kill_switch": "engaged"}, {"shadow": True}], ids=str)
async def test_the_switches_stop_an_undo_too(given: dict[str, Any]) -> None:
    story = await Verified(Told(None)).run(signed_with_undo())
    story.world.knows.given = given
    story.looks.effect = Effect.FAILED
    await story.run()

    assert story.types()[-1] in ("refused", "shadowed")
    assert len(story.world.target.ledger) == 1


# -- whether the alert goes, and stays away


async def test_an_alert_that_resolves_in_time_is_told_and_changes_no_result() -> None:
    story = await Verified().run(signed_with_undo())
    story.world.clock.now += 60
    await story.resolves()
    await story.tick(windows.HOUR // 1000)

    (settled,) = story.payloads("execution.settled")
    assert (settled.code, settled.result) == ("alert_resolved", "SUCCEEDED")
    assert [one.outcome for one in story.payloads("trust.observed")] == ["verified"]


async def test_an_alert_that_lasts_is_told_once_its_time_is_over() -> None:
    story = await Verified().run(signed_with_undo())
    await story.tick(890)
    assert not story.payloads("execution.settled")
    await story.tick(20)
    await story.resolves()

    (settled,) = story.payloads("execution.settled")
    assert (settled.code, settled.result) == ("alert_lasts", "SUCCEEDED")


async def test_an_alert_that_was_gone_before_is_told_at_once() -> None:
    story = await Verified().resolves()
    await story.run(signed_with_undo())

    assert story.payloads("execution.settled")[0].code == "closed_before"


async def test_an_alert_that_comes_back_within_an_hour_is_a_later_verdict() -> None:
    story = await Verified().run(signed_with_undo())
    await story.resolves()
    story.world.clock.now += 1800
    await story.restart()
    await story.returns()
    await story.returns()

    (relapsed,) = story.payloads("execution.relapsed")
    assert (relapsed.code, relapsed.result) == ("alert_returned", "FAILED")
    assert [one.outcome for one in story.payloads("trust.observed")] == ["verified", "failed"]
    assert len(story.payloads("action.authorized")) == 1, "what was verified is not taken back"


async def test_an_alert_that_comes_back_later_is_another_story() -> None:
    story = await Verified().run(signed_with_undo())
    await story.resolves()
    story.world.clock.now += 3700
    await story.returns()

    assert not story.payloads("execution.relapsed")


# -- the row


async def test_a_look_that_was_cut_off_is_begun_anew_by_the_next_owner() -> None:
    story = await Verified(Told(None)).run(signed_with_undo())
    assert story.types() == ["started", "succeeded"]
    await story.restart()
    story.looks.effect = Effect.HOLDS
    await story.tick()

    assert story.types() == ["started", "succeeded", "verified"]


async def test_what_is_read_again_is_told_as_it_was() -> None:
    story = await Verified().run(signed_with_undo())
    before = story.types()
    story.place = 0
    await story.run()
    story.rows = type(story.rows)(story.runner.stage.due)  # type: ignore[union-attr]  # a keyed stage
    story.place = 0
    await story.run()

    assert story.types() == before


async def test_nothing_is_kept_for_ever() -> None:
    story = await Verified().run(signed_with_undo())
    await story.resolves()
    assert len(story.rows) == 1
    for _ in range(3):
        await story.tick(windows.DAY // 1000)

    assert not story.rows
