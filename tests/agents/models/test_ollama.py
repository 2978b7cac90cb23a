"""The Ollama provider against a real server that has no model: what a fresh machine has."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from agents.models.breaker import Breaker
from agents.models.config import Asking, OllamaConfig
from agents.models.fallback import Fallback, Seat
from agents.models.metrics import Meters
from agents.models.model import Fault, NoModel, Prompt, ProviderFailed, Question, Reply
from agents.models.ollama import Ollama
from agents.models.scripted import Scripted
from agents.models.shape import schema_of
from connectors.http import HttpClient
from schemas.turn import Agent
from tests.agents.models.test_breaker import Clock
from tests.peers import OllamaPeer
from tests.peers import ollama as ollamas

ASKING = Asking(retry_wait_secs=0.0)


class Cause(Reply):
    cause: str


PROMPT = Prompt("Be careful.", "What is it?", schema_of(Cause), "diagnostician")


@pytest.fixture
async def provider(ollama: OllamaPeer) -> AsyncIterator[Ollama]:
    async with HttpClient() as http:
        yield Ollama(OllamaConfig(url=ollama.url, model="absent:1b"), http, ASKING)


async def test_it_tells_its_models(ollama: OllamaPeer, provider: Ollama) -> None:
    assert ollama.version == ollamas.VERSION
    assert await provider.models() == []


async def test_it_is_not_ready_without_the_model(provider: Ollama) -> None:
    with pytest.raises(ProviderFailed, match="it has no model"):
        await provider.ready()


async def test_a_model_that_is_not_there_is_told_with_what_to_do(provider: Ollama) -> None:
    with pytest.raises(ProviderFailed) as caught:
        await provider.complete(PROMPT)

    assert (caught.value.fault, caught.value.final) == (Fault.MODEL, True)
    assert str(caught.value) == (
        "answers 404: model 'absent:1b' not found; it has no model; "
        "`ollama pull absent:1b` fetches what AWOOOI_OLLAMA_MODEL names"
    )


async def test_another_address_is_told(ollama: OllamaPeer) -> None:
    async with HttpClient() as http:
        with pytest.raises(ProviderFailed, match="AWOOOI_OLLAMA_URL names its address"):
            await Ollama(OllamaConfig(url=f"{ollama.url}/elsewhere"), http, ASKING).complete(PROMPT)


async def test_the_breaker_leaves_it_alone_and_the_next_one_serves(provider: Ollama) -> None:
    clock, meters = Clock(), Meters(CollectorRegistry())
    second = Scripted(lambda _: {"cause": "disk"}, name="gemini")
    seats = [Seat(one, Breaker(clock)) for one in (provider, second)]
    panel = Fallback(seats, ASKING, meters, clock=clock)
    question = Question(Agent.DIAGNOSTICIAN, "S", "P", Cause, 30.0)

    answers = [await panel.ask(question) for _ in range(4)]

    assert [answer.usage.provider for answer in answers] == ["gemini"] * 4
    assert [answer.usage.calls for answer in answers] == [2, 2, 2, 1]
    assert "failed too often" in answers[-1].usage.failures[0]
    clock.now += 60
    assert (await panel.ask(question)).usage.calls == 2


async def test_a_server_that_is_stopped_is_away_and_back_again(tmp_path: Path, ollama: OllamaPeer) -> None:
    async with HttpClient() as http:
        with OllamaPeer.running(tmp_path / "own") as own:
            provider = Ollama(OllamaConfig(url=own.url, model="absent:1b"), http, ASKING)
            own.stop()
            with pytest.raises(ProviderFailed) as away:
                await provider.complete(PROMPT)
            own.start()
            with pytest.raises(ProviderFailed) as back:
                await provider.complete(PROMPT)

    assert (away.value.fault, back.value.fault) == (Fault.AWAY, Fault.MODEL)


async def test_a_question_is_taken_as_it_is_sent(provider: Ollama) -> None:
    """Its server checks a request's shape before it looks for the model: ours passes."""
    panel = Fallback([Seat(provider, Breaker(Clock()))], ASKING, Meters(CollectorRegistry()))

    with pytest.raises(NoModel) as caught:
        await panel.ask(Question(Agent.CRITIC, "S", "P", Cause, 30.0))

    assert "not found" in caught.value.usage.failures[0]
