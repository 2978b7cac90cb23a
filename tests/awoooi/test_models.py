"""The panel out of the settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from agents.models.config import Asking
from agents.models.model import NoModel, NoPanel, Question, Reply
from awoooi.loading import load
from awoooi.models import panel_of
from awoooi.settings import Settings
from schemas.errors import Misconfigured
from schemas.turn import Agent
from tests.peers import free_port


class Said(Reply):
    cause: str


@pytest.fixture
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    monkeypatch.chdir(tmp_path)
    return {"AWOOOI_STATE_DIR": str(tmp_path / "state"), "AWOOOI_OLLAMA_URL": _nowhere()}


def _nowhere() -> str:
    return f"http://127.0.0.1:{free_port()}"


def settings_of(environment: dict[str, str]) -> Settings:
    return load(environment).settings


async def failures(settings: Settings) -> tuple[str, ...]:
    panel = panel_of(settings)
    question = Question(Agent.CRITIC, "system", "what is it?", Said, 5.0)
    try:
        with pytest.raises(NoModel) as caught:
            await panel.ask(question)
    finally:
        await panel.close()
    return caught.value.usage.failures


async def test_a_machine_without_models_starts_and_is_quick(base: dict[str, str]) -> None:
    (told,) = await failures(settings_of(base))

    assert told.startswith("ollama: ")
    assert "does not answer" in told


async def test_who_has_a_key_is_asked_in_order(base: dict[str, str]) -> None:
    given = {
        "AWOOOI_MODELS_ORDER": "claude,openai,ollama,gemini",
        "AWOOOI_CLAUDE_KEY": "sk-1",
        "AWOOOI_CLAUDE_URL": _nowhere(),
        "AWOOOI_OPENAI_URL": _nowhere(),
        "AWOOOI_OPENAI_MODEL": "m",
    }

    told = await failures(settings_of({**base, **given}))

    assert [failure.split(":")[0] for failure in told] == ["claude", "openai", "ollama"]


def test_nobody_to_ask_is_no_panel(base: dict[str, str]) -> None:
    assert isinstance(panel_of(settings_of({**base, "AWOOOI_OLLAMA_MODE": "OFF"})), NoPanel)


def test_an_unknown_provider_is_told_with_those_that_there_are(base: dict[str, str]) -> None:
    with pytest.raises(Misconfigured, match="clod: no such provider; installed are claude, gemini"):
        panel_of(settings_of({**base, "AWOOOI_MODELS_ORDER": "clod"}))


def test_a_cloud_model_without_a_price_stops_the_start(base: dict[str, str]) -> None:
    given = {**base, "AWOOOI_CLAUDE_KEY": "sk-1", "AWOOOI_CLAUDE_MODEL": "claude-next"}
    with pytest.raises(Misconfigured, match="AWOOOI_MODELS_PRICES: lacks claude-next"):
        panel_of(settings_of(given))

    panel_of(settings_of({**given, "AWOOOI_MODELS_PRICES": "claude-next=3/15"}))


async def test_a_recorded_answer_is_given_again(base: dict[str, str], tmp_path: Path) -> None:
    tape = tmp_path / "answers.jsonl"

    recorded = await failures(settings_of({**base, "AWOOOI_MODELS_RECORD_FILE": str(tape)}))
    moved = {**base, "AWOOOI_OLLAMA_URL": "http://127.0.0.1:1", "AWOOOI_MODELS_REPLAY_FILE": str(tape)}

    assert await failures(settings_of(moved)) == recorded


def test_the_order_is_the_documented_one() -> None:
    assert Asking().order == ("ollama", "gemini", "claude")
