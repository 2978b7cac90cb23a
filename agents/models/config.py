"""What is settable about models: how they are asked (Asking), and each service's address, model and key."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from agents.models.pricing import SHIPPED, Price, read_price
from connectors.secret import read_secret
from schemas.errors import Misconfigured

URL = r"^https?://[^@\s?#]+$"
MODEL = r"^[A-Za-z0-9][A-Za-z0-9._:/@-]{0,199}$"
KEY = re.compile(r"[!-~]+")
Mode = Literal["OFF", "LOG", "LIVE"]
MODE = "OFF: never asked, LOG: only a log line, LIVE: asked"


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Asking(Section):
    """What holds for all providers."""

    order: tuple[str, ...] = Field(
        ("ollama", "gemini", "claude"), description="who is asked, in this order; the rules come last"
    )
    connect_secs: float = Field(10.0, gt=0, le=60, description="for a connection to be made")
    silence_secs: float = Field(60.0, gt=0, le=600, description="without a byte; what still arrives goes on")
    retries: int = Field(2, ge=0, le=5, description="of a call that failed, within the question's time")
    retry_wait_secs: float = Field(0.5, ge=0, le=60, description="before the first retry, then doubled")
    max_answer_tokens: int = Field(16_384, ge=256, le=128_000, description="a model's thinking included")
    max_answer_bytes: int = Field(256 * 1024, ge=1024, le=512 * 1024)
    breaker_failures: int = Field(3, ge=1, le=100, description="in a row, then a provider is left alone")
    breaker_secs: float = Field(60.0, gt=0, le=3600, description="for so long; then one question tries it")
    prices: dict[str, str] = Field(
        default_factory=dict, description="model=in/out, in USD per million tokens, beside the shipped ones"
    )
    options: dict[str, str] = Field(
        default_factory=dict, description="provider.name=value, for installed providers"
    )
    record_file: Path | None = Field(None, description="every answer is added to it")
    replay_file: Path | None = Field(None, description="answers come from it; nobody is asked")

    @field_validator("order")
    @classmethod
    def _each_once(cls, order: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(order)) < len(order):
            raise ValueError("names a provider twice")
        return order

    @field_validator("prices")
    @classmethod
    def _readable(cls, prices: dict[str, str]) -> dict[str, str]:
        for model, price in prices.items():
            read_price(price, model)
        return prices

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if self.record_file is not None and self.replay_file is not None:
            raise ValueError("give either record_file or replay_file")
        return self

    def price(self, model: str) -> Price | None:
        """What the settings say, else what is shipped; None where nobody knows."""
        said = self.prices.get(model)
        return SHIPPED.get(model) if said is None else read_price(said, model)

    def options_of(self, provider: str) -> Mapping[str, str]:
        start = f"{provider}."
        return {
            name.removeprefix(start): value for name, value in self.options.items() if name.startswith(start)
        }


class Service(Section):
    """One model service. Its key is given as a value or as a file."""

    mode: Mode | None = Field(None, description=f"{MODE}; by default LIVE where a key is given, else OFF")
    url: str = Field(pattern=URL)
    model: str = Field(pattern=MODEL)
    key: SecretStr | None = None
    key_file: Path | None = None
    ca_file: Path | None = Field(None, description="PEM; the system's authorities where none is given")

    @model_validator(mode="after")
    def _one_key(self) -> Self:
        if self.key is not None and self.key_file is not None:
            raise ValueError("give either key or key_file")
        return self

    @property
    def has_key(self) -> bool:
        return self.key is not None or self.key_file is not None

    @property
    def in_mode(self) -> Mode:
        return self.mode or ("LIVE" if self.has_key else "OFF")

    @property
    def leaves(self) -> bool:
        """Whether what it is sent leaves the house: such services get only what passed the shield."""
        return True

    def secret(self, name: str) -> str:
        """The key, empty where there is none. An HTTP header must be able to carry it."""
        if not self.has_key:
            return ""
        key = read_secret(self.key, self.key_file, f"{name}.key").strip()
        if not KEY.fullmatch(key):
            raise Misconfigured(f"{name}.key: is empty, or holds characters that no key has")
        return key


class Local(Service):
    """A service that may stand on this machine."""

    cloud: bool | None = Field(
        None, description="what it is sent leaves the house; by default: unless it is on this machine"
    )

    @property
    def leaves(self) -> bool:
        return not _is_here(self.url) if self.cloud is None else self.cloud


class OllamaConfig(Local):
    mode: Mode | None = Field(None, description=f"{MODE}, the default")
    url: str = Field("http://127.0.0.1:11434", pattern=URL)
    model: str = Field("qwen3:8b", pattern=MODEL, description="`ollama pull` fetches it")
    context_tokens: int = Field(
        16_384, ge=2048, le=524_288, description="question and answer; by itself Ollama cuts long questions"
    )

    @property
    def in_mode(self) -> Mode:
        return self.mode or "LIVE"

    @property
    def leaves(self) -> bool:
        """A model `…-cloud` runs elsewhere, whoever passes it on."""
        remote = self.model.endswith(("-cloud", ":cloud"))
        return super().leaves or (remote and self.cloud is not False)


class OpenAiConfig(Local):
    mode: Mode | None = Field(None, description=f"{MODE}; by default LIVE where a model is named, else OFF")
    url: str = Field("https://api.openai.com/v1", pattern=URL, description="before /chat/completions")
    model: str = Field("", pattern=rf"{MODEL}|^$")

    @property
    def in_mode(self) -> Mode:
        return self.mode or ("LIVE" if self.model else "OFF")

    @model_validator(mode="after")
    def _has_a_model(self) -> Self:
        if self.in_mode != "OFF" and not self.model:
            raise ValueError("name a model")
        return self


class GeminiConfig(Service):
    url: str = Field("https://generativelanguage.googleapis.com", pattern=URL)
    model: str = Field("gemini-3.7-flash", pattern=MODEL)


class ClaudeConfig(Service):
    url: str = Field("https://api.anthropic.com", pattern=URL)
    model: str = Field("claude-sonnet-5-5", pattern=MODEL)


def _is_here(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
