"""What may become an argument, and where it may stand."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from connectors.executors.arguments import Argument, faults, fill, troubles, values_of, words_of

SHOP = Argument(pattern="[a-z-]{2,20}")
DEPTH = Argument(least=-3, most=5)
MODE = Argument(one_of=("soft", "hard"), default="soft")
ALL = {"shop": SHOP, "depth": DEPTH, "mode": MODE}
SOUND = {"shop": "books", "depth": "2"}


@pytest.mark.parametrize(
    ("given", "says"),
    [
        pytest.param(SOUND, "", id="sound"),
        pytest.param({**SOUND, "mode": "hard"}, "", id="one of"),
        pytest.param({"depth": "2"}, "shop is missing", id="missing"),
        pytest.param(
            {**SOUND, "shape": "x"}, "no argument 'shape'; allowed: depth, mode, shop", id="unknown"
        ),
        pytest.param({**SOUND, "shop": "books; reboot"}, "shop does not fit", id="only in part"),
        pytest.param({**SOUND, "shop": "books\n"}, "cannot be printed", id="a line break at its end"),
        pytest.param({**SOUND, "shop": "bo\0oks"}, "cannot be printed", id="a zero"),
        pytest.param({**SOUND, "shop": "b" * 1001}, "over 1000", id="too long"),
        pytest.param({**SOUND, "depth": "6"}, "from -3 to 5", id="too much"),
        pytest.param({**SOUND, "depth": "2.0"}, "no whole number", id="no whole number"),
        pytest.param({**SOUND, "depth": "٢"}, "no whole number", id="digits of others"),
        pytest.param({**SOUND, "depth": ""}, "no whole number", id="empty"),
        pytest.param({**SOUND, "mode": "HARD"}, "mode is none of soft, hard", id="none of"),
    ],
)
def test_values_fit_their_type_whole(given: dict[str, str], says: str) -> None:
    told = "; ".join(troubles(ALL, given))

    assert says in told
    assert bool(says) == bool(told)


def test_no_complaint_repeats_a_value() -> None:
    given = {"shop": "bob@example.com", "depth": "bob@example.com", "mode": "bob@example.com"}

    assert "bob" not in "; ".join(troubles(ALL, given))


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"pattern": "a", "one_of": ("b",)},
        {"least": 1},
        {"least": 2, "most": 1},
        {"pattern": "("},
        {"pattern": "[a-z]+", "default": "7"},
        {"least": 1, "most": 5, "default": 9},
    ],
)
def test_an_argument_has_one_type_and_a_default_of_it(said: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Argument.model_validate(said)


def test_templates_are_filled_and_braces_doubled_are_themselves() -> None:
    assert fill("--shop={shop} {{x}}", {"shop": "{depth}", "depth": "9"}) == "--shop={depth} {x}"


@pytest.mark.parametrize("text", ["{shops}", "{", "}", "{shop", "{shop.name}", "{}", "{0}"])
def test_a_template_names_arguments_alone(text: str) -> None:
    assert list(faults(text, ALL))
    assert not list(faults("{shop} {action_id} {{}}", ALL))


@pytest.mark.parametrize(
    ("template", "value", "word"),
    [
        pytest.param("{shop}", "books", "books", id="a word"),
        pytest.param("--shop={shop}", "-x", "--shop=-x", id="behind the template's own dash"),
        pytest.param("-{shop}", "x", "-x", id="the template says so"),
        pytest.param("{shop}", "-x", None, id="it would be an option"),
        pytest.param("{shop}{mode}", "--", None, id="the first of two"),
        pytest.param("{depth}", "-3", None, id="a number below zero"),
    ],
)
def test_a_value_never_becomes_an_option(template: str, value: str, word: str | None) -> None:
    values = {"shop": value, "depth": value, "mode": "soft"}
    words = words_of([template], ALL, values)

    assert words == ([word] if word is not None else words)
    assert isinstance(words, str) == (word is None)


def test_an_empty_value_hides_no_dash_behind_it() -> None:
    empty = {"a": Argument(pattern=""), "b": Argument(pattern="-x")}

    assert isinstance(words_of(["{a}{b}"], empty, {"a": "", "b": "-x"}), str)


def test_an_argument_may_be_let_begin_with_a_dash() -> None:
    below = {"depth": DEPTH.model_copy(update={"may_begin_with_dash": True})}

    assert words_of(["{depth}"], below, {"depth": "-3"}) == ["-3"]


def test_defaults_stand_where_nothing_is_given() -> None:
    assert values_of(ALL, SOUND) == {"shop": "books", "depth": "2", "mode": "soft"}
