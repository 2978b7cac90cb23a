"""Whether a text reads like a report of a fault and like nothing else.

Stricter by far than the filter that cleans alerts, and wrong far more often: it costs nothing but that a
person decides. It knows what is usual, not what is hostile, so it does not have to foresee an attack.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from agents.plain_words import BEGINS_AN_ORDER, COMMON, OF_FAULTS, SPEAKS_TO_A_READER

MOST_UNUSUAL = 2
MOST_SHARE = 0.2
LONGEST = 1_000
LAST_LATIN = 0x24F
HIDDEN = ("Cf", "Cc", "Co", "Cn", "Cs")
_TOKEN = re.compile(r"\S+")
_PARTS = re.compile(r"[^\W\d_]+(?:'s)?")
_MARKUP = re.compile(r"https?://|\]\(|</?[a-z!]|[`\\]|\$\(|&&|\|\||={4,}|-{4,}|[?!]", re.IGNORECASE)
_BEGINS = re.compile(r"(?:^|[.;:]\s+)\W*([^\W\d_]+)(?=\s)")
_NAME = re.compile(r".*[\d_:/@.=\[\]{}-].*\w")
_ENDINGS = ("ies", "ing", "ied", "ers", "ors", "es", "ed", "er", "or", "ly", "s", "d")


@lru_cache(maxsize=2048)
def odd(text: str, names: str = "") -> str:
    """Why it does not, in a word or two; empty where it does. `names` are the names of things here."""
    if not text.strip():
        return ""
    if len(text) > LONGEST:
        return "it is long"
    if not text.isascii() and any(one.isalpha() and ord(one) > LAST_LATIN for one in text):
        return "it is in another script"
    if any(unicodedata.category(one) in HIDDEN for one in text if not one.isspace()):
        return "it holds hidden characters"
    if mark := _MARKUP.search(text):
        return f"it holds {mark[0]!r}"
    words = [part.lower() for part in _PARTS.findall(text)]
    if spoken := next((word for word in words if word in SPEAKS_TO_A_READER), ""):
        return f"it says {spoken!r}"
    begins = (found[1].lower() for found in _BEGINS.finditer(text))
    if order := next((word for word in begins if word in BEGINS_AN_ORDER), ""):
        return f"it begins with {order!r}"
    return _unusual(text, names)


def _unusual(text: str, names: str) -> str:
    known = {part.lower() for part in _PARTS.findall(names)}
    words = [word for token in _TOKEN.findall(text) if not _NAME.fullmatch(token) for word in _split(token)]
    unusual = [word for word in words if len(word) > 2 and word not in known and not _usual(word)]
    few = len(unusual) <= MOST_UNUSUAL and len(unusual) <= MOST_SHARE * len(words)
    return "" if few else f"unusual words: {', '.join(unusual[:3])}"


def _split(token: str) -> list[str]:
    """`KubePodNotReady` is four words, `etcd's` one."""
    return [part.lower() for part in re.findall(r"[A-Z]{2,}(?![a-z])|[A-Z]?[^\W\d_A-Z]+|[A-Z]", token)]


@lru_cache(maxsize=8192)
def _usual(word: str) -> bool:
    return any(stem in COMMON or stem in OF_FAULTS for stem in _stems(word))


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
