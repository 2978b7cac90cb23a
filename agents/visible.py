"""Foreign text on a terminal: what would steer it, or hide in it, is shown as its code."""

from __future__ import annotations

import unicodedata

_KEPT = "\n\t"


def visible(text: str) -> str:
    """`\\x1b[2J` as four letters, not as a cleared screen; letters that no font shows as their numbers."""
    return text if text.isprintable() else "".join(map(_shown, text))


def _shown(one: str) -> str:
    if one.isprintable() or one in _KEPT:
        return one
    return " " if unicodedata.category(one) == "Zs" else one.encode("unicode_escape").decode()
