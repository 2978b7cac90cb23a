"""The demo against a gateway and a record that misbehave: it fails, and says at which step and why."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from awoooi import demo
from awoooi.argument import KINDS, TURNS
from awoooi.demo import REPEATS, STEPS, Story
from connectors.http import Reply
from tests.awoooi.test_argument import row

ALERT = {
    "alert_type": "FrontendErrorRateHigh",
    "severity": "critical",
    "source": "prometheus",
    "namespace": "demo",
    "fingerprint": "f",
}


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
    starts: list[str] = field(default_factory=list)

    async def post(self, url: str, content: bytes, headers: Mapping[str, str]) -> Reply:
        if self.busy:
            self.busy -= 1
            return Reply(503, {"retry-after": "0"}, b"{}")
        self.starts.append(json.loads(content)["alerts"][0]["startsAt"])
        return Reply(self.status, {}, b'{"topic":"t","partition":0,"offset":0}')

    async def ask(self, sql: str, params: Mapping[str, Any]) -> list[dict[str, Any]]:
        count = 0 if self.loses_alerts else len(self.starts)
        if sql == demo._TOTALS:
            return [{"alerts": count, "incidents": 1, "runs": 1}]
        if sql == TURNS:
            return debate(self.ends)
        if "v_alerts" in sql:
            return [{**ALERT, "severity": self.severity}] if count else []
        if self.opens_nothing or not count:
            return []
        return [{"incident_id": "INC-1", "status": "PENDING", "hit_count": count * (1 + self.counts_twice)}]


def debate(ends: str) -> list[dict[str, Any]]:
    """The contract's own examples as the record gives them back."""
    rows = [row(kind) for kind in KINDS if kind != "rca.decided"]
    decided = json.loads(row("rca.decided")["payload"])
    last = row("rca.decided", payload=json.dumps({**decided, "session_status": ends}))
    return [*rows, last] if ends else rows


async def told(system: FakeSystem, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    story = Story("tb2-x", "http://gateway", "t", system, system.ask, datetime.now(UTC))  # type: ignore[arg-type]
    failed = await demo._tell(story)
    return failed, capsys.readouterr().out


@pytest.fixture(autouse=True)
def _short_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "STEP_SECS", 0.5)


async def test_all_steps_pass_on_a_system_that_works(capsys: pytest.CaptureFixture[str]) -> None:
    system = FakeSystem()

    failed, said = await told(system, capsys)

    assert failed == 0
    assert said.count("PASS") == len(STEPS)
    assert len(set(system.starts)) == REPEATS + 1, "every alert begins at a time of its own"


async def test_a_gateway_that_asks_to_come_again_is_asked_again(capsys: pytest.CaptureFixture[str]) -> None:
    failed, _ = await told(FakeSystem(busy=3), capsys)

    assert failed == 0


FAULTS = {
    "the gateway refuses": (FakeSystem(status=401), "trigger_alert", "401"),
    "nothing is normalised": (FakeSystem(loses_alerts=True), "normalised", "nothing came"),
    "the alert is misread": (FakeSystem(severity="info"), "normalised", "info"),
    "no incident is opened": (FakeSystem(opens_nothing=True), "incident_opened", "nothing came"),
    "nobody decides": (FakeSystem(ends=""), "graphrag_analysis", "nothing came"),
    "the debate runs out of time": (FakeSystem(ends="TIMEOUT"), "graphrag_analysis", "TIMEOUT"),
    "alerts are counted twice": (FakeSystem(counts_twice=True), "repeats_counted", "102"),
}


@pytest.mark.parametrize(("system", "step", "why"), FAULTS.values(), ids=FAULTS.keys())
async def test_a_fault_fails_its_step_and_those_behind_it(
    system: FakeSystem, step: str, why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    failed, said = await told(system, capsys)

    assert failed == len(STEPS) - list(STEPS).index(step)
    last = said.splitlines()[-1]
    assert last.startswith("FAIL")
    assert f"[{step}]" in last
    assert why in last


async def test_a_stack_that_does_not_start_fails_and_says_what_its_parts_say(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CALF_TANSU_BIN", "/no/such/broker")

    status = await asyncio.to_thread(demo.run, None, attach=False)  # type: ignore[arg-type]

    said = capsys.readouterr().out
    assert status == 1
    assert "/no/such/broker" in said
    assert "FAILED" in said
