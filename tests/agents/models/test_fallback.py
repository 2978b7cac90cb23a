"""The panel: order, retries, time, money, and that an agent sees nothing but an answer or NoModel."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from agents.models.model import Fault, NoModel, NoPanel, Prompt, ProviderFailed
from agents.models.scripted import Scripted
from tests.agents.models.room import BROKEN, RIGHT, WRONG, Cause, Room, question, refused
from tests.peers import wait_until_async

# -- order


async def test_the_first_that_answers_is_heard(room: Room) -> None:
    first, second = room.scripted(RIGHT), room.scripted(RIGHT, name="gemini")

    answer = await room.panel.ask(question())

    assert answer.value == Cause(cause="disk", confidence=0.5)
    assert (answer.usage.provider, answer.usage.model, answer.usage.failures) == ("ollama", "ollama-1", ())
    assert (len(first.asked), len(second.asked)) == (1, 0)


async def test_the_next_one_is_asked_and_the_failure_told(room: Room) -> None:
    room.scripted(ProviderFailed("answers 401", fault=Fault.KEY, final=True))
    room.scripted(RIGHT, name="gemini")

    answer = await room.panel.ask(question())

    assert answer.usage.provider == "gemini"
    assert answer.usage.failures == ("ollama: answers 401",)
    assert answer.usage.calls == 2
    assert room.counted("awoooi_ollama_fallback_total") == 1
    assert room.counted("awoooi_model_fallback_total", provider="ollama", reason="key") == 1


async def test_when_nobody_answers_the_rules_are_named_and_every_reason(room: Room) -> None:
    room.scripted(BROKEN, BROKEN, BROKEN)
    room.scripted("No idea.", "Still none.", name="gemini")

    error = await refused(room)

    assert error.usage.provider == "rules"
    assert error.usage.calls == 5
    assert error.usage.failures == (
        "ollama: answers 500",
        "gemini: no valid answer: it holds no JSON object",
    )
    assert "ollama: answers 500; gemini: no valid answer" in str(error)


async def test_without_a_panel_everybody_speaks_from_rules() -> None:
    with pytest.raises(NoModel, match="no model is configured"):
        await NoPanel().ask(question())


# -- again


async def test_what_may_help_is_tried_twice_more(room: Room) -> None:
    provider = room.scripted(BROKEN, BROKEN, RIGHT)

    answer = await room.panel.ask(question())

    assert answer.usage.calls == len(provider.asked) == 3


async def test_the_number_of_tries_is_bounded() -> None:
    room = Room(breaker_failures=100, retries=1)
    provider = room.scripted(*[BROKEN] * 10)

    await refused(room)

    assert len(provider.asked) == 2


async def test_what_does_not_help_is_not_tried_again(room: Room) -> None:
    provider = room.scripted(ProviderFailed("it fell silent", fault=Fault.SILENT, final=True), RIGHT)

    await refused(room)

    assert len(provider.asked) == 1


async def test_a_repair_and_a_retry_go_together(room: Room) -> None:
    provider = room.scripted(BROKEN, WRONG, BROKEN, RIGHT)

    answer = await room.panel.ask(question())

    assert (answer.usage.calls, answer.usage.repaired) == (4, True)
    assert [len(prompt.history) for prompt in provider.asked] == [0, 0, 1, 1]


async def test_it_is_repaired_once(room: Room) -> None:
    provider = room.scripted(WRONG, WRONG, RIGHT)

    error = await refused(room)

    assert len(provider.asked) == 2
    assert error.usage.repaired


# -- the breaker


async def test_an_open_breaker_costs_no_call(room: Room) -> None:
    provider = room.scripted(*[BROKEN] * 10)
    await refused(room)

    error = await refused(room)

    assert len(provider.asked) == 3
    assert "failed too often just now" in error.usage.failures[0]
    assert room.counted("awoooi_model_breaker_open", provider="ollama") == 1
    assert room.counted("awoooi_model_fallback_total", provider="ollama", reason="breaker") == 1


async def test_after_its_time_one_question_tries_it(room: Room) -> None:
    provider = room.scripted(BROKEN, BROKEN, BROKEN, BROKEN, RIGHT)
    await refused(room)
    room.clock.now += room.asking.breaker_secs
    await refused(room)
    assert len(provider.asked) == 4, "a trial is not repeated"
    room.clock.now += room.asking.breaker_secs

    answer = await room.panel.ask(question())

    assert answer.usage.provider == "ollama"
    assert room.counted("awoooi_model_breaker_open", provider="ollama") == 0


async def test_invalid_answers_count_against_a_provider(room: Room) -> None:
    provider = room.scripted(*["No."] * 20)
    for _ in range(4):
        await refused(room)

    assert len(provider.asked) == 6


async def test_hardly_any_time_proves_nothing_against_a_provider(room: Room) -> None:
    silent = ProviderFailed("it fell silent", fault=Fault.SILENT, final=True)
    provider = room.scripted(*[silent] * 10)
    for _ in range(5):
        await refused(room, seconds=5.0)

    assert len(provider.asked) == 5


async def test_a_provider_that_asks_for_patience_is_left_alone_for_so_long(room: Room) -> None:
    provider = room.scripted(ProviderFailed("busy", fault=Fault.BUSY, retry_after_secs=90.0), RIGHT)
    room.scripted(RIGHT, RIGHT, name="gemini")
    await room.panel.ask(question())
    room.clock.now += 89
    await room.panel.ask(question())
    assert len(provider.asked) == 1
    room.clock.now += 2

    assert (await room.panel.ask(question())).usage.provider == "ollama"


async def test_being_busy_is_not_held_against_a_provider() -> None:
    room = Room(breaker_failures=2)
    busy = ProviderFailed("busy", fault=Fault.BUSY, retry_after_secs=0.0)
    provider = room.scripted(busy, busy, RIGHT, busy, busy, RIGHT)

    for _ in range(2):
        assert (await room.panel.ask(question())).usage.calls == 3

    assert len(provider.asked) == 6


async def test_a_question_that_is_given_up_frees_the_trial(room: Room) -> None:
    async def hang(_: Prompt) -> Any:
        await asyncio.Event().wait()

    answers: Iterator[Callable[[Prompt], Any]] = iter([hang, lambda _: RIGHT])

    def first_hang(prompt: Prompt) -> Any:
        return next(answers)(prompt)

    provider = Scripted(first_hang, name="ollama")
    seat = room.seat(provider)
    seat.breaker.open_for(0.0)
    task = asyncio.ensure_future(room.panel.ask(question()))
    await wait_until_async(lambda: provider.asked)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert (await room.panel.ask(question())).usage.provider == "ollama"
