"""Every command with wrong input: one clear line, the right exit status, never a traceback."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

WRONG_USAGE, FAILED = 2, 1
ALERT = {
    "version": "4",
    "status": "firing",
    "groupKey": "g",
    "alerts": [
        {
            "status": "firing",
            "labels": {"alertname": "PodDown", "severity": "critical", "namespace": "shop", "pod": "cart-1"},
            "annotations": {"summary": "memory at 91%"},
            "startsAt": "2026-01-01T00:00:00Z",
        }
    ],
}


def awoooi(folder: Path, *words: str, stdin: str = "", **env: str) -> subprocess.CompletedProcess[str]:
    clean = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "PYTHONPATH": str(Path(__file__).parents[2])}
    return subprocess.run(
        [sys.executable, "-m", "awoooi", *words],
        cwd=folder,
        env={**clean, "AWOOOI_STATE_DIR": str(folder / "state"), **env},
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


# Nothing answers on port 1.
AWAY = {
    "AWOOOI_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
    "AWOOOI_CLICKHOUSE_URL": "http://127.0.0.1:1",
    "AWOOOI_KAFKA_REQUEST_TIMEOUT_SECS": "1",
    "AWOOOI_GATEWAY_PORT": "1",  # where no `awoooi up` of this machine listens
    "AWOOOI_HEALTH_INGEST_PORT": "1",
    "AWOOOI_HEALTH_SINK_PORT": "1",
}
WRONG = {
    "no such command": (["explode"], {}, WRONG_USAGE, "explode"),
    "no such option": (["up", "--forever"], {}, WRONG_USAGE, "--forever"),
    "a negative time": (["up", "--for", "-1"], {}, WRONG_USAGE, "--for"),
    "a wrong setting": (["config"], {"AWOOOI_LOG_LEVEL": "loud"}, FAILED, "AWOOOI_LOG_LEVEL"),
    "an unknown setting": (["up"], {"AWOOOI_PORT": "1"}, FAILED, "AWOOOI_PORT"),
    "no such worker": (["worker", "baker"], {}, FAILED, "there are: ingest, rca, policy, execution, all"),
    "a worker of later": (["worker", "notify"], {}, FAILED, "later version"),
    "no such source": (["gateway"], {"AWOOOI_SOURCES": "carrier-pigeon"}, FAILED, "carrier-pigeon"),
    "a store without passwords": (["store"], {}, FAILED, "awoooi init"),
    "a gateway without tokens": (["gateway"], {}, FAILED, "tokens.json"),
    "topics without a broker": (["topics", "apply"], AWAY, FAILED, "127.0.0.1:1"),
    "tables without ClickHouse": (["clickhouse", "migrate"], AWAY, FAILED, "127.0.0.1"),
    "incidents without ClickHouse": (["incidents"], AWAY, FAILED, "127.0.0.1"),
    "incidents in no state": (["incidents", "--status", "odd"], {}, WRONG_USAGE, "waiting_approval"),
    "a query without ClickHouse": (["query", "SELECT 1"], AWAY, FAILED, "127.0.0.1"),
    "a query in no form": (["query", "SELECT 1", "--format", "xml"], {}, WRONG_USAGE, "xml"),
    "a replay without a broker": (["replay", "rejected"], AWAY, FAILED, "127.0.0.1:1"),
    "a replay since never": (["replay", "rejected", "--since", "soon"], {}, FAILED, "90m"),
    "a token for no project": (["tokens", "new", "x", "--project", "NO!"], {}, FAILED, "project"),
    "a token that is none": (["tokens", "revoke", "abc"], {}, FAILED, "tokens"),
    "a file that is not there": (["try", "no-such.json"], {}, FAILED, "no-such.json"),
    "a payload of no source": (["try", "-"], {}, FAILED, "fits no source"),
    "a source that is none": (["try", "-", "--source", "pigeon"], {}, FAILED, "alertmanager"),
    "a demo beside nothing": (["demo", "--attach"], {}, FAILED, "no `awoooi up` runs"),
}


@pytest.mark.parametrize(("words", "env", "status", "says"), WRONG.values(), ids=WRONG.keys())
def test_wrong_input_is_told_in_plain_words(
    tmp_path: Path, words: list[str], env: dict[str, str], status: int, says: str
) -> None:
    ended = awoooi(tmp_path, *words, stdin="{}", **env)

    assert (ended.returncode, says in ended.stderr) == (status, True), ended.stderr
    assert "Traceback" not in ended.stderr + ended.stdout


def test_doctor_tells_everything_that_is_missing(tmp_path: Path) -> None:
    ended = awoooi(tmp_path, "doctor", "--json", **AWAY)

    findings = json.loads(ended.stdout)
    wrong = {finding["part"] for finding in findings if finding["verdict"] == "wrong"}
    assert ended.returncode == FAILED
    assert wrong >= {"state folder", "tokens", "topics", "clickhouse", "reader", "gateway", "worker", "sink"}
    assert all(finding["todo"] for finding in findings if finding["verdict"] == "wrong")


def test_config_hides_secrets(tmp_path: Path) -> None:
    secret = "correct-horse-battery-staple"

    table = awoooi(tmp_path, "config", AWOOOI_CLICKHOUSE_PASSWORD=secret)
    listed = awoooi(tmp_path, "config", "--json", AWOOOI_CLICKHOUSE_PASSWORD=secret)

    assert secret not in table.stdout + listed.stdout
    password = next(row for row in json.loads(listed.stdout) if row["setting"] == "clickhouse.password")
    assert (password["value"], password["from"]) == ("********", "environment")


def test_try_shows_what_a_payload_becomes(tmp_path: Path) -> None:
    text = json.dumps(ALERT)

    listed = awoooi(tmp_path, "try", "-", "--json", stdin=text)
    table = awoooi(tmp_path, "try", "-", stdin=text)

    (alert,) = [json.loads(line) for line in listed.stdout.splitlines()]
    assert (alert["alert_type"], alert["severity"], alert["metrics"]) == (
        "PodDown",
        "critical",
        {"memory_percent": 91.0},
    )
    assert "labels.pod" in table.stdout


def test_tokens_are_made_listed_and_revoked(tmp_path: Path) -> None:
    made = awoooi(tmp_path, "tokens", "new", "ops", "--project", "team-a", "--sources", "grafana")
    shown = made.stdout.splitlines()[-1]

    awoooi(tmp_path, "tokens", "revoke", shown.split("_")[1])
    listed = awoooi(tmp_path, "tokens", "list", "--json")

    (entry,) = json.loads(listed.stdout)
    assert (entry["project"], entry["sources"], bool(entry["revoked"])) == ("team-a", ["grafana"], True)
    assert shown.split("_", 2)[2] not in listed.stdout
    assert "sha256" not in listed.stdout


def test_init_twice(tmp_path: Path) -> None:
    first, second = awoooi(tmp_path, "init"), awoooi(tmp_path, "init")

    assert "awt_" in first.stdout
    assert "nothing was changed" in second.stdout
    assert "awt_" not in second.stdout
