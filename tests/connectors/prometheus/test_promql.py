"""Label values come from alerts; whatever they hold, a question stays the question that we wrote."""

from __future__ import annotations

import re

import pytest

from connectors.prometheus.fake import unquoted
from connectors.prometheus.promql import any_of, literal, quoted, selector

HOSTILE = [
    "web-1",
    'x"} or vector(1) or up{a="',
    "x\\",
    'x\\"} or up{a="',
    "x\ny",
    "`x`",
    "x' or '1",
    "$labels",
    "{{ x }}",
    ".*",
    "a|b",
    "(((((((((((a",
    "\x00\x07\x7f",
    "pods/é/重/🙂",
    "\ud800",
    "SEL",
    "#comment",
    "",
    "x" * 10_000,
]


@pytest.mark.parametrize("value", HOSTILE, ids=lambda value: repr(value)[:30])
def test_a_value_is_one_literal_whatever_it_holds(value: str) -> None:
    text = quoted(value)
    assert re.fullmatch(r'"(?:[^"\\\n]|\\.)*"', text)
    assert unquoted(text[1:-1]) == value.replace("\ud800", "\ufffd")


@pytest.mark.parametrize("value", HOSTILE, ids=lambda value: repr(value)[:30])
def test_a_pattern_of_a_value_matches_that_value_alone(value: str) -> None:
    pattern = re.compile(literal(value))
    assert pattern.fullmatch(value)
    assert not pattern.fullmatch(value + "x")
    assert not pattern.fullmatch("x" + value) or value == "" or value.startswith("x" * 100)


def test_one_of_several() -> None:
    pattern = re.compile(any_of(["a.b", "c|d"]))
    assert [bool(pattern.fullmatch(text)) for text in ("a.b", "c|d", "axb", "c")] == [
        True,
        True,
        False,
        False,
    ]


def test_a_selector_leaves_out_what_is_not_known() -> None:
    assert selector({"namespace": "", "pod": 'a"b'}, {"job": "x"}, 'c!=""') == 'pod="a\\"b",job=~"x",c!=""'


def test_a_label_name_is_never_taken_from_outside() -> None:
    with pytest.raises(ValueError, match="is no label name"):
        selector({'x="1",y': "2"})
