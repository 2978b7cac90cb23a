"""No text outside the catalogues, the same keys in both languages, and every key that is used."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from connectors.gateway.console_files import FOLDER
from tests.connectors.gateway.console.files import catalogues, code, markup, modules

ATTRIBUTES = "aria-label|title|placeholder|alt|aria-description"
NAMES = re.compile(r"AWOOOI|Enter|Ctrl|awoooi [a-z ]+")
"""of the product, of keys on every keyboard, and of commands"""
TEXT = re.compile(r">([^<>]*[^\W\d_]{2,}[^<>]*)<")
SPOKEN = re.compile(rf'(?:{ATTRIBUTES})="([^"]*[^\W\d_][^"]*)"')
CALL = re.compile(r'\bt\("([^"]+)"')
LABEL = re.compile(r'useKey\([^,]+, "([^"]+)"')
CODE_SPEAKS = re.compile(r'(?:ariaLabel|textContent|document\.title) = "|alert\(|confirm\(|prompt\(')


@pytest.fixture(scope="module")
def words() -> dict[str, dict[str, str]]:
    return catalogues()


def texts_of(source: str) -> list[str]:
    """Words that stand in the markup itself."""
    shown = re.sub(r"<[^<>]*>", "<>", f">{markup(source)}<")
    said = [found.strip() for found in TEXT.findall(shown)]
    return [text for text in [*said, *SPOKEN.findall(markup(source))] if text and not NAMES.fullmatch(text)]


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(FOLDER)))
def test_a_module_has_no_words_of_its_own(path: Path) -> None:
    source = code(path)

    assert texts_of(source) == []
    assert not CODE_SPEAKS.search(source)


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("html`<p>Approve it</p>`", ["Approve it"]),
        ("html`<p>${t('ok')}</p>`", []),
        ("html`<p>${open && html`<b>Now</b>`}</p>`", ["Now"]),
        ('html`<button aria-label="Close">×</button>`', ["Close"]),
        ("html`<p class=${`a ${b}`}>· ${x}</p>`; const words = `not markup`", []),
        ("html`<p>核准</p>`", ["核准"]),
        ("const a = { b: `c` }; html`<i>${a}</i>`", []),
    ],
    ids=["text", "from the catalogue", "nested", "attribute", "other template", "chinese", "code"],
)
def test_words_are_found(source: str, found: list[str]) -> None:
    assert texts_of(source) == found


def test_both_languages_say_the_same_things(words: dict[str, dict[str, str]]) -> None:
    english, chinese = words["en"], words["zh-Hant"]

    assert english.keys() ^ chinese.keys() == set()
    filled = {key for key in english if _holes(english[key]) != _holes(chinese[key])}
    assert filled == set()
    assert not [key for key, word in [*english.items(), *chinese.items()] if not word.strip() and key != ""]


def test_every_word_that_is_asked_for_is_there(words: dict[str, dict[str, str]]) -> None:
    asked = {
        key
        for path in modules()
        for pattern in (CALL, LABEL)
        for key in pattern.findall(code(path))
        if "${" not in key
    }
    there = words["en"].keys()

    assert {key for key in asked if key not in there and f"{key}.other" not in there} == set()


def test_chinese_is_not_left_in_english(words: dict[str, dict[str, str]]) -> None:
    """Names and abbreviations are the same in both."""
    same = {
        key for key, word in words["en"].items() if words["zh-Hant"][key] == word and len(word.split()) > 2
    }

    assert same == set()


def test_the_document_names_every_key() -> None:
    source = "\n".join(code(path) for path in modules())
    pages = re.findall(r'\["\w*", "(\w)"\]', code(FOLDER / "shell.js"))
    acts = re.findall(r'key: "(.)"', code(FOLDER / "parts" / "incident_acts.js"))
    keys = {*re.findall(r'useKey\("([^"]+)"', source), *(f"g {letter}" for letter in pages), *acts}
    told = (Path(__file__).parents[4] / "docs" / "console.md").read_text()

    assert len(keys) > 10
    assert {key for key in keys if f"`{key}`" not in told} == set()


def _holes(text: str) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", text))
