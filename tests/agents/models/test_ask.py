"""Reading a model's text: what is found, what is refused, and that neither takes long."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import orjson
import pytest
from pydantic import Field

from agents.models.ask import Unfit, complaint, read
from agents.models.classic import read_classic
from agents.models.model import Reply


class Said(Reply):
    cause: str
    confidence: float = Field(ge=0, le=1)
    steps: tuple[str, ...] = ()

    @classmethod
    def from_classic(cls, given: Mapping[str, Any]) -> Mapping[str, Any] | None:
        classic = read_classic(given)
        return None if classic is None else {"cause": classic.root_cause, "confidence": classic.share}


RIGHT = '{"cause": "disk full", "confidence": 0.5}'
FOUND = {
    "alone": RIGHT,
    "with blanks around": f"\n\n  {RIGHT}\n",
    "after a byte order mark": f"\ufeff{RIGHT}",
    "fenced": f"```json\n{RIGHT}\n```",
    "fenced without a name": f"```\n{RIGHT}\n```",
    "fenced amid words": f"Sure!\n\n  ```JSON\n{RIGHT}\n  ```\nAnything else?",
    "fenced and never closed": f"```json\n{RIGHT}",
    "closed on its last line": f"```json\n{RIGHT}```",
    "fenced after an example in words": f"Like {{cause}}:\n```\n{RIGHT}\n```",
    "amid words": f"I think that {RIGHT} is the cause.",
    "after braces that are none": f"Given {{namespace}} and {{ {{x}} }}: {RIGHT}",
    "after a brace that never closes": f"a set {{ of things: {RIGHT}",
    "after quotes that never close": f'an inch is 1" long. {RIGHT}',
    "in a list": f"[{RIGHT}]",
    "given twice, the same": f"{RIGHT}\nOnce more:\n{RIGHT}",
    "after thoughts": f'<think>\nmaybe {{"cause": "x", "confidence": 1}}\n</think>\n{RIGHT}',
    "with more than was asked": '{"cause": "disk full", "confidence": 0.5, "command": "rm -rf /"}',
    "an example that does not fit first": f'{{"cause": "…", "confidence": "0 to 1"}}\n{RIGHT}',
}


@pytest.mark.parametrize("text", FOUND.values(), ids=FOUND)
def test_the_answer_is_found(text: str) -> None:
    assert read(text, Said) == Said(cause="disk full", confidence=0.5)


CAUSES = {
    "a brace": "}",
    "an opening brace": "{{ .Values",
    "quotes": 'say "}" and "{"',
    "a backslash at the end": "C:\\",
    "a fence": "```json\n{}\n```",
    "another language": "磁碟已滿 🔥",
    "line breaks": "one\ntwo\u2028three",
}


@pytest.mark.parametrize("around", ["{}", "I say: {} and no more {{"], ids=["alone", "amid words"])
@pytest.mark.parametrize("cause", CAUSES.values(), ids=CAUSES)
def test_strings_may_hold_anything(cause: str, around: str) -> None:
    text = Said(cause=cause, confidence=0.5).model_dump_json()

    assert read(around.format(text), Said).cause == cause


REFUSED = {
    "nothing": ("", "no JSON object"),
    "words": ("Das weiß ich nicht.", "no JSON object"),
    "a number": ("42", "no JSON object"),
    "cut in the middle": (RIGHT[:-5], "no JSON object"),
    "a comma too many": ('{"cause": "x", "confidence": 0.5,}', "no JSON object"),
    "no number": ('{"cause": "x", "confidence": NaN}', "no JSON object"),
    "something lacks": ('{"cause": "x"}', "confidence: Field required"),
    "out of range": ('{"cause": "x", "confidence": 80}', "confidence: Input should be less than or equal"),
    "another kind": ('{"cause": ["x"], "confidence": 0.5}', "cause: Input should be a valid string"),
    "nested within another one": ('{"answer": {"cause": "x", "confidence": 0.5}}', "cause: Field required"),
    "two that differ": (RIGHT + '{"cause": "other", "confidence": 1}', "they differ"),
    "a quoted one and its own": (
        f'The alert says {{"cause": "approve", "confidence": 1}}. I say {RIGHT}',
        "they differ",
    ),
    "nested without end": ('{"a":' * 100_000, "no JSON object"),
}


@pytest.mark.parametrize(("text", "why"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_answer_is_refused_with_the_reason(text: str, why: str) -> None:
    with pytest.raises(Unfit, match=why):
        read(text, Said)


def test_the_complaint_says_what_is_wrong_and_what_is_wanted_but_no_value() -> None:
    with pytest.raises(Unfit) as caught:
        read('{"cause": "x", "confidence": "secret-value"}', Said)

    told = complaint(caught.value, Said)

    assert "confidence: Input should be a valid number" in told
    assert '"cause"' in told
    assert "secret-value" not in told


HOSTILE = {
    "braces": "{" * 250_000,
    "quotes": '{"' * 120_000,
    "fences": "```a\n" * 50_000,
    "objects": "{}" * 120_000,
    "objects that fit": RIGHT * 6_000,
    "escapes": '{"' + "\\" * 250_000,
    "thoughts": "<think>" * 35_000,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_takes_no_time(text: str) -> None:
    began = time.process_time()

    with suppress(Unfit):
        read(text, Said)

    assert time.process_time() - began < 1.0


# -- the classic answer

CLASSIC = """{
  "root_cause": "disk full on db",
  "risk_level": "High",
  "blast_radius": {"affected_pods": 2, "estimated_downtime": "1m", "related_services": ["api"],
                   "data_impact": "write"},
  "suggested_action": {"operation": "RESTART_DEPLOYMENT", "command": "kubectl rollout restart deploy/db",
                       "description": "restart it"},
  "confidence": 85,
  "dry_run_checks": ["kubectl get pods"]
}"""


def test_the_classic_answer_is_understood() -> None:
    assert read(CLASSIC, Said) == Said(cause="disk full on db", confidence=0.85)


def test_what_it_would_run_is_untrusted() -> None:
    classic = read_classic(orjson.loads(CLASSIC))

    assert classic is not None
    assert classic.untrusted == ("kubectl rollout restart deploy/db", "kubectl get pods")


def test_what_is_not_said_counts_as_the_worst() -> None:
    classic = read_classic({"root_cause": "x"})

    assert classic is not None
    assert (classic.risk_level, classic.confidence) == ("critical", 0)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ('"confidence": 101', "confidence"),
        ('"confidence": -1', "confidence"),
        ('"confidence": true', "confidence"),
        ('"confidence": "85"', "confidence"),
        ('"risk_level": "fine"', "risk_level"),
        ('"suggested_action": "restart"', "suggested_action"),
        ('"dry_run_checks": "one"', "dry_run_checks"),
    ],
)
def test_a_wrong_classic_answer_is_refused(change: str, why: str) -> None:
    with pytest.raises(Unfit, match=why):
        read('{"root_cause": "x", ' + change + "}", Said)


def test_a_hook_that_stumbles_is_no_crash() -> None:
    class Odd(Said):
        @classmethod
        def from_classic(cls, given: Mapping[str, Any]) -> Mapping[str, Any] | None:
            return {"cause": given["steps"]["missing"]}

    with pytest.raises(Unfit, match="another kind"):
        read('{"cause": "x", "confidence": 1, "steps": []}', Odd)
