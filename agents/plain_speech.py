"""Whether a text reads like a report of a fault and like nothing else.

Stricter by far than the filter that cleans alerts, and wrong far more often: it costs nothing but that a
person decides. It knows what is usual, not what is hostile, so it does not have to foresee an attack.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator
from functools import lru_cache

from agents.plain_words import (
    BEGINS_AN_ORDER,
    COMMON,
    DETERMINERS,
    NO_ORDER_AFTER,
    NO_REMARK_AFTER,
    OF_FAULTS,
    PRODUCTS,
    REMARKS,
    SHORT,
    SPEAKS_TO_A_READER,
)

MOST_UNUSUAL = 2
MOST_SHARE = 0.2
FEW, MANY = 3, 10
"""words of a sentence from which on one, or two, may be unusual"""
MOST_MARKS = 3
LONGEST = 1_000
LONGEST_NAME, WORDS_OF_A_NAME = 63, 3
LAST_LATIN = 0x24F
HIDDEN = ("Cf", "Cc", "Co", "Cn", "Cs")
_LETTERS = re.compile(r"[^\W\d_]+(?:'s)?")
_MARKUP = re.compile(
    r"https?://|\]\(|</?[a-z!]|-->|[`\\]|\$\(|\w\((?!(?:ie|e)?s\))|%[0-9a-f]{2}|&&|\|\||={4,}|-{4,}|[?!]|"
    r"[a-z][+#~^@|]",
    re.IGNORECASE,
)
_ENCODED = re.compile(r"\b[01]{7,}\b|(?=[a-z]*\d)[a-z\d]{16,}|[^\s:]{41,}", re.IGNORECASE)
_TEMPLATE = re.compile(r"\{\{ ?\$(?:labels\.\w{1,40}|value)(?: ?\| ?humanize\w{0,12})? ?\}\}")
_SENTENCE = re.compile(r"(?<=[.;])\s+|\n|\s--?\s|,\s")
_LETTER = re.compile(r"[^\W_]")
_ENDS = ".;:,>)]"
_SUDDEN = re.compile(r"(?<=[a-z\d] )([A-Z][a-z]+)(?=\s)")
_ORDERS = re.compile(r"(\S+\s+)?\b([a-z]+)\s+(?:" + "|".join(sorted(DETERMINERS)) + r")\b")
_TO_SAY = re.compile(
    r"\b(?:assert|claim|confirm|declare|mention|pretend|repeat|reply|say|state|swear) that\b"
)
_REMARK = re.compile(r"(\S+)\s+([a-z]+)\W*$")
_NUMBER = re.compile(
    r"[^\w\s]*\d[\d.,:/×%+-]*(?:[a-zµ]{1,3}(?:/[a-z]{1,4})?)?%?|[a-z]{1,2}\d{1,3}", re.IGNORECASE
)
_ENDINGS = ("ies", "ing", "ied", "ers", "ors", "es", "ed", "er", "or", "ly", "s", "d")


@lru_cache(maxsize=2048)
def odd(text: str, names: str = "") -> str:
    """Why it does not, in a word or two; empty where it does. `names` are the names of things here."""
    text = _TEMPLATE.sub("", text)
    if not text.strip():
        return ""
    if why := _writing(text) or _spoken(text) or _order(text):
        return why
    known = _known(names)
    found = [_Words(sentence, known) for sentence in _SENTENCE.split(text)]
    if any(one.is_encoded for one in found):
        return "it may be encoded"
    unusual = [word for one in found for word in one.unusual]
    many = len(unusual) > MOST_UNUSUAL or len(unusual) > MOST_SHARE * sum(one.count for one in found)
    if many or any(one.is_odd for one in found):
        return f"unusual words: {', '.join(unusual[:3])}" if unusual else "it strays from the fault"
    return "it holds too many signs" if any(one.is_signs for one in found) else ""


@lru_cache(maxsize=8192)
def odd_name(text: str, names: str = "") -> str:
    """The same of what labels hold: a name is no report, but too short to tell anybody what to do."""
    if len(text) > LONGEST_NAME or any(one.isspace() for one in text):
        return odd(text, names)
    if not text or (why := _writing(text) or _spoken(text, FEW)):
        return why if text else ""
    parts = [part.lower() for part in _split(text)]
    if len(parts) > 1 and parts[0] in BEGINS_AN_ORDER:
        return f"it begins with {parts[0]!r}"
    strange = _Words(text, _known(names)).unusual
    return f"unusual words: {', '.join(strange[:3])}" if len(strange) > WORDS_OF_A_NAME else ""


def _writing(text: str) -> str:
    """What shows before a word is looked at."""
    if len(text) > LONGEST:
        return "it is long"
    if not text.isascii() and any(one.isalpha() and ord(one) > LAST_LATIN for one in text):
        return "it is in another script"
    if any(unicodedata.category(one) in HIDDEN for one in text if not one.isspace()):
        return "it holds hidden characters"
    if mark := _MARKUP.search(text):
        return f"it holds {mark[0]!r}"
    return ""


def _spoken(text: str, shortest: int = 1) -> str:
    """Whom it speaks to; `my` in MySQL and `us` in a region's name speak to nobody."""
    inner = (part for part in _split(text) if len(part) >= FEW)
    words = {part.lower() for part in (*_LETTERS.findall(text), *inner) if len(part) >= shortest}
    spoken = sorted(words & SPEAKS_TO_A_READER)
    return f"it says {spoken[0]!r}" if spoken else ""


def _begin(text: str) -> Iterator[str]:
    """Words that begin a sentence or stand behind a sign; in one pass, whatever the text is made of."""
    begins = True
    for token in text.split():
        letters = _LETTER.search(token)
        word = token[letters.start() :] if letters else ""
        if word.isalpha() and (begins or word != token):
            yield word.lower()
        begins = token[-1] in _ENDS or letters is None


def _order(text: str) -> str:
    """Verbs that begin a sentence, or that have an object where nobody tells what could not be done."""
    begins = [*_begin(text), *(found[1].lower() for found in _SUDDEN.finditer(text))]
    text = text.lower()
    if order := next((word for word in begins if word in BEGINS_AN_ORDER), ""):
        return f"it begins with {order!r}"
    for before, verb in _ORDERS.findall(text):
        if verb in BEGINS_AN_ORDER and before.strip() not in NO_ORDER_AFTER:
            return f"it orders to {verb!r}"
    if saying := _TO_SAY.search(text):
        return f"it says {saying[0]!r}"
    if remarked := next((word for word in begins if word in REMARKS), ""):
        return f"it remarks {remarked!r}"
    remark = _REMARK.search(text)
    if remark and remark[2] in REMARKS and remark[1].strip(",;") not in NO_REMARK_AFTER:
        return f"it remarks {remark[2]!r}"
    return ""


class _Words:
    """A sentence's words, and those among them that nobody uses for faults."""

    def __init__(self, sentence: str, known: Collection[str]) -> None:
        self.count, self.marks, self.numbers = 0, 0, 0
        self.of_faults, self.is_encoded = False, False
        self.unusual: list[str] = []
        for token in sentence.split():
            self._take(token, known)

    def _take(self, token: str, known: Collection[str]) -> None:
        bare = token.strip(".,;:()[]{}'\"<>%*#=")
        if bare.lower() not in known and _ENCODED.search(bare):
            self.is_encoded = True
        if not any(one.isalnum() for one in bare):
            self.marks += 1
        elif bare.lower() in known:
            self.count, self.of_faults = self.count + 1, True
        elif _NUMBER.fullmatch(bare):
            self.numbers += 1
        else:
            for part in _split(bare):
                self.count += 1
                self._weigh(part.lower(), known)

    def _weigh(self, part: str, known: Collection[str]) -> None:
        if part in known or _is_of_faults(part):
            self.of_faults = True
        elif not _is_common(part):
            self.unusual.append(part)

    @property
    def is_odd(self) -> bool:
        """A remark about nothing, or more that is unusual than a sentence of its length may hold."""
        most = (self.count >= FEW) + (self.count >= MANY)
        return len(self.unusual) > most or bool(self.count and not self.of_faults and not self.numbers)

    @property
    def is_signs(self) -> bool:
        return self.marks > MOST_MARKS + self.count or self.numbers > MOST_MARKS + 2 * self.count


@lru_cache(maxsize=64)
def _known(names: str) -> frozenset[str]:
    whole = [name.lower() for name in names.split()]
    return frozenset((*whole, *(part.lower() for part in _split(names))))


_SPLIT = re.compile(r"(?=[a-zA-Z]*\d)[a-zA-Z\d]{2,}|[A-Z]{2,}s?(?![a-z])|[A-Z]?[^\W\d_A-Z]+(?:'s)?|[^\W\d_]")


def _split(text: str) -> Iterator[str]:
    """`KubePodNotReady` is four words, `etcd's` one, `x2x4l` one that is none; numbers are left out."""
    return (part for part in _SPLIT.findall(text) if not part.isdecimal())


@lru_cache(maxsize=8192)
def _is_common(word: str) -> bool:
    return word in SHORT or any(stem in COMMON for stem in _stems(word))


@lru_cache(maxsize=8192)
def _is_of_faults(word: str) -> bool:
    return any(stem in OF_FAULTS or stem in PRODUCTS for stem in _stems(word)) or bool(
        _NUMBER.fullmatch(word)
    )


def _stems(word: str) -> list[str]:
    """The word, and what it may come from: `queries`, `evicted`, `scheduling`, `stopped`."""
    stems = [word]
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) > len(ending) + 2:
            stem = word[: -len(ending)]
            stems += [stem, stem + "e", stem + "y"]
            if stem[-1] == stem[-2]:
                stems.append(stem[:-1])
    return stems
