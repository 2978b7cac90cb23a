"""The demo against a gateway and a record that misbehave: it fails, and says at which step and why."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from awoooi import demo, demo_story
from awoooi.demo import ATTACHED, STEPS, Steps, Where, tell
from awoooi.demo_record import in_words, totals
from awoooi.demo_steps import REPEATS
from awoooi.demo_story import StepFailed
from awoooi.loading import load
from awoooi.settings import Settings
from awoooi.sign_commands import Hand
from awoooi.stack import how_it_ended
from schemas.catalog import event_classes
from tests.awoooi.demo_system import FakeSystem, request_of
from tests.schemas.golden_events import golden

TRIED = [name for name, step in STEPS.items() if not isinstance(step, str)]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load({"AWOOOI_STATE_DIR": str(tmp_path)}).settings


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo_story, "WAIT_SECS", 0.3)
    monkeypatch.setattr(demo_story, "SLOW_SECS", 0.3)


async def told(
    system: FakeSystem, settings: Settings, capsys: pytest.CaptureFixture[str], steps: Steps = STEPS
) -> tuple[int, str]:
    """How many steps did not pass, and what was said."""
    passed = await tell(system.on(settings), steps)
    return sum(not isinstance(step, str) for step in steps.values()) - passed, capsys.readouterr().out


async def test_all_steps_pass_on_a_system_that_works(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    system = FakeSystem()

    failed, said = await told(system, settings, capsys)

    assert failed == 0, said
    assert said.count("PASS") == len(TRIED)
    assert len(set(system.starts)) == REPEATS + 1, "every alert begins at a time of its own"
    assert [event.payload.signed_by for event in system.log.events("decisions")] == [("alice", "bob")]
    flat = " ".join(said.split())
    assert "alice (sre) signs by a record on" in flat
    assert "refused, bad_signature" in flat
    assert "bob (devops) signs by POST" in flat
    assert system.switched == {"kill_switch/*": "off", "operation/DELETE_POD": "on"}
    assert "alice sets kill_switch/* to off: recorded, switch.set" in flat
    assert "postgres-db-0 is replaced, by the executor mcp: done once" in flat
    assert "another pod (after, before before), ready; its data stays: data-postgres-db-0 is the same" in flat


async def test_only_public_keys_are_written_down(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    await told(FakeSystem(), settings, capsys)

    signers = json.loads(settings.approvals.signers_file.read_text())["signers"]
    assert [signer["person"] for signer in signers] == ["alice", "bob"]
    assert not any("d" in key for signer in signers for key in signer["keys"])


async def test_a_gateway_that_asks_to_come_again_is_asked_again(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    failed, _ = await told(FakeSystem(busy=3), settings, capsys)

    assert failed == 0


async def test_beside_a_running_system_nobody_signs(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    system = FakeSystem(has_cluster=False, behind="somebody else")

    failed, said = await told(system, settings, capsys, ATTACHED)

    assert failed == 0, said
    assert "the graph finds" not in said
    assert "SKIP            [multisig_approval]  left out" in said
    assert not settings.approvals.signers_file.exists()
    assert not system.log.events("approvals.votes")
    assert system.switched == {}


ONE_SIGNATURE = request_of({}).payload.needed.model_copy(update={"signatures": 1})
FAULTS: Mapping[str, tuple[FakeSystem, str, str]] = {
    "the gateway refuses": (FakeSystem(status=401), "trigger_alert", "expected 202 with an offset, seen 401"),
    "nothing is normalised": (FakeSystem(loses_alerts=True), "trigger_alert", "the record has nothing of it"),
    "the alert is misread": (FakeSystem(severity="info"), "trigger_alert", "info"),
    "no incident is opened": (FakeSystem(opens_nothing=True), "trigger_alert", "expected an incident"),
    "alerts are counted twice": (FakeSystem(counts_twice=True), "trigger_alert", "seen [102]"),
    "nobody decides": (FakeSystem(ends=""), "graphrag_analysis", "expected the debate's end"),
    "the debate runs out of time": (FakeSystem(ends="TIMEOUT"), "graphrag_analysis", "TIMEOUT"),
    "the graph finds another": (
        FakeSystem(behind="api"),
        "graphrag_analysis",
        "expected postgres-db, seen api",
    ),
    "nobody is asked": (FakeSystem(asks=None), "generate_approval", "expected approval.requested"),
    "one signature is enough": (
        FakeSystem(asks={"needed": ONE_SIGNATURE}),
        "generate_approval",
        "expected 2, seen 1",
    ),
    "signatures are lost": (FakeSystem(loses_votes=True), "multisig_approval", "a verdict on the signature"),
    "what is allowed is not recorded": (
        FakeSystem(hides="switch.set"),
        "multisig_approval",
        "expected the act",
    ),
    "nothing is authorized": (
        FakeSystem(hides="action.authorized"),
        "multisig_approval",
        "and action.authorized within",
    ),
    "nothing is executed": (FakeSystem(executed=0), "mcp_execution", "expected the execution, verified"),
    "the executor refuses": (
        FakeSystem(ends_execution="execution.refused"),
        "mcp_execution",
        "execution.refused, ",
    ),
    "it is not verified": (
        FakeSystem(hides="execution.verified"),
        "mcp_execution",
        "expected the execution, verified",
    ),
    "another executor did it": (
        FakeSystem(executor="kubernetes"),
        "mcp_execution",
        "who did it: expected mcp",
    ),
    "it was called twice": (FakeSystem(calls=2), "mcp_execution", "calls that write"),
    "the pod is the one that it was": (
        FakeSystem(replaces=False),
        "mcp_execution",
        "another pod of the same name: expected",
    ),
    "the data is gone": (FakeSystem(loses_data=True), "mcp_execution", "the claims of its data: expected"),
}


@pytest.mark.parametrize(("system", "step", "why"), FAULTS.values(), ids=FAULTS.keys())
async def test_a_fault_fails_its_step_and_those_behind_it(
    system: FakeSystem, step: str, why: str, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    failed, said = await told(system, settings, capsys)

    assert failed == len(TRIED) - TRIED.index(step)
    last = said[said.index("FAIL") :]
    assert f"[{step}]" in last
    assert why in " ".join(last.split())


async def test_the_totals_tell_of_a_double(settings: Settings) -> None:
    story = FakeSystem(executed=2).on(settings)
    await tell(story)

    with pytest.raises(StepFailed, match="'executions': 2"):
        await totals(story)


async def test_the_totals_are_whole(settings: Settings) -> None:
    story = FakeSystem().on(settings)
    await tell(story)

    told = await totals(story)

    for count in ("51 alerts", "1 incident", "1 run", "2 signatures", "1 authorization", "1 execution"):
        assert count in told
    assert "none is lost, none counts twice" in told


@pytest.mark.parametrize("kind", event_classes())
def test_a_timeline_has_words_for_every_event(kind: str) -> None:
    event = golden(kind)

    told = in_words(kind, event.actor, json.loads(event.payload.model_dump_json()))

    assert "{" not in told


async def test_a_forged_signature_that_counts_fails_the_demo(
    settings: Settings, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if the system took anyone's word: the forger has the right key."""
    monkeypatch.setattr("awoooi.demo_steps.forger_of", _himself)

    failed, said = await told(FakeSystem(), settings, capsys)

    assert failed == len(TRIED) - TRIED.index("multisig_approval")
    assert "a forged signature: expected" in said


def _himself(hand: Hand) -> Hand:
    return replace(hand)


def test_a_stack_that_does_not_start_fails_and_says_what_its_parts_say(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("CALF_TANSU_BIN", "/no/such/broker")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    status = demo.run(None, Where())  # type: ignore[arg-type]

    said = capsys.readouterr().out
    assert status == 1
    assert "/no/such/broker" in said
    assert "FAILED" in said
    assert f"The whole logs are in {tmp_path}/awoooi-demo-" in said
    assert endings(tmp_path) == {".log"}, "nothing else of it stays"


def test_a_system_that_was_killed_is_told_as_such() -> None:
    assert how_it_ended(-9) == "it was killed; the kernel does that where memory runs out"
    assert how_it_ended(1) == "it ended with exit status 1"


def test_little_memory_is_told_before_it_starts(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(demo, "free_mb", lambda: 200)

    demo.warn_of_little_memory()

    assert "There are 200 MB of memory free" in capsys.readouterr().out


def endings(folder: Path) -> set[str]:
    return {path.suffix for path in folder.rglob("*") if path.is_file()}
