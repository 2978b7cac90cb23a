from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from agents.evaluation.intervals import Share
from agents.evaluation.privacy import Line, measure
from agents.personal import find
from agents.privacy import Shield, restore
from agents.run_shield import RunShield
from awoooi import eval_privacy
from schemas.errors import AwoooiError
from tests.agents.privacy_log_rows import COVERED_IN_LOGS, READABLE_IN_LOGS
from tests.agents.privacy_rows import COVERED, KEYS, READABLE
from tests.measured import measured

MARKED = re.compile("«(.*?)»", re.DOTALL)


def unmarked(row: str) -> tuple[str, list[tuple[int, int]]]:
    spans = []
    for index, mark in enumerate(MARKED.finditer(row)):
        start = mark.start() - 2 * index
        spans.append((start, start + len(mark[1])))
    return MARKED.sub(r"\1", row), spans


@pytest.mark.parametrize("row", [*COVERED, *COVERED_IN_LOGS])
def test_exactly_the_value_becomes_a_label(row: str) -> None:
    text, spans = unmarked(row)
    assert [(start, end) for start, end, _ in find(text)] == spans


@pytest.mark.parametrize("text", [*READABLE, *READABLE_IN_LOGS])
def test_what_is_no_personal_value_stays(text: str) -> None:
    assert [text[start:end] for start, end, _ in find(text)] == []


@pytest.mark.parametrize("vendor", KEYS)
def test_a_vendors_key_is_covered_wherever_it_stands(vendor: str) -> None:
    key = KEYS[vendor]
    for text in (f"found {key} in a log", f'x="{key}",', f"leaked: {key}. Rotate it", f"https://h/?v={key}"):
        at = text.index(key)
        assert any(start <= at and at + len(key) <= end for start, end, _ in find(text)), text


def test_what_is_covered_stays_covered_and_nothing_more_is_found_in_it() -> None:
    """The shield looks at texts twice: first in normalize, then with the evidence."""
    for row in (*COVERED, *COVERED_IN_LOGS, *KEYS.values(), *READABLE):
        shield = Shield()
        once = shield.cover(MARKED.sub(r"\1", row))
        left = [once[start:end] for start, end, _ in find(once)]
        assert set(left) <= set(shield.values), once


def test_through_an_alert_and_a_run_the_text_comes_back() -> None:
    for row in (*COVERED, *COVERED_IN_LOGS, *KEYS.values(), *READABLE, *READABLE_IN_LOGS):
        text, alert = MARKED.sub(r"\1", row), Shield()
        shown = alert.cover(text)
        run = RunShield(alert.values)
        run.gathered("first of all 203.0.113.200", 100)
        again = run.of_alert(shown)
        assert not run.leaks(again), again
        assert restore(again, run.values) == text


# --- the measure ----------------------------------------------------------------------------------------


def line(text: str, *spans: tuple[int, int]) -> Line:
    return Line.model_validate(
        {"text": text, "spans": [{"start": a, "end": b, "type": "X"} for a, b in spans]}
    )


def test_a_half_covered_value_counts_as_missed() -> None:
    seen = measure(line("from 10.0.0.1 on", span) for span in ((5, 13), (0, 13), (5, 16)))
    assert (seen.all.covered, seen.all.spans, seen.wrong) == (1, 3, ("line 2", "line 3"))


def test_a_touched_clean_line_fails_the_measure() -> None:
    seen = measure([line("from 10.0.0.1"), line("all is well")])
    assert (seen.all.touched, seen.all.clean, seen.passes) == (1, 2, False)


def test_each_line_is_in_one_half() -> None:
    seen = measure(line(f"from 10.0.0.{index}", (5, 13)) for index in range(100))
    assert seen.developed_on.spans + seen.held_out.spans == seen.all.spans == 100
    assert 30 < seen.held_out.spans < 70


@pytest.mark.parametrize(
    ("hits", "of", "low", "high"),
    [(0, 0, 0, 1), (0, 10, 0, 0.2775), (10, 10, 0.7225, 1), (50, 100, 0.4038, 0.5962)],
)
def test_wilsons_interval(hits: int, of: int, low: float, high: float) -> None:
    share = Share(hits, of)
    assert (share.low, share.high) == (pytest.approx(low, abs=1e-4), pytest.approx(high, abs=1e-4))


def test_the_command_prints_figures_for_programs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "lines.jsonl"
    rows: list[dict[str, Any]] = [
        {"text": "from 10.0.0.1", "spans": [{"start": 5, "end": 13, "type": "IPV4"}], "license": "ours"},
        {"text": "all is well", "spans": []},
    ]
    file.write_text("\n".join(map(json.dumps, rows)) + "\n")
    assert eval_privacy.run(str(file), as_json=True) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["spans_covered"]["share"] == 1
    assert told["clean_touched"]["share"] == 0
    assert eval_privacy.run(str(file), as_json=False) == 0
    assert "PASS" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("nonsense", "line 1: not JSON"),
        ('{"spans": []}', "line 1: text"),
        ('{"text": "ab", "spans": [{"start": 1, "end": 9}]}', "line 1: spans: 1 to 9 in a text of 2"),
        ('{"text": "ab"}\n[]', "line 2: not an object"),
    ],
    ids=["no JSON", "no text", "outside", "a list"],
)
def test_a_broken_line_is_named(tmp_path: Path, content: str, said: str) -> None:
    file = tmp_path / "lines.jsonl"
    file.write_text(content)
    with pytest.raises(AwoooiError, match=said):
        eval_privacy.run(str(file), as_json=False)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(AwoooiError, match=r"none\.jsonl cannot be read"):
        eval_privacy.run(str(tmp_path / "none.jsonl"), as_json=False)


def test_the_reference_lines_pass_in_both_halves() -> None:
    seen = measure(Line.model_validate(plain) for plain in measured("safety/pii.jsonl"))
    for half in (seen.developed_on, seen.held_out):
        assert half.covered / half.spans >= 0.99
        assert half.touched / half.clean <= 0.02
