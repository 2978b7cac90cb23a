"""Text inside of text: escapes, markup and encodings that a model reads through as if they were not there."""

from __future__ import annotations

import base64
import binascii
import codecs
import html
import re
from collections.abc import Callable, Iterator
from urllib.parse import unquote

from connectors.alerts.disguise import COMMON_WORDS, Shadow, Span, shadow_of, words

MOST_LAYERS = 3
_ESCAPES = re.compile(r"(?:%[0-9A-Fa-f]{2})+|&#?\w{1,8};|(?:\\u[0-9A-Fa-f]{4}|\\x[0-9A-Fa-f]{2})+", re.ASCII)
_MARKUP = re.compile(r"</?[a-zA-Z][^<>]{0,200}>|\*\*|__|~~|`|(?<=\w)[*\\](?=\w)")
_JOINED = re.compile(r"(?<=\w)(?:\+|_)(?=\w)", re.ASCII)
_MAY_BE_WRITTEN = re.compile(r"[%&\\<*_~`+]")
_BACKSLASHED = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|x([0-9A-Fa-f]{2}))")

_IN_ADDRESSES = str.maketrans("-_", "+/")


def _padded(token: str, width: int) -> str:
    token = token.rstrip("=")
    return token + "=" * (-len(token) % width)


_TOKENS: tuple[tuple[re.Pattern[str], Callable[[str], bytes]], ...] = (
    (
        re.compile(r"(?<![\w+/=-])[A-Za-z0-9+/_-]{24,8000}={0,2}(?![\w+/=-])"),
        lambda token: base64.b64decode(_padded(token.translate(_IN_ADDRESSES), 4), validate=True),
    ),
    (
        re.compile(r"(?<![\w=])[A-Z2-7]{24,8000}={0,6}(?![\w=])"),
        lambda token: base64.b32decode(_padded(token, 8)),
    ),
    (
        re.compile(r"(?<!\w)(?:0x)?(?:[0-9A-Fa-f]{2}[ :]?){12,4000}(?!\w)"),
        lambda token: bytes.fromhex(token.removeprefix("0x").replace(":", "")),
    ),
)

_WORD = re.compile(r"[a-z]{3,}")
REVERSED = frozenset(word[::-1] for word in COMMON_WORDS if len(word) > 3 or word in words("you the and"))
ROTATED = frozenset(codecs.encode(word, "rot13") for word in COMMON_WORDS if len(word) > 2)


def written_out(text: str) -> Shadow | None:
    """Without escapes and markup, with blanks for what stands for them; None if that changes nothing."""
    if not _MAY_BE_WRITTEN.search(text):
        return None
    plain = Shadow(text, range(len(text)))
    for _ in range(MOST_LAYERS):
        inner = _replaced(plain, _ESCAPES, _unescaped)
        if inner is plain:
            break
        plain = inner
    plain = _replaced(_replaced(plain, _MARKUP, lambda _: ""), _JOINED, lambda _: " ")
    return None if plain.text == text else plain.under(shadow_of(plain.text))


def _unescaped(escape: str) -> str:
    if escape[0] == "%":
        return unquote(escape)
    if escape[0] == "&":
        return html.unescape(escape)
    return _BACKSLASHED.sub(lambda one: chr(int(one[1] or one[2], 16)), escape)


def _replaced(plain: Shadow, pattern: re.Pattern[str], into: Callable[[str], str]) -> Shadow:
    """Each character of what is put in stands for the whole of what it is put in for."""
    letters: list[str] = []
    begins: list[int] = []
    ends: list[int] = []
    at, text = 0, plain.text
    for found in pattern.finditer(text):
        new = into(found[0])
        start, end = plain.back(*found.span())
        letters += (text[at : found.start()], new)
        begins += (*plain.origin[at : found.start()], *[start] * len(new))
        ends += (*plain.ends[at : found.start()], *[end] * len(new))
        at = found.end()
    if not letters:
        return plain
    return Shadow("".join((*letters, text[at:])), [*begins, *plain.origin[at:]], [*ends, *plain.ends[at:]])


def tokens(text: str) -> Iterator[tuple[Span, str]]:
    """What is written in base64, base32 or hexadecimal and is text inside."""
    for pattern, decode in _TOKENS:
        for found in pattern.finditer(text):
            inside = _decoded(found[0].strip(), decode)
            if inside is not None:
                yield found.span(), inside


def _decoded(token: str, decode: Callable[[str], bytes]) -> str | None:
    try:
        inside = decode(token).decode()
    except (binascii.Error, ValueError):
        return None
    return inside if inside.replace("\n", " ").isprintable() else None


def is_rotated(used: set[str]) -> bool:
    """Whether words make sense in rot13: one alone may be chance."""
    return len(ROTATED & used) > 1


def is_reversed(used: set[str]) -> bool:
    return len(REVERSED & used) > 1


def turned(shadow: Shadow) -> Iterator[tuple[Shadow, Span]]:
    """The text in rot13 or from behind, where its words make sense so; and from where to where they do."""
    found = list(_WORD.finditer(shadow.text))
    used = {word[0] for word in found}
    if is_rotated(used):
        yield (
            Shadow(codecs.encode(shadow.text, "rot13"), shadow.origin, shadow.ends),
            _around(shadow, found, ROTATED),
        )
    if is_reversed(used):
        span = _around(shadow, found, REVERSED)
        yield Shadow(shadow.text[::-1], shadow.origin[::-1], shadow.ends[::-1]), span
        yield _words_reversed(shadow), span


def _around(shadow: Shadow, found: list[re.Match[str]], known: frozenset[str]) -> Span:
    telling = [word for word in found if word[0] in known]
    return shadow.back(telling[0].start(), telling[-1].end())


def _words_reversed(shadow: Shadow) -> Shadow:
    return Shadow(_WORD.sub(lambda word: word[0][::-1], shadow.text), shadow.origin, shadow.ends)
