"""The panel's bounds: time, what must not leave, money, foreign code."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from structlog.testing import capture_logs

from agents.models.model import Completion, Fault, Prompt, ProviderFailed
from agents.models.pricing import Price
from agents.models.scripted import Scripted
from tests.agents.models.room import BROKEN, RIGHT, WRONG, Room, question, refused

# -- time


async def test_silence_may_take_half_while_somebody_else_can_be_asked(room: Room) -> None:
    first, second = room.scripted(BROKEN, BROKEN, BROKEN), room.scripted(RIGHT, name="gemini")

    await room.panel.ask(question(seconds=60.0))

    assert {prompt.silence_secs for prompt in first.asked} == {30.0}
    assert second.asked[0].silence_secs == 60.0


async def test_time_is_not_kept_for_who_cannot_be_asked(room: Room) -> None:
    first = room.scripted(RIGHT)
    room.scripted(RIGHT, name="gemini", cloud=True)

    await room.panel.ask(question(seconds=40.0, cloud=False))

    assert first.asked[0].silence_secs == 40.0


async def test_silence_is_never_longer_than_the_settings_say(room: Room) -> None:
    provider = room.scripted(RIGHT)

    await room.panel.ask(question(seconds=1000.0))

    assert (provider.asked[0].silence_secs, provider.asked[0].connect_secs) == (60.0, 10.0)


async def test_patience_beyond_the_questions_time_is_not_had(room: Room) -> None:
    provider = room.scripted(ProviderFailed("busy", fault=Fault.BUSY, retry_after_secs=100.0), RIGHT)

    await refused(room, seconds=99.0)

    assert len(provider.asked) == 1


async def test_without_time_nobody_is_asked(room: Room) -> None:
    provider = room.scripted(RIGHT)

    error = await refused(room, seconds=0.0)

    assert provider.asked == []
    assert "no time was left" in str(error)


async def test_a_provider_that_hangs_ends_with_the_question(room: Room) -> None:
    async def hang(_: Prompt) -> Any:
        await asyncio.Event().wait()

    room.seat(Scripted(hang, name="ollama"))

    error = await refused(room, seconds=0.05)

    assert error.usage.failures == ("ollama: the time for the question was over",)


# -- what must not leave, what is only logged


async def test_what_must_stay_is_asked_at_home_only(room: Room) -> None:
    cloud = room.scripted(RIGHT, name="gemini", cloud=True)
    local = room.scripted(RIGHT)

    answer = await room.panel.ask(question(cloud=False))

    assert answer.usage.provider == "ollama"
    assert (len(cloud.asked), len(local.asked)) == (0, 1)
    assert answer.usage.failures == ("gemini: not asked: this text must stay here",)


async def test_in_mode_log_nobody_is_asked_and_no_text_is_logged(room: Room) -> None:
    provider = room.scripted(RIGHT, mode="LOG")

    with capture_logs() as lines:
        await refused(room, prompt="the text")

    assert provider.asked == []
    assert [(line["event"], line["provider"], line["characters"]) for line in lines] == [
        ("model_not_asked", "ollama", 9)
    ]
    assert "the text" not in str(lines)


# -- what it cost


async def test_every_call_is_counted_and_paid(room: Room) -> None:
    cut = ProviderFailed("cut", fault=Fault.CUT, spent=Completion("", "m", 100, 10))
    room.scripted(cut, WRONG, RIGHT, price=Price(1.0, 10.0))

    usage = (await room.panel.ask(question(system="S" * 80, prompt="P" * 320))).usage

    assert (usage.calls, usage.tokens_in, usage.tokens_out) == (3, 100 + 2 * 100, 10 + 7 + 8)
    assert usage.cost_usd == pytest.approx((usage.tokens_in + 10 * usage.tokens_out) / 1_000_000)
    assert room.counted("awoooi_model_tokens_total", provider="ollama", direction="in") == usage.tokens_in
    assert room.counted("awoooi_model_cost_usd_total", provider="ollama") == pytest.approx(usage.cost_usd)


async def test_what_a_failure_cost_is_told_too(room: Room) -> None:
    spent = Completion("", "m", 100, 10)
    room.scripted(ProviderFailed("cut", fault=Fault.CUT, final=True, spent=spent), price=Price(1.0, 10.0))

    assert (await refused(room)).usage.cost_usd == pytest.approx(200 / 1_000_000)


async def test_durations_are_counted_by_provider_and_agent(room: Room) -> None:
    room.scripted(BROKEN, BROKEN, BROKEN)
    room.scripted(RIGHT, name="gemini")

    await room.panel.ask(question())

    seconds = "awoooi_model_analysis_duration_seconds_count"
    assert room.counted(seconds, provider="ollama", agent="diagnostician") == 1
    assert room.counted(seconds, provider="gemini", agent="diagnostician") == 1
    assert room.counted("awoooi_ollama_analysis_duration_seconds_count") == 1
    assert room.counted("awoooi_model_calls_total", provider="ollama", outcome="away") == 3
    assert room.counted("awoooi_model_calls_total", provider="gemini", outcome="answered") == 1


# -- foreign code


async def test_what_a_provider_says_is_covered_and_cut_short(room: Room) -> None:
    room.scripted(ProviderFailed("[IP_1] says bob@example.com may not " + "and so on " * 100, final=True))

    (told,) = (await refused(room)).usage.failures

    assert told.startswith("ollama: (IP_1) says [EMAIL] may not and so on")
    assert len(told) < 250


async def test_a_broken_provider_is_a_failure_like_others(room: Room) -> None:
    def stumble(_: Prompt) -> Any:
        raise KeyError("secret")

    room.seat(Scripted(stumble, name="ollama"))
    room.scripted(RIGHT, name="gemini")

    with capture_logs() as lines:
        answer = await room.panel.ask(question())

    assert answer.usage.failures == ("ollama: is broken: KeyError",)
    (line,) = lines
    assert (line["event"], line["error"]) == ("model_provider_broken", "KeyError")
    assert __file__ in line["where"][-1]
    assert "secret" not in str(line)
