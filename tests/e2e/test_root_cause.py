"""An alert goes in, a decision stands in ClickHouse: every worker a process, on Apache Kafka."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from agents.playbooks.book import load_book
from awoooi.demo_alert import payload
from tests.e2e.stack import Stack
from tests.peers.http import get
from tests.peers.process import Process
from tests.peers.program import awoooi
from tests.peers.waiting import free_ports

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(180)]
KINDS = {"rca": "rca", "policy": "policy,execution"}
"""execution says at once that it cannot look: the gate need not wait for it"""
TURNS = ("evidence.collected", "rca.diagnosed", "rca.planned", "rca.reviewed", "rca.critiqued", "rca.decided")
ENDS = """
SELECT incident_id, JSONExtractString(payload, 'session_status') AS status,
       JSONExtractBool(payload, 'requires_human_approval') AS human
FROM events FINAL WHERE type = 'rca.decided'
"""


class Thinkers:
    """The workers of root cause beside a stack."""

    def __init__(self, stack: Stack) -> None:
        ports = dict(zip(KINDS, map(str, free_ports(len(KINDS))), strict=True))
        self.urls = {kind: f"http://127.0.0.1:{port}" for kind, port in ports.items()}
        env = {**stack.env, **{f"AWOOOI_HEALTH_{kind.upper()}_PORT": port for kind, port in ports.items()}}
        self.parts: dict[str, Process] = {
            kind: awoooi("worker", kinds, folder=stack.folder, env=env, name=kind)
            for kind, kinds in KINDS.items()
        }

    def start(self) -> None:
        for part in self.parts.values():
            part.start()
        for kind in KINDS:
            self.wait_for(kind)

    def wait_for(self, kind: str) -> None:
        url = f"{self.urls[kind]}/readyz"
        self.parts[kind].wait_until_ready(lambda: get(url) is not None, 60, what=f"{kind} ready")


@pytest.fixture(scope="module")
def thinkers(stack: Stack) -> Iterator[Thinkers]:
    made = Thinkers(stack)
    made.start()
    yield made
    for part in made.parts.values():
        part.stop()


def fire(stack: Stack, *names: str) -> None:
    for number, name in enumerate(names):
        assert stack.post(payload(name, datetime.now(UTC) - timedelta(seconds=number))) == 202


def ended(stack: Stack, count: int) -> list[dict[str, object]]:
    return stack.wait_for_rows(ENDS, lambda rows: len(rows) >= count, timeout=60)


def test_an_alert_becomes_a_decision_in_clickhouse(stack: Stack, thinkers: Thinkers) -> None:
    fire(stack, "checkout")
    (end,) = ended(stack, 1)
    assert (end["status"], end["human"]) == ("COMPLETED", True)

    where = f"incident_id = '{end['incident_id']}'"
    count = f"SELECT type, count() AS times FROM events FINAL WHERE {where} GROUP BY type"
    kinds = {
        row["type"]: row["times"]
        for row in stack.wait_for_rows(count, lambda rows: {"run.spent"} <= {row["type"] for row in rows})
    }
    assert {kind: kinds[kind] for kind in TURNS} == dict.fromkeys(TURNS, 1)
    assert kinds["learning.debate_ended"] == kinds["run.spent"] == 1
    assert kinds["tool.called"] >= 1
    moved = "SELECT status FROM v_incidents WHERE target_resource = 'checkout'"
    stack.wait_for_rows(moved, lambda rows: rows and rows[0]["status"] == "WAITING_APPROVAL")


def test_the_record_has_the_playbooks_and_the_trace(stack: Stack, thinkers: Thinkers) -> None:
    """What is decided goes by the one, and its spans are found by the other."""
    there = (
        "SELECT count() AS playbooks, countIf(source = 'shipped') AS shipped FROM v_playbooks WHERE in_force"
    )
    count = len(load_book().playbooks)
    stack.wait_for_rows(there, lambda rows: rows == [{"playbooks": count, "shipped": count}])
    traces = f"""
        SELECT uniqExact(trace_id) AS traces, countIf(length(trace_id) != 32) AS without
        FROM events FINAL WHERE type IN ('run.requested', 'run.started', {", ".join(map(repr, TURNS))})
          AND run_id = (SELECT run_id FROM events WHERE type = 'rca.decided' LIMIT 1)
    """
    assert stack.wait_for_rows(traces, bool) == [{"traces": 1, "without": 0}]


def test_the_argument_can_be_told(stack: Stack, thinkers: Thinkers) -> None:
    incident = str(ended(stack, 1)[0]["incident_id"])
    told = stack.told("explain", incident)

    for part in (
        "What happened: FrontendErrorRateHigh",
        "Diagnostician",
        "Solver",
        "Reviewer",
        "Coordinator",
    ):
        assert part in told
    package = json.loads(stack.told("explain", incident, "--json"))
    assert package["requires_human_approval"] is True


def test_a_debate_that_is_called_off_asks_nobody(stack: Stack, thinkers: Thinkers) -> None:
    thinkers.parts["rca"].signal(signal.SIGSTOP)
    try:
        fire(stack, "called-off")
        moved = "SELECT incident_id, status FROM v_incidents WHERE target_resource = 'called-off'"
        begun = stack.wait_for_rows(moved, lambda rows: rows and rows[0]["status"] == "INVESTIGATING")
        incident = str(begun[0]["incident_id"])
        stack.told("incident", "cancel", incident, "--reason", "we roll back by hand")
        stack.wait_for_rows(moved, lambda rows: rows[0]["status"] == "ESCALATED")
    finally:
        thinkers.parts["rca"].signal(signal.SIGCONT)
    story = f"SELECT type, actor, payload FROM events FINAL WHERE incident_id = '{incident}'"
    told = stack.wait_for_rows(story, lambda rows: "rca.late" in {row["type"] for row in rows}, timeout=60)

    kinds = [row["type"] for row in told]
    assert not {"rca.decided", "decision.made", "approval.requested", "run.finished"} & set(kinds)
    [cancelled] = [row for row in told if row["type"] == "run.cancelled"]
    end = json.loads(str(cancelled["payload"]))
    assert (end["state"], end["error_code"], cancelled["actor"]) == ("cancelled", "E-RUN-CANCELLED", "admin")
    assert "we roll back by hand" in end["detail"]


@pytest.mark.faults
def test_runs_end_though_their_workers_are_killed(stack: Stack, thinkers: Thinkers) -> None:
    before = len(ended(stack, 1))
    names = [f"killed-{number}" for number in range(20)]
    fire(stack, *names[:10])
    for kind in KINDS:
        thinkers.parts[kind].signal(signal.SIGKILL)
    fire(stack, *names[10:])
    for kind in KINDS:
        thinkers.parts[kind].wait(20)
    thinkers.start()

    ends = ended(stack, before + 20)
    assert len({row["incident_id"] for row in ends}) == len(ends) == before + 20
    assert {row["status"] for row in ends} == {"COMPLETED"}
