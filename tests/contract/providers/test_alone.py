"""What every model provider does, against stand-ins that speak each service's own wire format."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from agents.models.model import Fault, ProviderFailed
from agents.models.shape import schema_of
from connectors.http import HttpClient
from tests.agents.models.standins import (
    HANG_UP,
    KEY,
    MODEL,
    TOKENS_IN,
    TOKENS_OUT,
    Says,
    SaysNothing,
    StandIn,
    Tongue,
    refusing,
)
from tests.contract.providers.asked import ASKING, PROMPT, QUICK_SECS, RIGHT, Cause, failure
from tests.peers import free_port

# -- it works


async def test_an_answer_comes_whole_and_counted(tongue: Tongue, service: StandIn, provider: Any) -> None:
    service.will(Says(tongue.answer(RIGHT)))

    completion = await provider.complete(PROMPT)

    assert completion.text == RIGHT
    assert (completion.model, completion.tokens_in, completion.tokens_out) == (MODEL, TOKENS_IN, TOKENS_OUT)


async def test_the_question_is_sent_as_the_service_wants_it(
    tongue: Tongue, service: StandIn, provider: Any
) -> None:
    service.will(Says(tongue.answer(RIGHT)))

    await provider.complete(PROMPT)

    (asked,) = service.asked
    name, value = tongue.key_header
    assert asked.path == tongue.path
    assert asked.headers[name] == value
    assert KEY not in str(asked.body)
    assert tongue.shape(asked.body) == schema_of(Cause)
    assert PROMPT.system in tongue.system(asked.body)
    assert (tongue.roles(asked.body), tongue.texts(asked.body)) == (["user"], [PROMPT.text])


async def test_a_repair_shows_the_answer_and_the_complaint(
    tongue: Tongue, service: StandIn, provider: Any
) -> None:
    service.will(Says(tongue.answer(RIGHT)))

    await provider.complete(replace(PROMPT, history=(("no", "give JSON"),)))

    body = service.asked[0].body
    assert tongue.roles(body) == ["user", "assistant", "user"]
    assert tongue.texts(body) == [PROMPT.text, "no", "give JSON"]


@pytest.mark.parametrize("size", [1, 7, 10_000])
async def test_letters_of_any_kind_survive_however_they_are_cut(
    tongue: Tongue, service: StandIn, provider: Any, size: int
) -> None:
    text = '{"cause": "資料庫\u2028磁碟已滿 \\"é\\" 🔥\x85", "confidence": 1}'
    whole = b"".join(tongue.answer(text))
    service.will(Says([whole[at : at + size] for at in range(0, len(whole), size)]))

    assert (await provider.complete(PROMPT)).text == text


async def test_tokens_are_estimated_where_they_are_not_told(
    tongue: Tongue, service: StandIn, provider: Any
) -> None:
    uncounted = [
        frame.replace(b"ount", b"ount_").replace(b'"usage"', b'"usage_"').replace(b"eMetadata", b"e_")
        for frame in tongue.answer(RIGHT)
    ]
    service.will(Says(uncounted))

    completion = await provider.complete(PROMPT)

    assert (completion.tokens_in, completion.tokens_out) == (7, 12)


# -- it fails, and says how


REFUSALS = {
    "unknown key": (401, {}, Fault.KEY, True, None),
    "not allowed": (403, {}, Fault.KEY, True, None),
    "unknown model": (404, {}, Fault.MODEL, True, None),
    "wrong question": (400, {}, Fault.REFUSED, True, None),
    "too long a question": (413, {}, Fault.REFUSED, True, None),
    "busy": (429, {}, Fault.BUSY, False, None),
    "busy, says until when": (429, {"retry_after": "7"}, Fault.BUSY, False, 7.0),
    "busy, in odd words": (429, {"retry_after": "soon"}, Fault.BUSY, False, None),
    "busy until long ago": (
        429,
        {"retry_after": "Wed, 21 Oct 2015 07:28:00 GMT"},
        Fault.BUSY,
        False,
        0.0,
    ),
    "overloaded": (529, {}, Fault.AWAY, False, None),
    "broken": (500, {}, Fault.AWAY, False, None),
    "away for a while": (503, {"retry_after": "2"}, Fault.BUSY, False, 2.0),
    "moved": (302, {"location": "http://127.0.0.1:9/"}, Fault.MODEL, True, None),
}


@pytest.mark.parametrize(("status", "headers", "fault", "final", "after"), REFUSALS.values(), ids=REFUSALS)
async def test_a_refusal_is_understood(
    service: StandIn,
    provider: Any,
    status: int,
    headers: dict[str, str],
    fault: Fault,
    final: bool,
    after: float | None,
) -> None:
    service.will(refusing(status, {"error": {"message": "not so"}}, **headers))

    failed = await failure(provider)

    assert (failed.fault, failed.final, failed.retry_after_secs) == (fault, final, after)
    assert f"answers {status}" in str(failed)


async def test_what_a_server_says_is_covered_and_cut_short(service: StandIn, provider: Any) -> None:
    said = f"{KEY} of bob@example.com from 10.1.2.3 " + "is wrong " * 1000
    service.will(refusing(401, {"error": {"message": said}}))

    told = str(await failure(provider))

    assert told.startswith("answers 401: [API_KEY] of [EMAIL] from [IP] is wrong")
    assert len(told) < 250


async def test_a_refusal_without_end_is_not_read_to_the_end(service: StandIn, provider: Any) -> None:
    service.will(Says([b"no " * 1000], status=500, endless=True))

    assert (await failure(provider)).fault is Fault.AWAY


@pytest.mark.parametrize("hard", [True, False], ids=["hangs up", "ends politely"])
async def test_an_answer_that_ends_in_the_middle_is_none(
    tongue: Tongue, service: StandIn, provider: Any, hard: bool
) -> None:
    service.will(Says([*tongue.cut_answer(RIGHT), *([HANG_UP] if hard else [])]))

    failed = await failure(provider)

    assert (failed.fault, failed.final) == (Fault.CUT, False)
    assert failed.spent is not None
    assert failed.spent.tokens_in > 0


async def test_hanging_up_after_the_last_word_is_fine(
    tongue: Tongue, service: StandIn, provider: Any
) -> None:
    frames = [frame for frame in tongue.answer(RIGHT) if b"[DONE]" not in frame]
    service.will(Says([*frames, HANG_UP]))

    assert (await provider.complete(PROMPT)).text == RIGHT


async def test_an_answer_that_still_arrives_is_not_cut(
    tongue: Tongue, service: StandIn, provider: Any
) -> None:
    silence = 0.5  # a busy machine stretches the pauses
    words = [frame for letter in RIGHT[:8] for frame in tongue.says(letter)]
    service.will(Says([*tongue.begins, *words, *tongue.ends(tongue.stop)], pause_secs=0.1))
    began = asyncio.get_running_loop().time()

    completion = await provider.complete(replace(PROMPT, silence_secs=silence))

    assert completion.text == RIGHT[:8]
    assert asyncio.get_running_loop().time() - began > 1.5 * silence


@pytest.mark.parametrize("begun", [False, True], ids=["at once", "in the middle"])
async def test_silence_is_cut(tongue: Tongue, service: StandIn, provider: Any, begun: bool) -> None:
    service.will(SaysNothing(tongue.cut_answer(RIGHT) if begun else ()))
    began = asyncio.get_running_loop().time()

    failed = await failure(provider, replace(PROMPT, silence_secs=QUICK_SECS))

    assert (failed.fault, failed.final) == (Fault.SILENT, True)
    assert QUICK_SECS <= asyncio.get_running_loop().time() - began < ASKING.silence_secs / 2


async def test_an_endless_answer_is_given_up(tongue: Tongue, service: StandIn, provider: Any) -> None:
    service.will(Says([*tongue.begins, *(tongue.says("and so on, ") * 50)], endless=True))

    failed = await failure(provider)

    assert (failed.fault, failed.final) == (Fault.ENDLESS, True)
    assert "over 20000 bytes" in str(failed), "what it said is counted, not what it took to say it"


async def test_endless_keeping_alive_is_given_up(service: StandIn, provider: Any) -> None:
    service.will(
        Says([b": still here\n\n" * 2000 if provider.name != "ollama" else b" \n" * 9000], endless=True)
    )

    failed = await failure(provider)

    assert (failed.fault, failed.final) == (Fault.ENDLESS, True)


async def test_another_protocol_is_told(tongue: Tongue, service: StandIn, provider: Any) -> None:
    service.will(Says([b"data: <html>welcome</html>\n\n"]))

    assert (await failure(provider)).fault is Fault.GARBLED


async def test_an_error_within_the_stream_is_told(tongue: Tongue, service: StandIn, provider: Any) -> None:
    service.will(Says([*tongue.cut_answer(RIGHT), tongue.fails("the engine of 10.1.2.3 died")]))

    failed = await failure(provider)

    assert (failed.fault, failed.final) == (Fault.AWAY, False)
    assert "it failed: the engine of [IP] died" in str(failed)


async def test_an_answer_cut_at_its_largest_size_is_none(
    tongue: Tongue, service: StandIn, provider: Any
) -> None:
    service.will(Says(tongue.answer(RIGHT[:20], stop=tongue.too_long)))

    failed = await failure(provider)

    assert (failed.fault, failed.final) == (Fault.CUT, True)
    assert "largest size" in str(failed)


async def test_an_answer_that_was_held_back_is_none(tongue: Tongue, service: StandIn, provider: Any) -> None:
    service.will(Says(tongue.answer(RIGHT[:20], stop=tongue.refuses)))

    failed = await failure(provider)

    assert (failed.fault, failed.final) == (Fault.REFUSED, True)


async def test_nobody_there_is_told_at_once(tongue: Tongue, http: HttpClient) -> None:
    failed = await failure(tongue.make(f"http://127.0.0.1:{free_port()}", http, ASKING))

    assert (failed.fault, failed.final) == (Fault.AWAY, True)


async def test_a_schema_that_is_refused_is_given_in_words(
    tongue: Tongue, service: StandIn, provider: Any
) -> None:
    service.will(refusing(400, {"error": {"message": "no such schema"}}), Says(tongue.answer(RIGHT)))

    assert (await provider.complete(PROMPT)).text == RIGHT
    assert (await provider.complete(PROMPT)).text == RIGHT

    shapes = [tongue.shape(asked.body) for asked in service.asked]
    assert shapes == [schema_of(Cause), None, None]
    assert '"confidence"' in tongue.system(service.asked[1].body)


async def test_whether_it_is_ready_is_asked_without_a_question(
    tongue: Tongue, service: StandIn, provider: Any
) -> None:
    service.will(refusing(200, {"models": [{"name": MODEL}]}))

    await provider.ready()

    (asked,) = service.asked
    name, value = tongue.key_header
    assert (asked.headers[name], asked.body) == (value, {})


async def test_another_service_at_its_address_is_told(service: StandIn, provider: Any) -> None:
    service.will(Says([b"<html>welcome</html>"]))

    with pytest.raises(ProviderFailed) as caught:
        await provider.ready()
    assert caught.value.fault is Fault.GARBLED


@pytest.mark.parametrize(("status", "fault"), [(401, Fault.KEY), (404, Fault.MODEL), (500, Fault.AWAY)])
async def test_why_it_is_not_ready_is_told(
    service: StandIn, provider: Any, status: int, fault: Fault
) -> None:
    service.will(refusing(status, {"error": {"message": "not so"}}))

    with pytest.raises(ProviderFailed, match=f"answers {status}: not so") as caught:
        await provider.ready()
    assert caught.value.fault is fault
