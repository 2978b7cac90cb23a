"""On a running system with a Kafka of its own: what fails is taken back, recorded, and argued anew."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import pytest

from connectors.kubernetes.fake_pods import ready
from connectors.kubernetes.fake_server import FakeServer
from connectors.kubernetes.fake_story import serving_story
from tests.e2e.system import System, fresh
from tests.peers.kafka import KafkaPeer

pytest.importorskip("chdb")

ASKED = "SELECT payload FROM events FINAL WHERE type = 'approval.requested' ORDER BY recorded_at"
DONE = """
SELECT type, incident_id, payload FROM events FINAL
WHERE startsWith(type, 'execution.') AND type != 'execution.claimed' ORDER BY recorded_at, type
"""
RUNS = """
SELECT payload FROM events FINAL WHERE type IN ('run.started', 'run.finished') ORDER BY recorded_at, type
"""
SEEN = "SELECT payload FROM events FINAL WHERE type = 'evidence.collected' ORDER BY recorded_at"
TRUST = (
    "SELECT JSONExtractString(payload, 'outcome') AS outcome FROM events FINAL WHERE type = 'trust.observed'"
)
DECIDED = """
SELECT JSONExtractString(payload, 'outcome') AS outcome, JSONExtractString(payload, 'signed_by') AS signed_by
FROM events FINAL WHERE type = 'decision.made' AND JSONExtractString(payload, 'rule') = 'undo'
"""
ALLOWED = "SELECT payload FROM events FINAL WHERE type = 'action.authorized' ORDER BY recorded_at"
SETTINGS = {"AWOOOI_MODELS_ORDER": "[]", "AWOOOI_VERIFICATION_LOOK_SECS": "3", "AWOOOI_REPLICATION": "1"}
PATCHED = "patch statefulset/demo/postgres-db"


@dataclass
class Running:
    system: System
    cluster: FakeServer

    def approve(self) -> None:
        """What the run asks for, with its one signature."""
        (asked,) = self.system.until_rows(ASKED, 1)
        told = json.loads(asked["payload"])
        step = told["action"]["step"]
        assert (step["operation"], step["target"]["name"]) == ("RESTART_DEPLOYMENT", "postgres-db")
        key = str(self.system.folder / "state" / "admin.key")
        said = self.system.run("approve", told["approval_id"], "--key", key, "--reason", "seen")
        assert "is APPROVED" in said


@pytest.fixture
def running(fresh_kafka: KafkaPeer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("undo")
    reads, writes = folder / "evidence.kubeconfig", folder / "executor.kubeconfig"
    given = {
        "AWOOOI_KAFKA_BOOTSTRAP_SERVERS": fresh_kafka.bootstrap,
        "AWOOOI_KUBERNETES_CLUSTERS": f"*={reads}",
        "AWOOOI_EXECUTOR_CLUSTERS": f"*={writes}",
    }
    with serving_story(reads) as cluster, fresh(folder, **given, **SETTINGS) as system:
        cluster.kubeconfig(writes)
        system.start()
        yield Running(system, cluster)


@pytest.mark.kafka
def test_what_fails_is_taken_back_and_argued_anew(running: Running) -> None:
    system, cluster = running.system, running.cluster.cluster
    cluster.controllers.ills["demo", "postgres-db"] = partial(
        ready, yes=False
    )  # what is made anew is ill again
    assert "is lifted" in system.run("kill-switch", "off", "--reason", "a test of it")
    system.send("frontend")
    running.approve()
    rows = system.until_rows(DONE, 6)
    told = [json.loads(row["payload"]) for row in rows]

    types = [row["type"].removeprefix("execution.") for row in rows]
    assert types == ["started", "succeeded", "failed", "started", "succeeded", "undone"]
    assert [one["result"] for one in told] == [None, None, "FAILED", None, None, "SUCCEEDED"]
    done, undo = told[2], told[5]
    assert (done["undo_id"], undo["undoes"]) == (undo["action_id"], done["action_id"])
    assert cluster.writes == [PATCHED] * 2
    assert [row["outcome"] for row in system.until_rows(TRUST, 1)] == ["failed"]
    assert [row["outcome"] for row in system.until_rows(DECIDED, 1)] == ["APPROVED"]
    first, second = (json.loads(row["payload"]) for row in system.until_rows(ALLOWED, 2))
    assert (second["signatures"], second["undoes"]) == (first["signatures"], first["action_id"])

    opened, ended, again = (json.loads(row["payload"]) for row in system.until_rows(RUNS, 3)[:3])
    assert [one["reason"] for one in (opened, ended, again)] == [
        "opened",
        "execution_failed",
        "execution_failed",
    ]
    assert "it was taken back: it is as it was before" in ended["detail"]
    assert again["note"]["text"] == ended["detail"]
    items = json.loads(system.until_rows(SEEN, 2)[1]["payload"])["items"]
    assert [item["text"] for item in items if item["kind"] == "note"] == [ended["detail"]]

    assert len(system.until_rows(ASKED, 2)) == 2, "what it comes to is asked for again"
    shown = system.run("incident", "show", rows[0]["incident_id"])
    for word in (
        "RESTART_DEPLOYMENT",
        "failed",
        "ROLLBACK_DEPLOYMENT",
        "the undo",
        "undone",
        "as it was before",
    ):
        assert word in shown
