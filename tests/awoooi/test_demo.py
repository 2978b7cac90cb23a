"""The demo against a gateway and a record that misbehave: it fails, and says at which step and why.

Signatures are judged by the stages themselves, in memory.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from awoooi import demo, demo_story
from awoooi.argument import KINDS, TURNS
from awoooi.demo import ATTACHED, STEPS, Steps, tell
from awoooi.demo_steps import EVENTS, REPEATS, TOTALS, VERDICTS
from awoooi.demo_story import Story
from awoooi.loading import load
from awoooi.settings import Settings
from awoooi.sign_commands import Hand
from connectors.http import Reply
from schemas.approval import ApprovalRequest, ApprovalRequested
from schemas.codec import Codec
from schemas.envelope import Event
from schemas.operations import Operation, Step, Target
from schemas.run import EndReason, RunState
from schemas.switch import SwitchSet
from streams.memory import MemoryLog
from streams.placed import Placed
from streams.policy.action_hash import act_of, action_hash
from streams.policy.exam import Rules
from streams.policy.in_force import PolicyInForce
from streams.policy.verifier import Verifier
from streams.runner import Runner
from streams.stages.approve import Approve
from streams.stages.intake import Intake
from tests.awoooi.test_argument import row
from tests.schemas.golden_events import golden

ALERT = {
    "alert_type": "FrontendErrorRateHigh",
    "severity": "critical",
    "source": "prometheus",
    "namespace": "demo",
    "fingerprint": "f",
}
INCIDENT = "INC-20260301-0A1B2C3D4E"
POD = Target(cluster="demo", namespace="demo", kind="pod", name="postgres-db-0", id="0" * 32)
SIGNATURES, REQUESTS = "approvals.signatures", "approvals.requests"
WRITTEN = (REQUESTS, "approvals.votes", "approvals.outcomes", "decisions", "authorizations")
SUCCEEDED = "execution.succeeded"
TRIED = [name for name, step in STEPS.items() if not isinstance(step, str)]


@dataclass
class FakeSystem:
    """Counts what it is sent, and answers questions from that; each fault is a switch."""

    status: int = 202
    loses_alerts: bool = False
    opens_nothing: bool = False
    counts_twice: bool = False
    severity: str = "critical"
    busy: int = 0
    ends: str = "COMPLETED"
    """how the debate does; empty: not at all"""
    asks: Mapping[str, Any] | None = field(default_factory=dict)
    """of people, beside what the demo's incident asks; None: nothing"""
    loses_votes: bool = False
    hides: str = ""
    """a type of event that the record never gets"""
    executed: int = 1
    ends_execution: str = SUCCEEDED
    is_over: bool = False
    starts: list[str] = field(default_factory=list)
    switched: dict[str, str] = field(default_factory=dict)
    log: MemoryLog = field(init=False)

    def on(self, settings: Settings) -> Story:
        self.log = log_of(settings)
        if self.asks is not None:
            request = request_of(self.asks)
            self.log.append(REQUESTS, self.log.codec.encode(request), request.incident_id.encode())
        return Story("tb2-x", settings, "t", self, self.ask, self.write, self.record, datetime.now(UTC))

    async def record(self, act: SwitchSet) -> None:
        self.switched[act.payload.subject] = act.payload.state

    async def post(self, url: str, content: bytes, headers: Mapping[str, str] | None = None) -> Reply:
        if url.endswith("/signatures"):
            await self.write(SIGNATURES, content)
            return Reply(200, {}, b"{}")
        if self.busy:
            self.busy -= 1
            return Reply(503, {"retry-after": "0"}, b"{}")
        self.starts.append(json.loads(content)["alerts"][0]["startsAt"])
        return Reply(self.status, {}, b'{"topic":"t","partition":0,"offset":0}')

    async def write(self, topic: str, value: bytes) -> str:
        if not self.loses_votes:
            self.log.append(topic, value, b"any")
        return topic

    async def ask(self, sql: str, params: Mapping[str, Any]) -> list[dict[str, Any]]:
        count = 0 if self.loses_alerts else len(self.starts)
        if sql in (EVENTS, VERDICTS, TOTALS):
            return await self._events(sql, params, count)
        if sql == TURNS:
            return debate(self.ends)
        if "v_alerts" in sql:
            return [{**ALERT, "severity": self.severity}] if count else []
        if self.opens_nothing or not count:
            return []
        status = "MITIGATED" if self.is_over else "PENDING"
        return [{"incident_id": INCIDENT, "status": status, "hit_count": count * (1 + self.counts_twice)}]

    async def _events(self, sql: str, params: Mapping[str, Any], alerts: int) -> list[dict[str, Any]]:
        await self.log.run()
        self.log.tick()  # an end is told by the next one
        await self.log.run()
        events = [event for topic in WRITTEN for event in self.log.events(topic) if event.type != self.hides]
        self.is_over = any(event.type == "action.authorized" for event in events)
        if self.is_over and self.executed:
            events += [event for event in executions(self.ends_execution, events) if event.type != self.hides]
        if sql == EVENTS:
            return [row_of(event) for event in events if event.type in params["kinds"]]
        if sql == VERDICTS:
            judged = [event for event in events if event.type in ("vote.counted", "vote.refused")]
            return [row_of(event) for event in judged if event.payload.signature == params["signature"]]
        kinds = [event.type for event in events]
        signed, authorized = kinds.count("vote.counted"), kinds.count("action.authorized")
        done = self.executed if self.is_over else 0
        ours = {"alerts": alerts, "incidents": 1, "runs": 1, "executions": done}
        return [{**ours, "signatures": signed, "authorizations": authorized}]


def executions(end: str, events: list[Event]) -> list[Event]:
    """The contract's own examples, of the action that was authorized; and how the run ended."""
    (authorized,) = [event for event in events if event.type == "action.authorized"]
    kinds = ["execution.claimed", "execution.started", end]
    told = [golden(kind) for kind in (*kinds, *(["execution.verified"] if end == SUCCEEDED else []))]
    hashed = {"action_hash": authorized.payload.action_hash}
    run = golden("run.finished")
    finished = run.payload.model_copy(update={"state": RunState.SUCCEEDED, "reason": EndReason.VERIFIED})
    return [
        *(one.model_copy(update={"payload": one.payload.model_copy(update=hashed)}) for one in told),
        run.model_copy(update={"payload": finished}),
    ]


def log_of(settings: Settings) -> MemoryLog:
    codec, approvals = Codec(), settings.approvals
    verifier = Verifier(Rules(audience=approvals.environment), approvals.signers_file)
    stages = (Intake(verifier), Approve(verifier, PolicyInForce(codec, dict)))

    def clock() -> int:
        return time.time_ns() // 1_000_000

    placed = [
        Placed(Runner(stage, codec, clock=clock), stage.reads, keyed=stage.name == "approve")
        for stage in stages
    ]
    return MemoryLog(placed, codec, clock)


def request_of(changes: Mapping[str, Any]) -> ApprovalRequested:
    """What the gate asks of people in the demo's incident."""
    event: ApprovalRequested = golden("approval.requested")
    action = event.payload.action.model_copy(
        update={"step": Step(operation=Operation.DELETE_POD, target=POD), "undo": None}
    )
    about = {
        "approval_id": f"{INCIDENT}-A1",
        "action": action,
        "commitments": {},
        "needed": event.payload.needed.model_copy(update={"signatures": 2}),
        "halts": ("kill_switch",),
        "proposed_by": "rules",
        "expires_at": datetime.now(UTC) + timedelta(minutes=60),
    }
    payload: ApprovalRequest = event.payload.model_copy(update={**about, **changes})
    hashed = payload.model_copy(update={"action_hash": action_hash(act_of(payload))})
    return event.model_copy(update={"incident_id": INCIDENT, "payload": hashed})


def row_of(event: Event) -> dict[str, Any]:
    """As ClickHouse gives it back: times without a zone."""
    plain = event.model_dump(exclude={"payload", "sealed"})
    times = {name: plain[name].replace(tzinfo=None) for name in ("occurred_at", "recorded_at")}
    return {**plain, **times, "payload": event.payload.model_dump_json()}


def debate(ends: str) -> list[dict[str, Any]]:
    """The contract's own examples as the record gives them back."""
    rows = [row(kind) for kind in KINDS if kind != "rca.decided"]
    decided = json.loads(row("rca.decided")["payload"])
    last = row("rca.decided", payload=json.dumps({**decided, "session_status": ends}))
    return [*rows, last] if ends else rows


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load({"AWOOOI_STATE_DIR": str(tmp_path)}).settings


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo_story, "WAIT_SECS", 0.3)


async def told(
    system: FakeSystem, settings: Settings, capsys: pytest.CaptureFixture[str], steps: Steps = STEPS
) -> tuple[int, str]:
    failed = await tell(system.on(settings), steps)
    return failed, capsys.readouterr().out


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
    assert (
        "postgres-db-0 is replaced in the demo's own cluster, by the executor kubernetes: done once" in flat
    )


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
    system = FakeSystem()

    failed, said = await told(system, settings, capsys, ATTACHED)

    assert failed == 0, said
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
    "nobody is asked": (FakeSystem(asks=None), "generate_approval", "expected approval.requested"),
    "one signature is enough": (
        FakeSystem(asks={"needed": ONE_SIGNATURE}),
        "generate_approval",
        "expected 2, seen 1",
    ),
    "signatures are lost": (FakeSystem(loses_votes=True), "multisig_approval", "a verdict on the signature"),
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
    "it was executed twice": (FakeSystem(executed=2), "totals", "'executions': 2"),
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


async def test_a_stack_that_does_not_start_fails_and_says_what_its_parts_say(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("CALF_TANSU_BIN", "/no/such/broker")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    status = await asyncio.to_thread(demo.run, None, attach=False)  # type: ignore[arg-type]

    said = capsys.readouterr().out
    assert status == 1
    assert "/no/such/broker" in said
    assert "FAILED" in said
    assert f"The whole logs are in {tmp_path}/awoooi-demo-" in said
    assert endings(tmp_path) == {".log"}, "nothing else of it stays"


def endings(folder: Path) -> set[str]:
    return {path.suffix for path in folder.rglob("*") if path.is_file()}
