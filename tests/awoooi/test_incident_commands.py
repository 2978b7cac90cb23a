"""`awoooi incident`: the same acts as over the API, asked for and told on a terminal."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from pydantic import SecretStr
from typer.testing import CliRunner

from awoooi import api_client, incident_commands
from awoooi.cli import app
from awoooi.settings import ApiSettings
from connectors.http import Reply
from schemas.errors import BrokerAway, Misconfigured
from schemas.ids import run_id
from tests.connectors.gateway.desk import FOREIGN, OPEN, RESOLVED, Office, office


@dataclass
class Terminal:
    gate: Office

    async def run(self, *words: str, said: str = "") -> Result:
        return await asyncio.to_thread(CliRunner().invoke, app, ["incident", *words], input=said)


@pytest.fixture
async def terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Terminal]:
    monkeypatch.chdir(tmp_path)
    async with office(tmp_path) as gate:
        (tmp_path / "bob.token").write_text(gate.token("operator") + "\n")
        monkeypatch.setenv("AWOOOI_API_URL", gate.url)
        monkeypatch.setenv("AWOOOI_API_TOKEN_FILE", str(tmp_path / "bob.token"))
        yield Terminal(gate)


ACTS: list[Any] = [
    pytest.param(["acknowledge", OPEN.incident_id, "--note", "on it"], {"note": "on it"}, id="acknowledge"),
    pytest.param(["assign", OPEN.incident_id, "ana"], {"assignee": "ana", "note": ""}, id="assign"),
    pytest.param(
        ["assign", OPEN.incident_id, "--nobody"], {"assignee": "", "note": ""}, id="assign to nobody"
    ),
    pytest.param(["comment", OPEN.incident_id, "it was DNS"], {"text": "it was DNS"}, id="comment"),
    pytest.param(
        ["cancel", OPEN.incident_id, "--run", "2"],
        {"reason": "", "run_id": run_id(OPEN.incident_id, 2)},
        id="cancel",
    ),
    pytest.param(["rerun", OPEN.incident_id, "--note", "not memory"], {"note": "not memory"}, id="rerun"),
    pytest.param(
        ["judge", OPEN.incident_id, "wrong", "--cause", "a certificate", "--service", "ingress"],
        {"verdict": "wrong", "cause": "a certificate", "service": "ingress"},
        id="judge",
    ),
    pytest.param(
        ["close", OPEN.incident_id, "--reason", "false alarm"],
        {"fingerprint": OPEN.fingerprint, "incident_id": OPEN.incident_id, "reason": "false alarm"},
        id="close",
    ),
]


@pytest.mark.parametrize(("words", "payload"), ACTS)
async def test_an_act(terminal: Terminal, words: list[str], payload: dict[str, Any]) -> None:
    result = await terminal.run(*words)

    (event,) = terminal.gate.events()
    assert (result.exit_code, event.actor) == (0, "bob"), result.output
    assert event.payload.model_dump(mode="json") == payload
    assert f"Recorded: {event.type} on {OPEN.incident_id}" in result.output


async def test_words_from_standard_input(terminal: Terminal) -> None:
    await terminal.run("comment", OPEN.incident_id, "-", said="two\nlines\n")

    assert terminal.gate.events()[0].payload.text == "two\nlines"


REFUSED: list[Any] = [
    pytest.param(["close", RESOLVED.incident_id], 1, "is RESOLVED", id="closed"),
    pytest.param(["close", FOREIGN.incident_id], 1, "no incident", id="of another project"),
    pytest.param(["comment", OPEN.incident_id, " "], 1, "is empty", id="nothing said"),
    pytest.param(["assign", OPEN.incident_id], 2, "--nobody", id="assign to whom"),
    pytest.param(["assign", OPEN.incident_id, "ana", "--nobody"], 2, "--nobody", id="both"),
    pytest.param(["judge", OPEN.incident_id, "maybe"], 2, "maybe", id="no verdict"),
    pytest.param(["judge", OPEN.incident_id, "wrong", "--run", "9"], 1, "run 9", id="no such run"),
]


@pytest.mark.parametrize(("words", "status", "told"), REFUSED)
async def test_a_refusal(terminal: Terminal, words: list[str], status: int, told: str) -> None:
    result = await terminal.run(*words)

    assert (result.exit_code, told in result.output) == (status, True), result.output
    assert terminal.gate.log.records == []


@pytest.mark.parametrize("wrong", ["INC-1", "INC-20260301-0000000001/../x", "x"])
async def test_what_is_no_incident_is_not_asked_for(terminal: Terminal, wrong: str) -> None:
    result = await terminal.run("close", wrong)

    assert isinstance(result.exception, Misconfigured)
    assert "one looks like INC-" in str(result.exception)


async def test_a_token_that_is_none_is_told_where_it_stands(
    terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bob.token").write_text(terminal.gate.webhook_token)
    refused = await terminal.run("close", OPEN.incident_id)
    assert refused.exit_code == 1
    assert f"The token is that of {tmp_path / 'bob.token'}" in refused.output
    assert terminal.gate.webhook_token.split("_", 2)[2] not in refused.output

    monkeypatch.setenv("AWOOOI_API_TOKEN_FILE", str(tmp_path / "none"))
    missing = await terminal.run("close", OPEN.incident_id)
    assert "does not exist: `awoooi init` makes admin.token" in str(missing.exception)


async def test_what_passes_is_waited_out_under_one_key(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = terminal.gate
    gate.log.failure = BrokerAway("no Kafka")
    asked = []

    def seen(reply: Any) -> float | None:
        asked.append(reply.status)
        gate.log.failure = None if len(asked) > 1 else gate.log.failure
        return 0.0 if reply.status == 503 else None

    monkeypatch.setattr(api_client, "wait", seen)
    result = await terminal.run("comment", OPEN.incident_id, "once")

    assert (result.exit_code, asked) == (0, [503, 503, 202])
    assert gate.desk.looked_for == [event.event_id for event in gate.events()] * 3


async def test_a_gateway_that_is_away_is_named(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWOOOI_API_URL", "http://127.0.0.1:9")
    result = await terminal.run("close", OPEN.incident_id)

    assert "is `awoooi gateway` running? AWOOOI_API_URL says where" in str(result.exception)


@pytest.mark.parametrize(
    ("status", "after", "wait"),
    [(503, "2", 2.0), (503, "30", None), (503, "", None), (503, "soon", None), (404, "2", None)],
)
def test_how_long_it_waits(status: int, after: str, wait: float | None) -> None:
    assert api_client.wait(Reply(status, {"retry-after": after}, b"")) == wait


@pytest.mark.parametrize("body", [b"[]", b"{}"], ids=["a list", "something else"])
def test_another_server_is_no_gateway(body: bytes) -> None:
    api = ApiSettings(url="http://elsewhere", token=SecretStr("x"))

    with pytest.raises(Misconfigured, match="not as a gateway: AWOOOI_API_URL"):
        incident_commands._tell("close", OPEN.incident_id, Reply(200, {}, body), api)


# -- show
