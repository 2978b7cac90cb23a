"""Which providers there are: the built-in ones, and those of the entry points `awoooi.providers`.

An entry point names a function from Given to a Provider, called once at the start.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points

from agents.models.claude import Claude
from agents.models.config import Asking, ClaudeConfig, GeminiConfig, OllamaConfig, OpenAiConfig, Service
from agents.models.gemini import Gemini
from agents.models.model import Provider
from agents.models.ollama import Ollama
from agents.models.openai_compatible import OpenAiCompatible
from connectors.http import HttpClient
from schemas.errors import Misconfigured

GROUP = "awoooi.providers"


@dataclass(frozen=True, slots=True)
class Given:
    """What a provider is made of: a built-in one has settings of its own, an installed one its options."""

    http: HttpClient
    asking: Asking
    service: Service | None = None
    options: Mapping[str, str] = field(default_factory=dict)


Maker = Callable[[Given], Provider]


def make_ollama(given: Given) -> Provider:
    assert isinstance(given.service, OllamaConfig)
    return Ollama(given.service, given.http, given.asking)


def make_openai(given: Given) -> Provider:
    assert isinstance(given.service, OpenAiConfig)
    return OpenAiCompatible(given.service, given.http, given.asking)


def make_gemini(given: Given) -> Provider:
    assert isinstance(given.service, GeminiConfig)
    return Gemini(given.service, given.http, given.asking)


def make_claude(given: Given) -> Provider:
    assert isinstance(given.service, ClaudeConfig)
    return Claude(given.service, given.http, given.asking)


BUILT_IN: Mapping[str, Maker] = {
    "ollama": make_ollama,
    "openai": make_openai,
    "gemini": make_gemini,
    "claude": make_claude,
}


def makers(extra: Iterable[EntryPoint] | None = None) -> dict[str, Maker]:
    """By name; `extra` are by default all that are installed."""
    found = dict(BUILT_IN)
    for point in entry_points(group=GROUP) if extra is None else extra:
        if point.name not in BUILT_IN:
            found[point.name] = _load(point)
        elif not point.value.startswith("agents.models."):
            raise Misconfigured(
                f"model provider {point.name!r} ({point.value}): the name is taken by a built-in"
            )
    return found


def made(name: str, maker: Maker, given: Given) -> Provider:
    provider = maker(given)
    if provider.name != name:
        raise Misconfigured(
            f"model provider {name!r} calls itself {provider.name!r}; the two names must agree"
        )
    return provider


def _load(point: EntryPoint) -> Maker:
    where = f"model provider {point.name!r} ({point.value})"
    try:
        maker = point.load()
    except Exception as error:  # foreign code: whatever it raises, its name must be told
        raise Misconfigured(f"{where} cannot be loaded: {type(error).__name__}: {error}") from error
    if not callable(maker):
        raise Misconfigured(f"{where} must be a function that makes a provider, not {type(maker).__name__}")
    found: Maker = maker
    return found
