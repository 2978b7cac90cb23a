"""Expressions of silences: RE2's meaning, and never slow."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.patterns import LONGEST_PATTERN, compiled

SAME_AS_RE = [
    "a",
    "ab|cd",
    "(a|b)*c",
    "a{2,3}",
    "a{2}",
    "a{0,1}b",
    "a{1,}",
    "[a-c]+x?",
    "[^a-c]d",
    "web-[0-9]+",
    "(?:foo|bar)-.+",
    r"\d+\.\d+",
    "^a.*b$",
    "(a*)*b",
    "((a|b)?c)+",
    "x(|y)z",
    r"[a\-c]+",
    "[-a]b",
    "[a-]b",
    r"\w+\s\S",
    "a+?b*?",
    "]a}",
]


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(SAME_AS_RE), st.text("abcdxyz01-. fobarwe]}", max_size=8))
def test_it_means_what_others_mean_by_it(pattern: str, value: str) -> None:
    assert compiled(pattern).matches(value) == bool(re.fullmatch(pattern, value, re.DOTALL))


@pytest.mark.parametrize(
    ("pattern", "value"),
    [
        ("web-[0-9]+", "web-12"),
        (r"10\.0\.0\.[0-9]{1,3}:9100", "10.0.0.17:9100"),
        ("(KubePod|KubeNode).+", "KubeNodeNotReady"),
        ("(a+)+b", "a" * 40 + "b"),
        ("負荷.", "負荷x"),
    ],
)
def test_what_people_write_fits(pattern: str, value: str) -> None:
    assert compiled(pattern).matches(value)
    assert not compiled(pattern).matches("!" + value)


REFUSED = {
    "a**": "repeats what is repeated",
    "(": "ends too early",
    "a)": r"a \) too many",
    "[a": "ends too early",
    "a{x}": "counts nothing",
    "(?i)a": "a group of a kind",
    r"\bx": "not understood",
    "[z-a]": "a range that is none",
    "a^b": r"a \^ where none",
    "\\": "ends too early",
    "(" * 25 + "a" + ")" * 25: "nested deeper",
    "(a{999}){9}": "more than",
    "[[:alpha:]]": "a named class",
    "*a": r"a \* where none",
    "x" * (LONGEST_PATTERN + 1): "longer than",
}


@pytest.mark.parametrize(("pattern", "why"), REFUSED.items(), ids=[name[:12] for name in REFUSED])
def test_what_is_not_understood_is_refused_by_name(pattern: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        compiled(pattern)


@settings(max_examples=300, deadline=None)
@given(st.text("ab()[]{}|*+?.\\^$-,0129:", max_size=30), st.text(max_size=10))
def test_whatever_is_written_is_read_or_refused(pattern: str, value: str) -> None:
    try:
        program = compiled(pattern)
    except ValueError as error:
        assert str(error)  # noqa: PT017 - both ways out are right
    else:
        program.matches(value)


@pytest.mark.parametrize(
    "pattern", ["(a*)*" * 40 + "b", "(a|b|c|d)*" * 30, "(a?){200}a{200}", "(.*)(.*)(.*)x"]
)
def test_nothing_makes_it_slow(pattern: str) -> None:
    began = time.monotonic()
    compiled(pattern).matches("abcd" * 2_500 + "e")
    assert time.monotonic() - began < 0.5
