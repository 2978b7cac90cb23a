"""What the doctor says of what may be run by name; and the agents' own risk for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from awoooi.check_actions import actions
from awoooi.findings import Finding, Verdict
from awoooi.loading import load
from awoooi.rca import named_of
from schemas.errors import Misconfigured
from streams.policy.policy import SHIPPED
from tests.connectors.executors.lamps import Lamp, lamp_server
from tests.peers import free_port

FILE = """
allow_root: true
hosts: [127.0.0.1]
commands:
  turn-on: {{description: Turns the lamp on, program: {folder}/turn, risk: MEDIUM, reason: it harms nobody}}
calls:
  purge: {{description: Purges all zones, url: "{url}/purge"}}
"""


async def examined(
    folder: Path, monkeypatch: pytest.MonkeyPatch, text: str, policy: str = "", **more: str
) -> list[Finding]:
    """The policy in force is the shipped one, with this in place of its line for commands."""

    async def in_force(_: object) -> str:
        return SHIPPED.read_text().replace("RUN_COMMAND: {risk: HIGH}", policy or "RUN_COMMAND: {risk: HIGH}")

    monkeypatch.setattr("awoooi.policy_commands.in_force", in_force)
    (folder / "actions.yaml").write_text(text)
    given = {"AWOOOI_STATE_DIR": str(folder), "AWOOOI_ACTIONS_FILE": str(folder / "actions.yaml"), **more}
    return await actions(load(given))


async def test_what_policy_does_not_name_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Lamp(tmp_path)
    named = "RUN_COMMAND: {risk: HIGH, named: {turn-on: {risk: MEDIUM, reason: it harms nobody}}}"
    with lamp_server() as lamp:
        text = FILE.format(folder=tmp_path, url=lamp.url)
        first, *without = await examined(tmp_path, monkeypatch, text)
        _, *with_it = await examined(tmp_path, monkeypatch, text, named)

    assert (first.verdict, first.what.partition(";")[0]) == (
        Verdict.OK,
        "1 commands, 1 calls may be run by name",
    )
    assert [one.what.partition(":")[0] for one in without] == ["RUN_COMMAND turn-on", "CALL_HTTP purge"]
    assert [one.what.partition(":")[0] for one in with_it] == ["CALL_HTTP purge"]
    assert {one.verdict for one in without} == {Verdict.WARNING}


async def test_a_host_that_nobody_reaches_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Lamp(tmp_path)
    text = FILE.format(folder=tmp_path, url=f"http://127.0.0.1:{free_port()}")

    found = await examined(tmp_path, monkeypatch, text)

    assert "is not reached" in found[-1].what


async def test_what_would_stop_the_start_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = FILE.format(folder=tmp_path, url="http://127.0.0.1")

    (missing,) = await examined(tmp_path, monkeypatch, text)
    (line, _) = await examined(tmp_path, monkeypatch, "commands: {x: {}}")
    (mapped,) = await examined(tmp_path, monkeypatch, "hosts: []", AWOOOI_EXECUTORS="RUN_COMMAND=command")

    assert {one.verdict for one in (missing, line, mapped)} == {Verdict.WRONG}
    assert "turn cannot be run: No such file" in missing.what
    assert "actions.yaml:1: commands.x.description: it is missing" in line.what
    assert "the executor command does not carry out RUN_COMMAND" in mapped.what


def test_a_file_that_is_none_stops_the_start(tmp_path: Path) -> None:
    settings = load({"AWOOOI_ACTIONS_FILE": str(tmp_path / "none.yaml")}).settings

    with pytest.raises(Misconfigured, match=r"none\.yaml cannot be read"):
        named_of(settings)
