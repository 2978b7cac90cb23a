"""The panel: order, retries, time, money, and that an agent sees nothing but an answer or NoModel."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from pydantic import Field
from structlog.testing import capture_logs

from agents.models.breaker import Breaker
from agents.models.config import Asking, Mode
from agents.models.fallback import Fallback, Seat
from agents.models.metrics import Meters
from agents.models.model import Completion, Fault, NoModel, NoPanel, Prompt, ProviderFailed, Question, Reply
from agents.models.pricing import NOTHING, Price
from agents.models.scripted import Scripted
from schemas.turn import Agent
from tests.peers import wait_until_async

AGENT = Agent.DIAGNOSTICIAN


class Cause(Reply):
    cause: str
    confidence: float = Field(ge=0, le=1)


RIGHT = {"cause": "disk", "confidence": 0.5}
WRONG = {"cause": "disk", "confidence": 5}
BROKEN = ProviderFailed("answers 500", fault=Fault.AWAY)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Room:
    """A panel, with what its tests look at."""

    def __init__(self, **asking: Any) -> None:
        self.clock, self.registry = Clock(), CollectorRegistry()
        self.asking = Asking(**{"retry_wait_secs": 0.0, **asking})
        self.seats: list[Seat] = []

    def seat(self, provider: Any, *, price: Price = NOTHING, mode: Mode = "LIVE") -> Seat:
        breaker = Breaker(self.clock, self.asking.breaker_failures, self.asking.breaker_secs)
        self.seats.append(Seat(provider, breaker, price, mode))
        return self.seats[-1]

    def scripted(self, *lines: Any, name: str = "ollama", cloud: bool = False, **seat: Any) -> Scripted:
        provider = Scripted({AGENT: list(lines)}, name=name, cloud=cloud)
        self.seat(provider, **seat)
        return provider

    @property
    def panel(self) -> Fallback:
        if not hasattr(self, "_panel"):
            self._panel = Fallback(self.seats, self.asking, Meters(self.registry), clock=self.clock)
        return self._panel

    def counted(self, metric: str, **labels: str) -> float:
        return self.registry.get_sample_value(metric, labels) or 0.0


@pytest.fixture
def room() -> Room:
    return Room()


def question(**changes: Any) -> Question[Cause]:
    return Question(
        **{"agent": AGENT, "system": "S", "prompt": "P", "reply": Cause, "seconds": 100.0, **changes}
    )


async def refused(room: Room, **changes: Any) -> NoModel:
    with pytest.raises(NoModel) as caught:
        await room.panel.ask(question(**changes))
    return caught.value


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
