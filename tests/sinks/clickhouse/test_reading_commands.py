"""What the console shows, on a terminal, from a real record."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from awoooi.cli import app
from tests.sinks.clickhouse.reading_story import ASKED, DONE, SPURNED, approval_of, prepare, run_of
from tests.sinks.clickhouse_peer import ClickHousePeer


@pytest.fixture(scope="module")
def told(empty_store: ClickHousePeer) -> ClickHousePeer:
    asyncio.run(prepare(empty_store))
    return empty_store


@pytest.fixture
def terminal(told: ClickHousePeer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    user, password = told.reader or told.writer
    given = {
        "STATE_DIR": str(tmp_path),
        "CLICKHOUSE_URL": told.url,
        "CLICKHOUSE_DATABASE": told.database,
        "CLICKHOUSE_READER_USER": user,
        "CLICKHOUSE_READER_PASSWORD": password,
    }
    for name, value in given.items():
        monkeypatch.setenv(f"AWOOOI_{name}", value)
    monkeypatch.chdir(tmp_path)
    return CliRunner()


def run(terminal: CliRunner, *words: str) -> Result:
    return terminal.invoke(app, list(words))


def shown(terminal: CliRunner, *words: str) -> Any:
    ended = run(terminal, *words, "--json")
    assert ended.exit_code == 0, ended.output
    return json.loads(ended.stdout)


def test_runs_are_listed_newest_first(terminal: CliRunner) -> None:
    table = run(terminal, "runs", "--project", "shop").stdout.splitlines()

    assert [line.split()[1] for line in table] == ["state", "cancelled", "waiting_approval", "succeeded"]
    assert "rejected" in table[1]
    assert SPURNED in table[1]


def test_runs_are_filtered_as_over_the_api(terminal: CliRunner) -> None:
    found = shown(terminal, "runs", "--state", "succeeded", "--incident", DONE)

    assert [one["run_id"] for one in found] == [run_of(DONE)]
    assert run(terminal, "runs", "--state", "queued").stdout == "No such runs.\n"


def test_more_runs_than_fit_are_told(terminal: CliRunner) -> None:
    assert "3 more; --page-size shows up to 200" in run(terminal, "runs", "--page-size", "1").stdout


@pytest.mark.parametrize("named", [run_of(DONE), DONE], ids=["a run", "an incident"])
def test_a_timeline_is_told_in_its_order(terminal: CliRunner, named: str) -> None:
    items = shown(terminal, "timeline", named)
    table = run(terminal, "timeline", named).stdout

    titles = [item["title"] for item in items]
    assert titles.index("Run began") < titles.index("Signature counted") < titles.index("Run ended")
    assert "Approval card" in table
    assert "bob: seen" in table


def test_what_waits_is_listed_and_what_was_decided(terminal: CliRunner) -> None:
    waits = run(terminal, "approvals", "--project", "shop").stdout
    decided = shown(terminal, "approvals", "--decided")

    assert approval_of(ASKED) in waits
    assert "1 of 2  bob" in waits
    assert [card["state"] for card in decided] == ["REJECTED", "APPROVED"]


def test_an_incident_is_shown_with_what_people_did(terminal: CliRunner) -> None:
    told = run(terminal, "incident", "show", DONE).stdout
    as_json = shown(terminal, "incident", "show", DONE)

    assert "It is carol's." in told
    assert "bob  acknowledge  looking" in told
    assert "SET_RESOURCES on shop/deployment/checkout" in told
    assert [act["act"] for act in as_json["acts"]] == ["acknowledge", "assign"]


def test_an_argument_is_explained(terminal: CliRunner) -> None:
    told = run(terminal, "explain", DONE)

    assert told.exit_code == 0, told.output
    assert "recommended: A1 SET_RESOURCES deployment checkout" in told.stdout


REFUSED = {
    "no such state": (["runs", "--state", "done"], "'waiting_approval'"),
    "no incident": (["runs", "--incident", "INC"], "incident_id"),
    "a timeline of nothing": (["timeline", "abc"], "neither a run's id nor an incident's"),
    "a run that is not there": (["timeline", "1a2b3c4d-0000-5000-8000-00000000ffff"], "the record has no"),
    "an incident that is not there": (["incident", "show", "INC-20260301-NOWHERE000"], "the record has no"),
}


@pytest.mark.parametrize(("words", "says"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_shown_is_told_why(terminal: CliRunner, words: list[str], says: str) -> None:
    ended = run(terminal, *words)

    assert ended.exit_code == 1
    assert says in str(ended.exception)
