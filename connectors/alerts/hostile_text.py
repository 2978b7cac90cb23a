"""Text that talks to a model instead of reporting a fault becomes `[REDACTED]`.

Alerts state; they do not ask, plead, give orders to a reader, or play a part. Each family below names
one way of speaking to a model. Patterns run over a shadow of the text (see disguise.py) in which case,
spacing, invisible characters, lookalike letters and digits for letters are undone.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from connectors.alerts.disguise import (
    Shadow,
    Span,
    hidden_spans,
    leet_span,
    letters_of,
    shadow_of,
    squeezed,
    unleeted,
)
from connectors.alerts.encodings import MOST_LAYERS, tokens, turned, written_out
from connectors.alerts.hostile_families import FAMILIES, OVERRIDE
from connectors.alerts.hostile_words import TO_A_READER, TRADE, may_be_hostile

REDACTED = "[REDACTED]"
_QUESTION = re.compile(r"[\w)\"'*]\s?([?\u061f])(?=[\s\"')\]>!?.}\\*]|-->|$)")
_SENTENCE_ENDS = re.compile(r"[.!?:\n](?=\s)|\n")
_ASKED = re.compile(r"(?:^|: )(?:is|are|was|were|does|did|has|have|any)\b")
_SIGNS_BEFORE = re.compile(r"[\s.:!?;>)\]}\"'`|#/,–—-]+")
_WITH_SIGNS = frozenset({"special_token", "code"})
_WORDS = re.compile(r"[a-z]+")
_ENCODED, _HIDDEN = "encoded", "hidden_text"

Found = tuple[Span, str]


def clean(text: str, spare: Collection[str] = ()) -> tuple[str, tuple[str, ...]]:
    """The text with every hostile part replaced, and the names of the families found.

    Families to spare are left as they are: people may ask each other what an alert may not.
    """
    if not may_be_hostile(text):
        return text, ()
    found = [one for one in _search(text) if one[1] not in spare]
    if not found:
        return text, ()
    return _replace(text, found), tuple(sorted({family for _, family in found}))


def _search(text: str, depth: int = 0) -> Iterator[Found]:
    for span in hidden_spans(text):
        yield span, _HIDDEN
    shadow = shadow_of(text)
    yield from _families(shadow)
    yield from _in_digits(shadow)
    yield from _turned(shadow)
    yield from _in_tokens(text, depth)
    plain = written_out(text)
    if plain is not None:
        yield from _families(plain)


def _in_digits(shadow: Shadow) -> Iterator[Found]:
    digits_read = unleeted(shadow)
    if digits_read is not None:
        yield from _families(digits_read)
        spelled = leet_span(shadow)
        if spelled:
            yield spelled, _HIDDEN


def _families(shadow: Shadow) -> Iterator[Found]:
    for family, found in FAMILIES.found_in(shadow.text):
        start = found.start() if family in _WITH_SIGNS else _after_signs(shadow.text, found)
        yield shadow.back(start, found.end()), family
    if "?" in shadow.text or "\u061f" in shadow.text:
        for span in _questions(shadow.text):
            yield shadow.back(*span), "question"
    overrides = list(OVERRIDE.found_in(letters_of(shadow.text)))
    letters = squeezed(shadow) if overrides else shadow
    for family, found in overrides:
        yield letters.back(*found.span()), family


def _after_signs(text: str, found: re.Match[str]) -> int:
    """Patterns look at what stands before an order; the end of the sentence before is not part of it."""
    signs = _SIGNS_BEFORE.match(text, found.start(), found.end())
    return signs.end() if signs and signs.end() < found.end() else found.start()


def _questions(text: str) -> Iterator[Span]:
    """Sentences that end in a question mark; one in an address or an expression is none."""
    begin = 0
    for mark in _QUESTION.finditer(text):
        sentence = re.split(_SENTENCE_ENDS, text[begin : mark.end(1)])[-1].lstrip()
        begin = mark.end(1)
        if _is_question(sentence):
            yield begin - len(sentence), begin


def _is_question(sentence: str) -> bool:
    if not sentence.isascii():
        return True  # not every language puts blanks between its words
    *before, last = sentence.split(" ")
    return len(sentence) > 8 and bool(before) and "://" not in last and not _is_of_the_trade(sentence)


def _is_of_the_trade(sentence: str) -> bool:
    """Yes or no about a thing that engineers look at: runbooks ask "is the leader election stuck?"."""
    asked = _ASKED.search(sentence)
    words = set(_WORDS.findall(sentence[asked.start() :])) if asked else set()
    return not words.isdisjoint(TRADE) and words.isdisjoint(TO_A_READER)


def _turned(shadow: Shadow) -> Iterator[Found]:
    for other, span in turned(shadow):
        yield span, _ENCODED
        for inside, _ in _families(other):
            yield inside, _ENCODED


def _in_tokens(text: str, depth: int) -> Iterator[Found]:
    if depth < MOST_LAYERS:
        for span, inside in tokens(text):
            if may_be_hostile(inside) and any(_search(inside, depth + 1)):
                yield span, _ENCODED


def _replace(text: str, found: list[Found]) -> str:
    """Overlapping finds become one; from the end, so that positions stay right."""
    spans = sorted(_whole_words(text, span) for span, _ in found)
    for start, end in reversed(_merged(spans)):
        text = text[:start] + REDACTED + text[end:]
    return text


def _whole_words(text: str, span: Span) -> Span:
    """Patterns know the stem of a word; its ending goes with it."""
    start, end = span
    while end < len(text) and text[end - 1].isalnum() and text[end].isalnum():
        end += 1
    return start, end


def _merged(spans: list[Span]) -> list[Span]:
    merged: list[Span] = []
    for start, end in spans:
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged
