"""Patterns that are not tried are none that would have been found."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.alerts.hostile_families import FAMILIES, OVERRIDE
from connectors.alerts.needed import Patterns, needed

HERE = Path(__file__).parent
LINES = [
    line.lower()
    for name in ("orders.txt", "plain_alerts.txt")
    for line in (HERE / name).read_text().splitlines()
]


@pytest.mark.parametrize(
    ("pattern", "parts"),
    [
        ("abc", [[{"abc"}]]),
        ("ab?c", [[{"a"}, {"c"}]]),
        ("a+b", [[{"a"}, {"b"}]]),
        ("(?:tell|give) me", [[{"tell", "give"}, {" me"}]]),
        ("(?:tell|give)? me", [[{" me"}]]),
        ("(?:ab|c*)d", [[{"d"}]]),
        (r"one\b|two \w+ three", [[{"one"}], [{" three"}, {"two "}]]),
        (r"\d+", [[set()]]),
        ("(?!not)so", [[{"so"}]]),
    ],
    ids=lambda given: given if isinstance(given, str) else "",
)
def test_what_a_pattern_needs(pattern: str, parts: list[list[set[str]]]) -> None:
    assert needed(re.compile(pattern)) == parts


def test_letters_in_both_cases_are_refused() -> None:
    with pytest.raises(AssertionError, match="as they are"):
        needed(re.compile("a", re.IGNORECASE))


def test_a_pattern_without_letters_is_always_tried() -> None:
    assert [name for name, _ in Patterns([("number", re.compile(r"\d+"))]).found_in("x 7")] == ["number"]


def test_each_pattern_is_tried_once() -> None:
    twice = Patterns([("either", re.compile("one|two|three"))])
    assert [found[0] for _, found in twice.found_in("two, one")] == ["two", "one"]


def every(patterns: Patterns) -> set[tuple[str, re.Pattern[str]]]:
    return {(sought.name, sought.pattern) for some in patterns._by_start.values() for _, sought in some}


def spans(found: object) -> set[object]:
    return {(name, match.span()) for name, match in found}  # type: ignore[attr-defined] # pairs


@pytest.mark.parametrize("patterns", [FAMILIES, OVERRIDE], ids=["families", "override"])
@given(st.lists(st.sampled_from(LINES), min_size=1, max_size=3).map("\n".join))
def test_what_is_left_out_would_not_be_found(patterns: Patterns, text: str) -> None:
    for read in (text, re.sub(r"\W", "", text)):
        found = ((name, match) for name, pattern in every(patterns) for match in pattern.finditer(read))
        assert spans(patterns.found_in(read)) == spans(found)
