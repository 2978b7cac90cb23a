"""`awoooi silence`, `maintenance`, `freeze`: what is typed, asked for and told."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from awoooi.cli import app
from awoooi.silence_commands import in_words, matcher
from schemas.errors import Misconfigured
from tests.awoooi.test_silence_desk import INCIDENT, House, house

__all__ = ["house"]


@pytest.fixture
def run(house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    (tmp_path / "otto.token").write_text(house.tokens["otto"])
    monkeypatch.setenv("AWOOOI_API_URL", house.url)
    monkeypatch.setenv("AWOOOI_API_TOKEN_FILE", str(tmp_path / "otto.token"))

    async def invoke(*words: str, said: str = "") -> Result:
        return await asyncio.to_thread(CliRunner().invoke, app, [*words], input=said)

    return invoke


@pytest.mark.parametrize(
    ("told", "name", "value", "regex", "negated"),
    [
        ("namespace=shop", "namespace", "shop", False, False),
        ("pod=~api-.*", "pod", "api-.*", True, False),
        ("severity!=critical", "severity", "critical", False, True),
        ("team!~web|mobile", "team", "web|mobile", True, True),
        (' team = "a b" ', "team", "a b", False, False),
        ("team=", "team", "", False, False),
        ("url=a=b", "url", "a=b", False, False),
    ],
)
def test_a_matcher(told: str, name: str, value: str, regex: bool, negated: bool) -> None:
    found = matcher(told)
    assert found == {"name": name, "value": value, "regex": regex, "negated": negated}
    assert matcher(in_words(found)) == found


@pytest.mark.parametrize("told", ["namespace", "=shop", "", "a b=c"])
def test_what_is_no_matcher(told: str) -> None:
    with pytest.raises(Misconfigured, match="one looks like namespace=shop"):
        matcher(told)


async def test_set_listed_and_ended(run: Any, house: House) -> None:
    words = ["--match", "namespace=shop", "--match", "pod=~api-.*", "--for", "2h", "a disk"]
    made = await run("silence", "new", *words)

    assert made.exit_code == 0, made.output
    [event] = house.written()
    name = event.payload.id
    assert f"The silence {name} is active, until" in made.output
    assert "namespace=shop, pod=~api-.*" in made.output
    listed = await run("silence", "list")
    assert f"{name}  silence  active  shop     namespace=shop, pod=~api-.*" in listed.output
    assert json.loads((await run("freeze", "list", "--json")).output)["items"][0]["id"] == name
    ended = await run("silence", "end", name)
    assert (ended.exit_code, ended.output) == (0, f"The silence {name} is over.\n")
    assert name not in (await run("silence", "list")).output
    assert name in (await run("silence", "list", "--expired")).output


async def test_a_freeze_over_everything_until_a_day(run: Any, house: House) -> None:
    made = await run("freeze", "new", "--everything", "--for", "3d", "-", said="the sale\n")

    assert made.exit_code == 0, made.output
    [event] = house.written()
    assert (event.payload.kind, event.payload.everything, event.payload.comment) == (
        "freeze",
        True,
        "the sale",
    )
    assert "everything" in made.output


async def test_a_window_that_begins_later(run: Any, house: House) -> None:
    made = await run("maintenance", "new", "--match", "namespace=shop", "--until", "2000-01-01", "moving")
    assert (made.exit_code, made.output) == (1, "Refused: ends_at: it lies in the past (422).\n")


async def test_an_incident_is_kept_quiet(run: Any, house: House) -> None:
    made = await run("silence", "new", "--incident", INCIDENT, "--for", "1h", "known")
    assert made.exit_code == 0, made.output
    assert "alertname=" in made.output


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["silence", "new", "--match", "a=b", "why"], "either --for 2h or --until"),
        (["silence", "new", "--incident", "INC-1", "--for", "1h", "why"], "is no incident's id"),
    ],
)
async def test_what_is_said_wrong_is_not_asked_for(run: Any, words: list[str], says: str) -> None:
    result = await run(*words)
    assert isinstance(result.exception, Misconfigured)
    assert says in str(result.exception)


async def test_what_the_gateway_refuses_is_told(run: Any) -> None:
    refused = await run("silence", "new", "--for", "31d", "--match", "a=b", "why")
    assert (refused.exit_code, refused.output) == (1, "Refused: a silence lasts at most 30 days (422).\n")
