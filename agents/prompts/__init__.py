"""The texts that models are given, one file each; and a fence around what others wrote."""

from __future__ import annotations

import re
from functools import cache
from hashlib import sha256
from pathlib import Path

HERE = Path(__file__).parent
NAME = re.compile(r"[a-z][a-z0-9_]*")
MARK_LETTERS = 16


@cache
def load(name: str) -> str:
    """The text of prompts/{name}.md."""
    if not NAME.fullmatch(name):
        raise ValueError(f"no name of a prompt: {name!r}")
    path = HERE / f"{name}.md"
    if not path.exists():
        there = ", ".join(sorted(file.stem for file in HERE.glob("*.md")))
        raise ValueError(f"there is no prompt {name!r}; there are {there}")
    return path.read_text(encoding="utf-8").strip()


def fence(text: str) -> str:
    """The text as data. It cannot end its fence: the mark follows from the whole and is not in it."""
    mark = _mark(text)
    return f"<data {mark}>\n{text}\n</data {mark}>"


def _mark(text: str) -> str:
    """The same for the same text, so that a question can be repeated word for word."""
    mark = sha256(text.encode(errors="surrogatepass")).hexdigest()[:MARK_LETTERS]
    while mark in text.lower():
        mark = sha256(mark.encode()).hexdigest()[:MARK_LETTERS]
    return mark
