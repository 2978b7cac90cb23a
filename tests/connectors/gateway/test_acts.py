"""What people do about an incident: whose name it bears, and what is refused."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from connectors.gateway import acting
from connectors.gateway.act_desk import Known
from connectors.gateway.act_kinds import ACTS
from connectors.tokens import revoke_token
from schemas.ids import run_id
from tests.connectors.gateway.desk import (
    DECISIONS,
    FIRST_RUN,
    FOREIGN,
    OPEN,
    RESOLVED,
    SECOND_RUN,
    Desk,
    Office,
    office,
)
from tests.connectors.gateway.support import MemoryLog, raw_answer

UNKNOWN = Known("INC-20260301-ZZZZZZZZZZ", "shop", "", "")


@pytest.fixture
async def gate(tmp_path: Path) -> AsyncIterator[Office]:
    async with office(tmp_path) as running:
        yield running


# -- what is taken


DONE: list[Any] = [
    pytest.param("acknowledge", None, {"note": ""}, id="acknowledge without a word"),
    pytest.param("acknowledge", {"note": "on it"}, {"note": "on it"}, id="acknowledge"),
    pytest.param(
        "assign", {"assignee": "ana@example.org"}, {"assignee": "ana@example.org", "note": ""}, id="assign"
    ),
    pytest.param("assign", {"assignee": ""}, {"assignee": "", "note": ""}, id="assign to nobody"),
    pytest.param("comment", {"text": "was it the ingress?"}, {"text": "was it the ingress?"}, id="comment"),
    pytest.param("cancel", {"reason": "by hand"}, {"reason": "by hand", "run_id": ""}, id="cancel"),
    pytest.param("cancel", {"run": 2}, {"reason": "", "run_id": SECOND_RUN}, id="cancel one run"),
    pytest.param("rerun", {"note": "not memory"}, {"note": "not memory"}, id="rerun"),
    pytest.param(
        "judge",
        {"verdict": "wrong", "cause": "a certificate", "service": "ingress"},
        {"verdict": "wrong", "cause": "a certificate", "service": "ingress"},
        id="judge",
    ),
    pytest.param(
        "close",
        {"reason": "false alarm"},
        {"fingerprint": "ab" * 8, "incident_id": OPEN.incident_id, "reason": "false alarm"},
        id="close",
    ),
]


@pytest.mark.parametrize(("act", "body", "payload"), DONE)
async def test_an_act_is_an_event_in_the_persons_name(
    gate: Office, act: str, body: object, payload: dict[str, Any]
) -> None:
    reply = await gate.ask(act, body)

    (record,), (event,) = gate.log.records, gate.events()
    key = f"shop:{OPEN.fingerprint}" if act == "close" else OPEN.incident_id
    topic = "alerts.normalized" if act == "close" else "incidents"
    assert (reply.status, record.topic, record.key.decode()) == (202, topic, key)
    assert reply.json() == {
        "event_id": event.event_id,
        "type": ACTS[act].event.type_name(),
        "topic": topic,
        "partition": 0,
        "offset": 0,
    }
    assert (event.actor, event.stage, event.project_id) == ("bob", "gateway", "shop")
    assert (event.incident_id, event.sealed) == (OPEN.incident_id, None)
    assert event.payload.model_dump(mode="json") == payload
    assert record.headers["ce_type"].decode() == event.type


async def test_a_judgement_is_of_the_latest_run_unless_another_is_named(gate: Office) -> None:
    await gate.ask("judge", {"verdict": "right"})
    await gate.ask("judge", {"verdict": "wrong", "run": 1})

    latest, named = gate.events()
    assert (latest.run_id, latest.causes) == (SECOND_RUN, (DECISIONS[SECOND_RUN],))
    assert (named.run_id, named.causes) == (FIRST_RUN, (DECISIONS[FIRST_RUN],))


async def test_a_comment_and_a_judgement_make_sense_on_a_closed_incident(gate: Office) -> None:
    gate.desk.runs[RESOLVED.incident_id] = {run_id(RESOLVED.incident_id, 1): DECISIONS[FIRST_RUN]}
    replies = [
        await gate.ask(act, body, RESOLVED)
        for act, body in (("comment", {"text": "it was DNS"}), ("judge", {"verdict": "wrong"}))
    ]

    assert [reply.status for reply in replies] == [202, 202]


async def test_an_incident_too_young_for_the_record_is_waited_for(
    gate: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(acting, "LOOK_EVERY_SECS", 0.01)
    monkeypatch.setattr(acting.Acting, "_is_young", lambda self, day: True)
    gate.desk.appears_after = 3

    assert (await gate.ask("acknowledge")).status == 202


async def test_one_that_never_appears_is_told_to_be_asked_for_again(
    gate: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(acting, "LOOK_EVERY_SECS", 0.01)
    monkeypatch.setattr(acting, "YOUNG_SECS", 0.05)
    monkeypatch.setattr(acting.Acting, "_is_young", lambda self, day: True)

    for known in (UNKNOWN, FOREIGN):
        gate.desk.asked = 0
        reply = await gate.ask("acknowledge", None, known)
        assert (reply.status, reply.headers["retry-after"]) == (404, "2")
        assert "ask again" in reply.json()["detail"]
        assert gate.desk.asked > 1, "of other projects is waited for like one that there is not"


@pytest.mark.parametrize(
    ("now", "day", "young"),
    [
        pytest.param("2026-03-01T12:00:00+00:00", "20260301", True, id="of today"),
        pytest.param("2026-03-01T12:00:00+00:00", "20260228", False, id="of yesterday"),
        pytest.param("2026-03-01T00:00:30+00:00", "20260228", True, id="of yesterday, just now"),
        pytest.param("2026-02-28T23:59:30+00:00", "20260301", True, id="by a clock ahead of ours"),
    ],
)
def test_what_may_have_been_opened_just_now(now: str, day: str, young: bool) -> None:
    millis = round(datetime.fromisoformat(now).timestamp() * 1000)

    assert acting.Acting(Desk(), MemoryLog().publish, 2, lambda: millis)._is_young(day) is young


# -- what is refused


REFUSALS: list[Any] = [
    pytest.param("comment", {}, OPEN, {}, 422, "text: Field required", id="nothing said"),
    pytest.param("comment", {"text": " \n\t "}, OPEN, {}, 422, "is empty", id="blanks"),
    pytest.param("comment", {"text": "x" * 4001}, OPEN, {}, 422, "at most 4000", id="a long comment"),
    pytest.param("comment", {"text": 7}, OPEN, {}, 422, "valid string", id="a number"),
    pytest.param("comment", [], OPEN, {}, 422, "comment takes text", id="a list"),
    pytest.param("comment", b"{", OPEN, {}, 400, "JSON", id="half a body"),
    pytest.param("comment", b'{"text": "\\ud800"}', OPEN, {}, 400, "JSON", id="half a surrogate pair"),
    pytest.param("comment", b'"' + b"x" * 40_000 + b'"', OPEN, {}, 413, "32768", id="a giant"),
    pytest.param("comment", {"text": "x"}, OPEN, {"content_type": "text/plain"}, 415, "json", id="text"),
    pytest.param("assign", {}, OPEN, {}, 422, "assignee", id="assign to whom"),
    pytest.param("assign", {"assignee": "b\u043eb"}, OPEN, {}, 422, "small letters", id="a look-alike"),
    pytest.param("assign", {"assignee": "Bob"}, OPEN, {}, 422, "small letters", id="a capital"),
    pytest.param("judge", {"verdict": "maybe"}, OPEN, {}, 422, "'right' or 'wrong'", id="maybe"),
    pytest.param("judge", {"verdict": "wrong", "service": "a b"}, OPEN, {}, 422, "service", id="no service"),
    pytest.param("judge", {"verdict": "wrong", "run": 3}, OPEN, {}, 409, "run 3", id="a run without a cause"),
    pytest.param("judge", {"verdict": "wrong"}, RESOLVED, {}, 409, "no run of it", id="nothing to judge"),
    pytest.param("cancel", {"run": -1}, OPEN, {}, 422, "run", id="a negative run"),
    pytest.param("cancel", {"run": True}, OPEN, {}, 422, "run", id="a run that is no number"),
    pytest.param("acknowledge", None, UNKNOWN, {}, 404, "no incident", id="unknown"),
    pytest.param("acknowledge", None, FOREIGN, {}, 404, "no incident", id="of another project"),
    pytest.param("approve", None, OPEN, {}, 404, "there are: acknowledge, assign", id="no such act"),
    pytest.param(
        "comment",
        {"text": "x"},
        OPEN,
        {"idempotency_key": "a b"},
        422,
        "Idempotency-Key",
        id="a key with a blank",
    ),
    pytest.param("rerun", None, OPEN, {"idempotency_key": "k" * 201}, 422, "200", id="a long key"),
    *(
        pytest.param(
            act,
            None,
            RESOLVED,
            {},
            409,
            "is RESOLVED; what remains is comment and judge",
            id=f"{act} what is closed",
        )
        for act in ("acknowledge", "cancel", "rerun", "close")
    ),
    *(
        pytest.param(
            "comment", {"text": "x", name: "ana"}, OPEN, {}, 422, "not permitted", id=f"a forged {name}"
        )
        for name in ("person", "actor", "roles", "project_id", "event_id", "sealed")
    ),
]


@pytest.mark.parametrize(("act", "body", "known", "headers", "status", "told"), REFUSALS)
async def test_a_refusal_says_why_and_writes_nothing(
    gate: Office, act: str, body: object, known: Any, headers: dict[str, str], status: int, told: str
) -> None:
    reply = await gate.ask(act, body, known, **headers)

    assert (reply.status, told in reply.json()["detail"]) == (status, True), reply.body
    assert reply.headers["content-type"] == "application/problem+json"
    assert gate.log.records == []


async def test_a_name_that_a_caller_makes_up_is_not_repeated(gate: Office) -> None:
    reply = await gate.ask("comment", {"text": "x", "<script>": 1})

    assert (reply.status, b"script" in reply.body) == (422, False)


async def test_a_giant_is_refused_by_its_head(tmp_path: Path) -> None:
    async with office(tmp_path, body_timeout_secs=1) as gate:
        head = f"POST /api/v1/incidents/{OPEN.incident_id}/comment HTTP/1.1\r\nHost: x\r\n"
        head += f"Authorization: Bearer {gate.token('operator')}\r\nContent-Length: 40000\r\n\r\n"
        answer = await raw_answer(int(gate.url.rpartition(":")[2]), head.encode())

    assert answer.startswith(b"HTTP/1.1 413")
    assert b"connection: close" in answer.lower()


async def test_an_id_that_is_none_is_told_how_one_looks(gate: Office) -> None:
    for wrong in ("INC-1", "inc-20260301-0000000001", "INC-20260301-0000000001'--"):
        reply = await gate.ask("acknowledge", None, Known(wrong, "", "", ""))
        assert (reply.status, gate.desk.asked) == (404, 0), "and the record is not asked for it"


async def test_another_projects_incident_reads_as_one_that_is_not_there(gate: Office) -> None:
    foreign, unknown = [await gate.ask("acknowledge", None, known) for known in (FOREIGN, UNKNOWN)]

    assert foreign.status == 404
    assert foreign.body == unknown.body.replace(b"ZZZZZZZZZZ", b"0000000003")


ROLES = [
    pytest.param(act, role, role in ACTS[act].roles, id=f"{role} {act}")
    for act in ACTS
    for role in ("viewer", "operator", "approver", "admin")
]


@pytest.mark.parametrize(("act", "role", "allowed"), ROLES)
async def test_roles(gate: Office, act: str, role: str, allowed: bool) -> None:
    reply = await gate.ask(act, ACTS[act].example, token=gate.token(role))

    assert reply.status == (202 if allowed else 403)
    if not allowed:
        assert (
            f"needs the role {' or '.join(ACTS[act].roles)}; this token has {role}" in reply.json()["detail"]
        )
    assert len(gate.log.records) == allowed


def test_a_viewer_only_looks() -> None:
    assert not any("viewer" in act.roles for act in ACTS.values())


async def test_no_other_token_acts_as_a_person(gate: Office) -> None:
    token_id, secret = gate.token("operator").split("_", 2)[1:]
    wrong = {
        "none": "",
        "a webhook's": f"Bearer {gate.webhook_token}",
        "a person's under the webhooks' sign": f"Bearer awt_{token_id}_{secret}",
        "a webhook's under the persons' sign": f"Bearer {gate.webhook_token.replace('awt_', 'awp_')}",
        "another secret": f"Bearer awp_{token_id}_{secret[:-1]}-",
        "another scheme": f"Basic {gate.token('operator')}",
    }
    for what, authorization in wrong.items():
        reply = await gate.ask("acknowledge", authorization=authorization)
        told = reply.json()
        assert (reply.status, "a person's own token" in told["detail"]) == (401, True), what
        assert reply.headers["www-authenticate"] == "Bearer"
    assert gate.log.records == []


async def test_a_persons_token_brings_no_alerts(gate: Office) -> None:
    headers = {"authorization": f"Bearer {gate.token('admin')}", "content-type": "application/json"}
    reply = await gate.http.post(f"{gate.url}/api/v1/webhooks/alertmanager", b"{}", headers)

    assert (reply.status, gate.log.records) == (401, [])


async def test_a_revoked_token_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.tokens._CHECK_SECS", 0)
    async with office(tmp_path) as gate:
        revoke_token(gate.tokens_file, gate.token("operator").split("_")[1])

        assert (await gate.ask("acknowledge")).status == 401


async def test_a_get_acts_on_nothing(gate: Office) -> None:
    url = f"{gate.url}/api/v1/incidents/{OPEN.incident_id}/close"
    reply = await gate.http.get(url, {"authorization": f"Bearer {gate.token('admin')}"})

    assert (reply.status, gate.log.records) == (405, [])
