"""What is settable about models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from agents.models.config import Asking, ClaudeConfig, GeminiConfig, OllamaConfig, OpenAiConfig, Service
from agents.models.pricing import Price, estimated_tokens
from schemas.errors import Misconfigured

KEY = SecretStr("sk-1")


@pytest.mark.parametrize(
    ("service", "mode"),
    [
        (OllamaConfig(), "LIVE"),
        (OllamaConfig(mode="OFF"), "OFF"),
        (GeminiConfig(), "OFF"),
        (GeminiConfig(key=KEY), "LIVE"),
        (GeminiConfig(key=KEY, mode="LOG"), "LOG"),
        (ClaudeConfig(key_file=Path("there")), "LIVE"),
        (OpenAiConfig(), "OFF"),
        (OpenAiConfig(model="m"), "LIVE"),
    ],
    ids=str,
)
def test_who_is_asked_by_default(service: Service, mode: str) -> None:
    assert service.in_mode == mode


LEAVES = {
    "this machine": (OllamaConfig(), False),
    "this machine by name": (OllamaConfig(url="http://localhost:11434"), False),
    "this machine over IPv6": (OllamaConfig(url="http://[::1]:11434"), False),
    "another one": (OllamaConfig(url="http://10.0.0.5:11434"), True),
    "another one that is ours": (OllamaConfig(url="http://10.0.0.5:11434", cloud=False), False),
    "a name that begins alike": (OllamaConfig(url="http://localhost.example.com"), True),
    "a model that runs elsewhere": (OllamaConfig(model="gpt-oss:120b-cloud"), True),
    "a server here": (OpenAiConfig(url="http://127.0.0.1:8000/v1", model="m"), False),
    "a server here that passes it on": (
        OpenAiConfig(url="http://127.0.0.1:8000/v1", model="m", cloud=True),
        True,
    ),
    "OpenAI": (OpenAiConfig(model="m"), True),
    "Gemini": (GeminiConfig(), True),
    "Claude at this address": (ClaudeConfig(url="http://127.0.0.1:1"), True),
}


@pytest.mark.parametrize(("service", "leaves"), LEAVES.values(), ids=LEAVES)
def test_what_leaves_the_house(service: Service, leaves: bool) -> None:
    assert service.leaves is leaves


@pytest.mark.parametrize(
    "values",
    [
        {"url": "ftp://example"},
        {"url": "http://user:password@example"},
        {"url": "http://example?key=1"},
        {"model": "a model"},
        {"model": "../x"},
        {"key": "a", "key_file": "b"},
        {"mode": "ON"},
        {"unknown": 1},
    ],
    ids=str,
)
def test_a_wrong_service_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        OllamaConfig(**values)


@pytest.mark.parametrize(
    "values",
    [
        {"order": ("ollama", "ollama")},
        {"prices": {"m": "2"}},
        {"prices": {"m": "-1/2"}},
        {"prices": {"m": "nan/2"}},
        {"silence_secs": 0},
        {"record_file": "a", "replay_file": "b"},
    ],
    ids=str,
)
def test_wrong_asking_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Asking(**values)


@pytest.mark.parametrize("key", ["", "  ", "two words", "schlüssel", "a\nb"], ids=repr)
def test_a_key_that_no_header_can_carry_is_refused_without_being_shown(key: str, tmp_path: Path) -> None:
    (tmp_path / "key").write_text(key)
    service = ClaudeConfig(key_file=tmp_path / "key")

    with pytest.raises(Misconfigured, match=r"claude\.key: is empty, or holds characters") as caught:
        service.secret("claude")
    assert not key.strip() or key not in str(caught.value)


def test_a_key_file_may_end_with_a_line_break(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("sk-1\n")

    assert ClaudeConfig(key_file=tmp_path / "key").secret("claude") == "sk-1"


def test_a_key_is_not_shown() -> None:
    assert "sk-1" not in repr(ClaudeConfig(key=KEY))


def test_prices_of_the_settings_are_stronger_than_the_shipped_ones() -> None:
    model = ClaudeConfig().model

    assert Asking().price(model) == Price(2.0, 10.0)
    assert Asking(prices={model: "1/2", "m": "0/0"}).price(model) == Price(1.0, 2.0)
    assert Asking(prices={"m": "0/0"}).price("m") == Price(0.0, 0.0)
    assert Asking().price("m") is None


def test_a_price_is_of_a_million_tokens() -> None:
    assert Price(2.0, 10.0).of(1_000_000, 500_000) == 7.0


def test_tokens_are_estimated_upwards() -> None:
    assert [estimated_tokens("x" * count) for count in (0, 1, 4, 5)] == [0, 1, 1, 2]
