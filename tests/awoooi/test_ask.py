"""`awoooi ask` and `awoooi playbooks`: the panel and the rule engine on one payload, with no broker."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from awoooi import playbook_commands
from awoooi.ask import ask
from awoooi.loading import load
from awoooi.settings import Settings
from schemas.errors import BadPayload, Misconfigured


def payload(status: str = "firing", **labels: str) -> str:
    alert = {
        "status": status,
        "labels": {"alertname": "HighErrorRate", "severity": "critical", "namespace": "shop", **labels},
        "annotations": {"summary": "12% of requests fail"},
        "startsAt": "2026-03-01T10:15:30Z",
    }
    return json.dumps({"version": "4", "status": status, "groupKey": "g", "alerts": [alert]})


TOPOLOGY = """
services:
  edge: {kind: ingress, depends_on: [checkout]}
  checkout: {namespace: shop, depends_on: [orders-db]}
  orders-db: {kind: database, health: unhealthy}
"""


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "alert.json").write_text(payload(deployment="checkout"))
    (tmp_path / "topology.yaml").write_text(TOPOLOGY)
    return load({"AWOOOI_STATE_DIR": str(tmp_path)}).settings


def argued(settings: Settings, capsys: pytest.CaptureFixture[str], topology: str = "") -> dict:
    status = ask(settings, "alert.json", topology=topology, rules=True, as_json=True)
    assert status == 0
    return json.loads(capsys.readouterr().out)


def test_the_argument_is_printed(settings, capsys):
    assert ask(settings, "alert.json", topology="", rules=True, as_json=False) == 0
    text = capsys.readouterr().out

    assert text.startswith("What happened: HighErrorRate, critical")
    assert "Coordinator: ABSTAIN" in text
    assert "missing [kubernetes] not asked by this command" in text


def test_with_no_model_the_package_is_degraded_and_demands_a_person(settings, capsys):
    package = argued(settings, capsys)

    assert package["all_agents_degraded"]
    assert package["requires_human_approval"]
    assert package["hypothesis"]["playbook"] == "high-error-rate"
    assert package["hypothesis"]["evidence"] == ["E1"]


def test_a_topology_names_the_dependency_that_is_ill(settings, capsys):
    package = argued(settings, capsys, "topology.yaml")

    assert package["hypothesis"]["service"] == "orders-db"
    assert package["brief"]["surroundings"]["upstream"][0]["service"] == "edge"


def test_nothing_that_fires_is_nothing_to_argue_about(settings, tmp_path):
    (tmp_path / "alert.json").write_text(payload("resolved", deployment="checkout"))
    with pytest.raises(BadPayload, match="nothing in it fires"):
        ask(settings, "alert.json", topology="", rules=True, as_json=False)


def test_what_is_rejected_is_told_and_is_the_exit_status(settings, tmp_path, capsys):
    (tmp_path / "alert.json").write_text('{"a": 1}')

    assert ask(settings, "alert.json", topology="", rules=True, as_json=False) == 1
    assert "rejected" in capsys.readouterr().err


def test_a_wrong_topology_is_told(settings, tmp_path):
    (tmp_path / "topology.yaml").write_text("- a")
    with pytest.raises(Misconfigured, match=r"topology\.yaml"):
        ask(settings, "alert.json", topology="topology.yaml", rules=True, as_json=False)


# -- playbooks


def test_all_playbooks_are_listed(settings, capsys):
    playbook_commands.show(settings, as_json=False)
    assert "container-crash-loop" in capsys.readouterr().out
    playbook_commands.show(settings, as_json=True)
    names = [json.loads(line)["name"] for line in capsys.readouterr().out.splitlines()]

    assert len(names) >= 25


OWN = """
name: stuck
title: A stuck thing
family: stuck
match: {alert_types: [stuck]}
hypotheses: [{cause: "it is stuck", confidence: 0.5}]
actions:
  - operation: RUN_COMMAND
    parameters: {name: unstick}
    runs: ["RUNS"]
    description: "Unstick it"
    expected_effect: "It moves"
    risk: HIGH
"""


@pytest.mark.parametrize(("runs", "status"), [("true", 0), ("rm -rf /", 1)])
def test_check_reads_more_files_and_holds_their_texts_against_the_hard_rules(
    runs, status, settings, tmp_path, capsys
):
    (tmp_path / "own.yaml").write_text(OWN.replace("RUNS", runs))

    assert playbook_commands.check(settings, ["own.yaml"]) == status
    assert ("own.yaml: stuck:" in capsys.readouterr().err) == bool(status)


def test_check_tells_file_and_line(settings, tmp_path):
    (tmp_path / "own.yaml").write_text(OWN.replace("family: stuck", "family: STUCK"))
    with pytest.raises(Misconfigured, match=r"own\.yaml:4: family"):
        playbook_commands.check(settings, ["own.yaml"])


def test_test_says_what_matches_is_believed_and_offered(settings, capsys):
    assert playbook_commands.test(settings, "alert.json", as_json=False) == 0
    text = capsys.readouterr().out
    assert "high-error-rate (by the alert's type)" in text
    assert "RESTART_DEPLOYMENT deployment checkout" in text

    assert playbook_commands.test(settings, "alert.json", as_json=True) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["hypotheses"][0]["playbook"] == "high-error-rate"
