"""Whether a text is worth the patterns at all: most alerts are settled here, in a few microseconds.

Every family needs one of these words or marks; a test runs both lists with and without this check.
"""

from __future__ import annotations

import codecs
import re
import string

from connectors.alerts.disguise import COMMON_WORDS, LEET, words

ORDERS = words("ignore forget overlook neglect password prompt reveal approve previous")
_WORDS = words(
    """you your me i ich du tu eres dein deine ihr ihre please bitte kindly let now new
    overlook neglect follow obey listen attention heed regardless look igmre directives directions prompt
    prompts guidelines guidance restrictions programming assignment assignments thoughts thought prohibitions
    safeguards guardrails orders tasks task aufgaben anweisungen
    assistant developer human ai chatbot reviewer critic coordinator solver diagnostician
    act behave respond reply speak pretend imagine suppose role roleplay anything jailbreak god dan sudo
    unrestricted jetzt nun mochte note reminder
    answer tell ask say mention investigate escalate reveal deviate evaluate report fetch invisible visible
    hidden addressed letter letters vowels words numbers output print repeat admit claim simply
    password passcode secret credentials what who how why show leak confirm share list display
    write compose create generate draft formulate make produce craft provide prepare suggest develop give
    translate summarize summarise paraphrase rewrite convert extract classify spell decode decrypt encode
    correct combine explain describe determine interlace include integrate encrypt decide perform relay
    concatenate rephrase blame send transfer forward invite post mail email upload visit delete buy reserve
    get schreib schreibe verfasse formulier formuliere generier generiere generieren beantworte zeig zeige
    konzentrier konzentriere antworte code rot13 rot morse pig base64 form style
    begin script iframe union drop onerror onload onmouseover onclick approve authorize authorise skip bypass
    passed straight blast verdict vote decision execution approved mark tool treat"""
)
_ROTATED = frozenset(
    codecs.encode(word, "rot13") for word in ORDERS | {"disregard", "instructions", "password"}
)
_STEMS = (
    # orders to drop earlier orders, here and elsewhere
    "ignor", "disregard", "forget", "nstruct", "vergiss", "olvid", "oubli", "zaborav", "dimentic", "esquec",
    "abaikan", "abweichend", "missacht", "negeer",
    # marks of roles, tokens, code
    "[inst", "[/inst", "##", "${", "$(", "```", "===",
    "%%%", "---", "';", "javascript:", "__import", "eval(", "exec(", "system(",
    "\"role", "system:", "system :", "user:", " q:", "model:", "agent:", "llm:", "1=1", "1 = 1", "'1'",
    "as the", "message to", "message for", "state that", "prompt_",
)  # fmt: skip
_SIGNS = re.compile(r"\?(?=[\s\"')\]>!?.}\\*]|-->|$)|<[|/!<a-z]|\x1b")
_LETTERS = frozenset(string.ascii_lowercase)
_PARTS_OF_WORDS = frozenset(string.ascii_letters + string.digits + "-$@")
_AS_WORDS = str.maketrans({chr(code): " " for code in range(128) if chr(code) not in _PARTS_OF_WORDS})
_AS_LEET = {**_AS_WORDS, **LEET}
_SPELLED = frozenset(word for word in COMMON_WORDS | _WORDS if len(word) > 2)
_LONG = 24  # a word of this length may be base64


def may_be_hostile(text: str) -> bool:
    if not text.isascii():
        return True
    lower = text.lower()
    used = set(lower.translate(_AS_WORDS).split())
    mixed = [word for word in used if not word.isalpha()]
    return (
        not _WORDS.isdisjoint(used)
        or (("?" in lower or "<" in lower or "\x1b" in lower) and _SIGNS.search(lower) is not None)
        or _holds_stem(lower)
        or len(used & _LETTERS) > 3  # s p a c e d
        or is_rotated(used)
        or (bool(mixed) and (_may_be_encoded(mixed) or _is_spelled_with_digits(mixed, used)))
    )


def _may_be_encoded(mixed: list[str]) -> bool:
    return max(map(len, mixed)) >= _LONG and any(len(word) >= _LONG and word.isalnum() for word in mixed)


def _is_spelled_with_digits(mixed: list[str], used: set[str]) -> bool:
    return not _SPELLED.isdisjoint(set(" ".join(mixed).translate(_AS_LEET).split()) - used)


def _holds_stem(lower: str) -> bool:
    for stem in _STEMS:  # noqa: SIM110 - any() with a generator takes twice as long, for every text
        if stem in lower:
            return True
    return False


def is_rotated(used: set[str]) -> bool:
    return not _ROTATED.isdisjoint(used)
