"""From a decision package to what everybody is told: in time, without checks, once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from schemas import ids
from schemas.decision import Branch, Package, RcaDecided
from schemas.envelope import from_millis
from schemas.evidence import EvidenceItem, Source
from schemas.operations import Operation, Parameters, Risk, Step
from schemas.outcome import Outcome
from schemas.preflight import Check, Preflight, PreflightChecked, PreflightStatus
from schemas.silence import LabelMatcher
from schemas.switch import SwitchKind
from streams.pipeline import Given, PipelineConfig, stages
from streams.policy.action_hash import Act, action_hash
from streams.policy.world import world_of
from tests.schemas.golden_events import golden
from tests.streams.debates import Debates, only
from tests.streams.policy.test_switches import LIFTED, said
from tests.streams.silences import kept, silence
from tests.streams.timeline import MINUTE, SECOND

DECIDED: RcaDecided = golden("rca.decided")
INCIDENT = DECIDED.incident_id
PROOF_KEY = b"a key that policy and execution share"
OPTED_IN = said(SwitchKind.OPERATION, "DELETE_POD", "on")


class Gates(Debates):
    """The policy stages alone, fed by hand; `set` and `trusted` are what the world says."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.set: dict[bytes, bytes] = {}
        self.trusted: dict[bytes, bytes] = {}
        self.quiet: dict[bytes, bytes] = {}
        read = {"switches": self.set, "trust": self.trusted, "silences": self.quiet}
        world = world_of(
            self.codec, lambda topic: read.get(topic, {}), lambda _: len(self.set) + len(self.quiet)
        )
        self.start(Given(self.codec, desk=self.desk, world=world, proof_key=PROOF_KEY))

    def start(self, given: Given, *, with_ingest: bool = False) -> None:
        self.needs = given
        before = ("ingest",) if with_ingest else ()
        self.all = list(stages(PipelineConfig(), given, (*before, "policy", "execution")))
        for placed in self.all:
            placed.runner.clock = lambda: self.now

    def decide(self, run: int = 1, **changes: Any) -> Gates:
        self.put(decided(run, self.now, **changes))
        return self

    def check(
        self,
        run: int = 1,
        status: PreflightStatus = PreflightStatus.PASSED,
        action: str = "A1",
        workload: str = "",
        undo: Step | None = None,
        about: dict[str, str] | None = None,
    ) -> Gates:
        checks, seen = (
            (Check(name="owned", passed=True),),
            {"observed_state": "ab" * 32, "workload": workload, "undo": undo},
        )
        payload = Preflight(status=status, action=action, checks=checks, **seen)
        run_id = ids.run_id(INCIDENT, run)
        told = DECIDED.model_copy(update={"run_id": run_id, **(about or {})}).model_dump(
            include={"project_id", "incident_id", "run_id", "occurred_at", "recorded_at"}
        )
        event_id = ids.derive_id("preflight.checked", run_id)
        self.put(PreflightChecked(**told, event_id=event_id, stage="preflight", payload=payload))
        return self

    @property
    def told(self) -> list[Any]:
        return [event.payload for event in self.log.events("decisions")]

    @property
    def requests(self) -> list[Any]:
        return [event.payload for event in self.log.events("approvals.requests")]


def decided(run: int, now: int, *, step: dict[str, Any] | None = None, **changes: Any) -> RcaDecided:
    """As if everybody had agreed on a pod that its owner makes anew."""
    package: Package = DECIDED.payload
    action = package.recommended_action
    assert action is not None
    assert package.brief is not None
    assert package.hypothesis is not None
    pod = {"kind": "pod", "name": "checkout-7d9f8c6b5-x2x4z"}
    target = action.step.target.model_copy(update=pod)
    plain = {"operation": Operation.DELETE_POD, "parameters": Parameters(), "target": target}
    restart = action.step.model_copy(update={**plain, **(step or {})})
    quiet = {"step": restart, "undo": None, "risk": Risk.LOW, "blast_radius": 5, "human_only": False}
    item = EvidenceItem(
        id="E1",
        source=Source.KUBERNETES,
        kind="pod",
        about="checkout",
        observed_at=from_millis(now),
        text="ill",
    )
    agreed = {
        "branch": Branch.HOLDS,
        "requires_human_approval": False,
        "recommended_action": action.model_copy(update=quiet),
        "confidence": 1.0,
        "said": (),
        "usage": package.usage.model_copy(update={"provider": "ollama", "calls": 4}),
        "brief": package.brief.model_copy(update={"number": run, "items": (item,)}),
        "hypothesis": package.hypothesis.model_copy(update={"evidence": ("E1",), "against": ()}),
    }
    envelope = {
        "event_id": ids.ending_id("debate", ids.run_id(INCIDENT, run)),
        "run_id": ids.run_id(INCIDENT, run),
        "occurred_at": from_millis(now),
        "recorded_at": from_millis(now),
        "payload": package.model_copy(update={**agreed, **changes}),
    }
    return DECIDED.model_copy(update=envelope)


async def test_a_run_is_decided_upon_at_once_and_people_are_asked() -> None:
    story = await Gates().decide().run()
    told, asked = only(story.told), only(story.requests)

    assert (told.outcome, told.rule) == (Outcome.APPROVAL_REQUIRED, "kill_switch")
    assert told.halts == ("kill_switch", "preflight_unavailable")
    assert asked.approval_id == told.approval_id == f"{INCIDENT}-A1"
    assert asked.action_hash == told.action_hash != ""
    assert len(told.policy.hash) == 64
    assert told.preflight == PreflightStatus.UNAVAILABLE
    assert (told.alert_type, told.root_cause) != ("", "")


async def test_nothing_is_automatic_without_checks_whatever_is_lifted() -> None:
    story = Gates()
    story.set.update([LIFTED, OPTED_IN])
    await story.decide().run()

    assert only(story.told).rule == "preflight_unavailable"
    assert not story.log.events("authorizations")


async def test_everything_in_order_is_told_as_automatic() -> None:
    story = Gates(away={"preflight"})
    story.set.update([LIFTED, OPTED_IN])
    await story.decide().check().run()
    told = only(story.told)

    assert (told.outcome, told.rule) == (Outcome.AUTO_APPROVED, "automatic")
    assert (told.fused.model, told.fused.playbook, told.fused.evidence) == (1.0, 0.5, 1.0)
    assert not story.requests
    allowed = only(story.log.events("authorizations")).payload
    assert (allowed.approval_id, allowed.signatures, allowed.needed) == ("", (), None)
    assert told.expires_at == allowed.expires_at
    assert (
        allowed.action_hash
        == told.action_hash
        == action_hash(Act(allowed.action.step, "ab" * 32, allowed.policy.hash, allowed.action.undo, {}))
    )


@pytest.mark.parametrize(("kind", "rule"), [("freeze", "change_freeze"), ("silence", "silence")])
async def test_what_people_asked_to_be_left_alone_is_not_automatic(kind: str, rule: str) -> None:
    story = Gates(away={"preflight"})
    story.set.update([LIFTED, OPTED_IN])
    action = decided(1, story.now).payload.recommended_action
    assert action is not None
    matchers = (LabelMatcher(name="namespace", value=action.step.target.namespace or ""),)
    set_ = silence(at=story.now - SECOND, project=DECIDED.project_id, kind=kind, matchers=matchers)
    story.quiet.update(kept(set_))
    await story.decide().check().run()
    told = only(story.told)

    assert (told.outcome, told.rule) == (Outcome.APPROVAL_REQUIRED, rule)
    assert f"{kind} S1: moving it" in told.reason


async def test_what_goes_by_itself_is_authorized_once_under_its_target_with_all_that_is_asked_again() -> None:
    story = Gates(away={"preflight"})
    story.set.update([LIFTED, OPTED_IN])
    await story.decide().check().run()
    for topic in ("rca.decisions", "preflights"):
        story.log.rewind("gate", topic)
    await story.run()
    [record] = [one for (name, _), log in story.log.topics.items() for one in log if name == "authorizations"]
    allowed, told = record.event.payload, only(story.told)

    assert record.key == allowed.target.encode() == allowed.action.step.target.id.encode()
    assert (allowed.policy, allowed.assessment, allowed.fused) == (told.policy, told.assessment, told.fused)
    assert allowed.basis.opted_in
    assert allowed.basis.replaced_by_owner
    assert allowed.basis.offsets == dict.fromkeys(("policies", "silences", "switches", "trust"), 2)
    assert (allowed.preflight, allowed.checks) == (PreflightStatus.PASSED, told.checks)
    assert record.event.causes[0] == only(story.log.events("decisions")).event_id


async def test_what_goes_by_itself_is_authorized_under_its_workload() -> None:
    story = Gates(away={"preflight"})
    story.set.update([LIFTED, OPTED_IN])
    await story.decide().check(workload="of a deployment").run()
    [record] = [one for (name, _), log in story.log.topics.items() for one in log if name == "authorizations"]
    allowed = record.event.payload

    assert record.key == b"of a deployment"
    assert (allowed.workload, allowed.target) == ("of a deployment", "of a deployment")
    assert allowed.action.step.target.id not in ("", allowed.target), "what is hashed stays the exact target"


async def test_nothing_is_automatic_where_nobody_could_prove_that_policy_allowed_it() -> None:
    story = Gates(away={"preflight"})
    story.start(replace(story.needs, proof_key=None))
    story.set.update([LIFTED, OPTED_IN])
    await story.decide().check().run()

    assert only(story.told).rule == "unproven"
    assert not story.log.events("authorizations")


async def test_checks_of_another_action_are_none() -> None:
    story = Gates(away={"preflight"})
    story.set.update([LIFTED, OPTED_IN])
    await story.decide().check(action="A2").run()

    assert only(story.told).rule == "preflight_unavailable"
    assert "another action" in only(story.told).reason


async def test_checks_that_never_come_are_waited_for_half_a_minute() -> None:
    story = await Gates(away={"preflight"}).decide().run()
    assert not story.told

    await story.pass_seconds(29).tick()
    assert not story.told
    await story.pass_seconds(2).tick()
    assert only(story.told).preflight == PreflightStatus.UNAVAILABLE

    await story.check().run()
    assert len(story.told) == 1, "what comes late changes nothing"


async def test_checks_that_are_read_before_the_package_count() -> None:
    story = Gates(away={"preflight"})
    await story.check(status=PreflightStatus.FAILED).run()
    await story.decide().run()

    assert "preflight_failed" in only(story.told).halts


NOTHING = {"recommended_action": None}
REJECTED = {"branch": Branch.REJECTED, "blocked_reason": "no"}


@pytest.mark.parametrize(
    ("changes", "outcome", "rule"),
    [
        pytest.param(NOTHING, Outcome.SKIPPED, "no_action", id="nothing to do"),
        pytest.param({**REJECTED, **NOTHING}, Outcome.BLOCKED, "rejected", id="rejected"),
        pytest.param({"brief": None, **NOTHING}, Outcome.SKIPPED, "no_action", id="no brief"),
    ],
)
async def test_what_needs_no_checks(changes: dict[str, Any], outcome: Outcome, rule: str) -> None:
    told = only((await Gates().decide(**changes).run()).told)

    assert (told.outcome, told.rule, told.needs_human) == (outcome, rule, True)
    assert told.reason
    assert not told.approval_id


async def test_what_nobody_could_sign_is_told_and_not_asked() -> None:
    """A label without a commitment could be made to mean another machine later."""
    target = decided(1, 0).payload.recommended_action.step.target.model_copy(update={"name": "[IP_1]"})
    story = await Gates().decide(step={"target": target}).run()

    assert "nobody can sign it" in only(story.told).reason
    assert only(story.told).outcome == Outcome.APPROVAL_REQUIRED
    assert not story.requests


async def test_the_same_input_twice_decides_once() -> None:
    story = await Gates().decide().run()
    for topic in ("rca.decisions", "preflights"):
        story.log.rewind("gate", topic)
    await story.run()

    assert story.times_written("decision.made") == 1
    assert story.times_written("approval.requested") == 1


async def test_every_run_has_an_approval_of_its_own() -> None:
    story = await Gates().decide(1).run()
    await story.pass_seconds(60).decide(2).run()

    assert [asked.approval_id for asked in story.requests] == [f"{INCIDENT}-A1", f"{INCIDENT}-A2"]


async def test_a_request_ends_unanswered_after_an_hour() -> None:
    story = await Gates().decide().run()

    assert only(story.requests).expires_at == from_millis(story.now + 60 * MINUTE)


async def test_a_whole_story_ends_in_a_decision_for_everybody() -> None:
    story = await Debates().fire().run()
    await story.pass_seconds(31).tick()
    told = only(story.log.events("decisions"))

    assert told.incident_id == only(story.decisions).incident_id
    assert told.payload.outcome in (Outcome.APPROVAL_REQUIRED, Outcome.SKIPPED)
    assert told.payload.halts or told.payload.rule == "no_action"


async def test_what_is_over_is_forgotten_after_a_day() -> None:
    story = await Gates().decide().run()
    gate = next(placed for placed in story.all if placed.name == "gate")
    kept = [dict(story.log.rows(gate, partition)) for partition in range(4)]
    assert sum(map(len, kept)) == 1

    await story.pass_seconds(25 * 60 * MINUTE / SECOND).tick()
    assert not any(len(story.log.rows(gate, partition)) for partition in range(4))
