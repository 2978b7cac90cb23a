"""What is found out once for all texts of a shape holds for each of them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.alerts.disguise import words
from connectors.alerts.metrics import from_text
from connectors.alerts.shapes import LONE_NUMBERS, Shape, key_of

NAMES = words("p99 P99 99th percentile latency memory cpu disk error rate throttled restarted restarts times")
SIGNS = words("is at above of limit ms s % . , : ( )")
NUMBERS = words("7 99 9 95 0.5 12.25 123456789 1234567890 x-7 p95 p9 10.0.0.1 99.9 p990")
pieces = st.lists(st.sampled_from([*sorted(NAMES | SIGNS | NUMBERS), " ", " "]), max_size=14).map("".join)


@settings(max_examples=400, deadline=None)
@given(pieces, st.randoms(use_true_random=False))
def test_texts_with_one_key_have_one_shape(text: str, dice: object) -> None:
    other = "".join(dice.choice("0123456789") if "0" <= sign <= "9" else sign for sign in text)  # type: ignore[attr-defined]
    for twin in (other, text.replace("95", "99"), text.replace("99", "95")):
        if key_of(twin) == key_of(text):
            assert Shape.of(twin) == Shape.of(text)
    shape = Shape.of(text)
    assert shape.numbers_in(text) == from_text(text)
    assert shape.without_numbers(text) == LONE_NUMBERS.sub("0", text)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("12% of 7", "98% of 4", True),
        ("12% of 7", "12% of 17", False),
        ("p99 is 340 ms", "p99 is 512 ms", True),
        ("p99 is 340 ms", "p95 is 340 ms", False),
        ("99th percentile: 7 s", "95th percentile: 7 s", False),
    ],
    ids=["other digits", "more digits", "the name stays", "another name", "another percentile"],
)
def test_what_belongs_to_one_shape(one: str, other: str, same: bool) -> None:
    assert (key_of(one) == key_of(other)) is same
