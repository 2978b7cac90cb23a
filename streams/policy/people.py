"""Who a person is, under whatever spelling: one name each, and a closed list of roles."""

from __future__ import annotations

import unicodedata
from enum import StrEnum


class Role(StrEnum):
    ADMIN = "admin"
    DEVOPS = "devops"
    SRE = "sre"
    CTO = "cto"
    CISO = "ciso"


_TWINS = {
    "a": "\u0430\u03b1\u0251",
    "b": "\u0432\u03b2\u044c",
    "c": "\u0441\u03f2",
    "d": "\u0501",
    "e": "\u0435\u03b5\u0454",
    "g": "\u0261",
    "h": "\u04bb\u043d",
    "i": "\u0456\u0131\u03b9",
    "j": "\u0458\u03f3",
    "k": "\u043a\u03ba",
    "l": "\u04cf\u01c0",
    "m": "\u043c",
    "n": "\u043f\u03b7",
    "o": "\u043e\u03bf\u0585",
    "p": "\u0440\u03c1",
    "q": "\u051b",
    "r": "\u0433",
    "s": "\u0455",
    "t": "\u0442\u03c4",
    "u": "\u03c5\u057d",
    "v": "\u0475\u03bd",
    "w": "\u051d\u03c9",
    "x": "\u0445\u03c7",
    "y": "\u0443\u03b3",
}
"""letters of other scripts that are read as Latin ones; more of them than needed does no harm"""
_LOOKS_LIKE = {ord(twin): letter for letter, twins in _TWINS.items() for twin in twins}


def skeleton(name: str) -> str:
    """What an eye sees: no case, accents, invisible characters, other scripts' twins of Latin letters."""
    wide = unicodedata.normalize("NFKD", name)
    seen = "".join(letter for letter in wide if unicodedata.category(letter) not in ("Mn", "Cf", "Zs", "Cc"))
    return seen.casefold().translate(_LOOKS_LIKE)


def same_person(one: str, other: str) -> bool:
    return skeleton(one) == skeleton(other)
