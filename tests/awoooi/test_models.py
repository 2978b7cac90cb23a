"""The panel out of the settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from agents.models.config import Asking
from agents.models.model import NoModel, NoPanel, Question, Reply
from awoooi import checks_models
from awoooi.findings import Finding, Verdict
from awoooi.loading import Loaded, load
from awoooi.models import panel_of
from awoooi.settings import Settings
from schemas.errors import Misconfigured
from schemas.turn import Agent
from tests.agents.models.standins import refusing, stand_in
from tests.peers import OllamaPeer, free_port


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


@pytest.mark.parametrize("given", [{"AWOOOI_OLLAMA_MODE": "OFF"}, {"AWOOOI_MODELS_ORDER": "[]"}], ids=str)
def test_nobody_to_ask_is_no_panel(base: dict[str, str], given: dict[str, str]) -> None:
    assert isinstance(panel_of(settings_of({**base, **given})), NoPanel)


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


# -- the doctor


async def examined(environment: dict[str, str]) -> list[Finding]:
    return list(await checks_models.models(load(environment)))


async def test_the_doctor_says_when_nobody_is_asked(base: dict[str, str]) -> None:
    (found,) = await examined({**base, "AWOOOI_OLLAMA_MODE": "OFF"})

    assert (found.verdict, found.what) == (Verdict.OK, checks_models.NOBODY)


async def test_a_provider_that_was_set_up_and_is_away_is_wrong(base: dict[str, str]) -> None:
    (found,) = await examined(base)

    assert found.verdict is Verdict.WRONG
    assert "ollama: it does not answer" in found.what
    assert "AWOOOI_OLLAMA_URL" in found.todo


async def test_a_provider_that_nobody_set_up_is_a_warning(base: dict[str, str]) -> None:
    loaded = load(base)
    unasked = Loaded(loaded.settings, {}, None)

    (found,) = await checks_models.models(unasked)

    assert found.verdict is Verdict.WARNING


async def test_a_key_that_is_not_known_is_told_with_its_setting(base: dict[str, str]) -> None:
    async with stand_in() as service:
        service.will(refusing(401, {"error": {"message": "invalid x-api-key"}}))
        given = {
            "AWOOOI_MODELS_ORDER": "claude",
            "AWOOOI_CLAUDE_URL": service.url,
            "AWOOOI_CLAUDE_KEY": "sk-1",
        }
        (found,) = await examined({**base, **given})

    assert "claude: answers 401: invalid x-api-key" in found.what
    assert "AWOOOI_CLAUDE_KEY" in found.todo
    assert service.asked[0].path == "/v1/models/claude-sonnet-5-5"


async def test_a_provider_that_is_ready_is_told(base: dict[str, str]) -> None:
    async with stand_in() as service:
        service.will(refusing(200, {"models": [{"name": "qwen3:8b"}]}))
        (found,) = await examined({**base, "AWOOOI_OLLAMA_URL": service.url})

    assert (found.verdict, found.what) == (Verdict.OK, "ollama: qwen3:8b is ready")


async def test_a_real_ollama_without_the_model_says_what_to_do(
    base: dict[str, str], ollama: OllamaPeer
) -> None:
    (found,) = await examined({**base, "AWOOOI_OLLAMA_URL": ollama.url})

    assert found.what == (
        "ollama: it has no model; `ollama pull qwen3:8b` fetches what AWOOOI_OLLAMA_MODEL names"
    )
