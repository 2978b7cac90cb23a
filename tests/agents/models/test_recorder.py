"""Answers on tape."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agents.models.model import Completion, Fault, Prompt, Provider, ProviderFailed
from agents.models.recorder import Recorder, Replayed, lines_of
from agents.models.scripted import Scripted
from schemas.errors import Misconfigured

PROMPT = Prompt("system", "what of bob@example.com?", {"type": "object"}, "critic")


@pytest.fixture
def tape(tmp_path: Path) -> Path:
    return tmp_path / "answers.jsonl"


def replayed(tape: Path) -> Replayed:
    return Replayed(tape, "scripted", cloud=False)


async def record(tape: Path, *lines: Any, prompt: Prompt = PROMPT) -> list[Completion | str]:
    recorder = Recorder(Scripted({"critic": lines}), tape)
    return [await outcome(recorder, prompt) for _ in lines]


async def outcome(provider: Provider, prompt: Prompt = PROMPT) -> Completion | str:
    try:
        return await provider.complete(prompt)
    except ProviderFailed as failed:
        return f"{failed.fault} {failed.final} {failed}"


async def test_what_was_answered_is_answered_again(tape: Path) -> None:
    said = await record(tape, {"a": 1}, ProviderFailed("away", fault=Fault.BUSY), "no JSON")

    again = replayed(tape)

    assert [await outcome(again) for _ in said] == said
    assert await outcome(again) == said[-1]


async def test_another_question_was_not_recorded(tape: Path) -> None:
    await record(tape, {"a": 1})

    for other in (
        replace(PROMPT, text="?"),
        replace(PROMPT, history=(("a", "b"),)),
        replace(PROMPT, name="solver"),
    ):
        assert "was not recorded" in str(await outcome(replayed(tape), other))


async def test_patience_is_no_part_of_the_question(tape: Path) -> None:
    said = await record(tape, {"a": 1})

    assert await outcome(replayed(tape), replace(PROMPT, silence_secs=1.0)) == said[0]


async def test_the_question_is_not_kept(tape: Path) -> None:
    await record(tape, {"a": 1})

    assert all("bob" not in str(line) for line in lines_of(tape))


@pytest.mark.parametrize("content", ["{}", "no JSON", '{"provider": "x", "key": "k"}', "[]"])
def test_what_is_no_recording_is_told(tape: Path, content: str) -> None:
    tape.write_text(content)

    with pytest.raises(Misconfigured, match="line 1 is no recorded answer"):
        replayed(tape)


def test_a_recording_that_is_not_there_is_told(tape: Path) -> None:
    with pytest.raises(Misconfigured, match="cannot be read"):
        replayed(tape)
