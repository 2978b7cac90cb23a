"""The panel over every provider: parsing, one repair, patience, and who is given up."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from agents.models.breaker import Breaker
from agents.models.fallback import Fallback, Seat
from agents.models.metrics import Meters
from agents.models.model import NoModel, Question
from agents.models.pricing import Price
from schemas.turn import Agent
from tests.agents.models.standins import (
    TOKENS_IN,
    TOKENS_OUT,
    Says,
    SaysNothing,
    StandIn,
    Tongue,
    refusing,
)
from tests.contract.providers.asked import ASKING, PROMPT, RIGHT, VALUE, Cause
from tests.peers import wait_until_async


def panel(provider: Any, **changes: Any) -> Fallback:
    asking = ASKING.model_copy(update=changes)
    breaker = Breaker(asyncio.get_running_loop().time, asking.breaker_failures, asking.breaker_secs)
    return Fallback([Seat(provider, breaker, Price(1.0, 10.0))], asking, Meters(CollectorRegistry()))


def question(seconds: float = 60.0) -> Question[Cause]:
    return Question(Agent.DIAGNOSTICIAN, PROMPT.system, PROMPT.text, Cause, seconds)


ANSWERS = {
    "as it should be": RIGHT,
    "fenced": f"Here it is:\n```json\n{RIGHT}\n```\nI hope that helps.",
    "braces within strings": '{"cause": "the template {{ .Values.x }} has a } too many", "confidence": 0.5}',
    "in another language": '原因如下 {"cause": "資料庫磁碟已滿", "confidence": 0.5} 請確認。',
    "after thoughts": f'<think>perhaps {{"cause": "x", "confidence": 1}}</think>\n{RIGHT}',
}


@pytest.mark.parametrize("text", ANSWERS.values(), ids=ANSWERS)
async def test_an_answer_is_found_in_what_a_model_says(
    tongue: Tongue, service: StandIn, provider: Any, text: str
) -> None:
    service.will(Says(tongue.answer(text)))

    answer = await panel(provider).ask(question())

    assert answer.value.confidence == 0.5
    assert answer.usage.calls == 1


async def test_a_wrong_answer_is_repaired_once(tongue: Tongue, service: StandIn, provider: Any) -> None:
    service.will(Says(tongue.answer('{"cause": "x", "confidence": 50}')), Says(tongue.answer(RIGHT)))

    answer = await panel(provider).ask(question())

    assert answer.value == VALUE
    assert (answer.usage.calls, answer.usage.repaired) == (2, True)
    assert (answer.usage.tokens_in, answer.usage.tokens_out) == (2 * TOKENS_IN, 2 * TOKENS_OUT)
    assert answer.usage.cost_usd == pytest.approx(2 * (TOKENS_IN + 10 * TOKENS_OUT) / 1_000_000)
    assert "confidence: Input should be less than or equal to 1" in tongue.texts(service.asked[1].body)[-1]


@pytest.mark.parametrize("text", ["Das weiß ich nicht.", '{"cause": ', "[1]", ""], ids=repr)
async def test_what_stays_wrong_is_a_failure(
    tongue: Tongue, service: StandIn, provider: Any, text: str
) -> None:
    service.will(Says(tongue.answer(text)))

    with pytest.raises(NoModel) as caught:
        await panel(provider).ask(question())

    assert len(service.asked) == 2
    assert "no valid answer" in caught.value.usage.failures[0]


async def test_a_busy_service_is_asked_again_when_it_said(
    tongue: Tongue, service: StandIn, provider: Any
) -> None:
    service.will(refusing(429, {"error": "slowly"}, retry_after="0.3"), Says(tongue.answer(RIGHT)))
    began = asyncio.get_running_loop().time()

    answer = await panel(provider).ask(question())

    assert answer.value == VALUE
    assert asyncio.get_running_loop().time() - began >= 0.3


async def test_a_busy_service_is_not_waited_for_past_the_questions_time(
    service: StandIn, provider: Any
) -> None:
    service.will(refusing(429, {"error": "slowly"}, retry_after="60"))
    began = asyncio.get_running_loop().time()

    with pytest.raises(NoModel):
        await panel(provider).ask(question(50.0))

    assert len(service.asked) == 1
    assert asyncio.get_running_loop().time() - began < 25.0


async def test_an_answer_that_never_ends_ends_with_the_questions_time(
    tongue: Tongue, service: StandIn, provider: Any
) -> None:
    service.will(Says([*tongue.begins, *tongue.says("and ")], pause_secs=0.02, endless=True))

    with pytest.raises(NoModel, match="time for the question was over"):
        await panel(provider).ask(question(0.4))


async def test_who_is_no_longer_waited_for_is_hung_up_on(
    tongue: Tongue, service: StandIn, provider: Any
) -> None:
    """A model that goes on thinking for nobody costs money, or blocks the next question."""
    service.will(SaysNothing(tongue.cut_answer(RIGHT)))

    with pytest.raises(NoModel):
        await panel(provider).ask(question(0.3))

    await wait_until_async(lambda: service.left_alone == 1)


async def test_three_errors_of_the_server_open_the_breaker(
    tongue: Tongue, service: StandIn, provider: Any
) -> None:
    service.will(refusing(500, {"error": "oh"}))
    models = panel(provider)

    for _ in range(3):
        with pytest.raises(NoModel):
            await models.ask(question())

    assert len(service.asked) == 3
