"""Undoing tricks of writing, so that a pattern sees what a model would read.

A shadow is the text in plain lower-case letters, with an index from each of its characters back to
the original: only the offending part is replaced, the rest stays as it was.
"""
# ruff: noqa: RUF001 - letters that look like others are what this file is about

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache

Span = tuple[int, int]


def words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_LOOKALIKES = {
    ord(other): latin
    for latin, others in {
        "a": "аɑαАΑᴀ", "b": "ЬВΒʙ", "c": "сϲСᴄ", "d": "ԁᴅ", "e": "еєЕΕᴇ", "f": "ꜰғ",
        "g": "ɡɢ", "h": "һНΗʜ", "i": "іıιІΙɪ", "j": "јЈᴊ", "k": "кκКΚᴋ", "l": "ӏʟ",
        "m": "мМΜᴍ", "n": "ոΝɴ", "o": "оοօОΟᴏ", "p": "рρРΡᴘ", "q": "ԛǫ", "r": "гʀ",
        "s": "ѕЅ", "t": "тТΤᴛ", "u": "υսᴜ", "v": "νѵᴠ", "w": "ԝѡᴡ", "x": "хχХΧ",
        "y": "уүγУΥʏ", "z": "Ζᴢ",
    }.items()
    for other in others
}  # fmt: skip
LEET = str.maketrans(dict(zip("013457@$", "oieastas", strict=True)))
COMMON_WORDS = words(
    """the with and you your this that from then them all ignore previous instructions system prompt secret
    password please write email tell show give print repeat about what where when who are is not user his
    her config token approve delete rules following above instead"""
)
_INVISIBLE = frozenset(
    chr(code)
    for first, last in (
        (0x00AD, 0x00AD), (0x034F, 0x034F), (0x061C, 0x061C), (0x115F, 0x1160), (0x17B4, 0x17B5),
        (0x180B, 0x180E), (0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F), (0x3164, 0x3164),
        (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF),
    )
    for code in range(first, last + 1)
)  # fmt: skip
_TAGS = range(0xE0000, 0xE0080)  # a second ASCII that no font shows

_WORD = re.compile(r"[^\W\d_]+")
_LEET_WORD = re.compile(r"(?<![\w-])(?=[a-z\d@$]*[a-z][013457@$]|[013457@$]+[a-z])[a-z\d@$]{3,}(?![\w-])")


def _patterns(*texts: str) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(text, re.DOTALL) for text in texts)


# Writing that nobody uses in an alert unless to hide something: it is replaced whatever it says.
_HIDDEN_IN_ASCII = _patterns(
    r"\x1b\[(?:\d+;)*8m.{1,4000}?(?:\x1b\[[\d;]*m|$)",  # a terminal's invisible ink
    r"(?<![^\W_])(?:[^\W\d_][\W_]{1,3}){8,}[^\W\d_](?![^\W_])",  # s p a c e d letters
)
_HIDDEN = _HIDDEN_IN_ASCII + _patterns(
    "(?<!\U0001f3f4)[\U000e0000-\U000e007f]{3,}",  # tag characters; a flag's follow a black flag
    r"(?:[A-Za-z][\u00ad\u200b-\u200d\u2060-\u2064\ufeff]+){4,}",  # invisible ones between letters
    "[\u202d\u202e\u2066-\u2068][^\u202c\u2069]{4,}[\u202c\u2069]?",  # direction overridden
    "(?:[\uff21-\uff3a\uff41-\uff5a]+[\\s\u3000\uff01-\uff20]*){8,}",  # full-width Latin
)


_BETWEEN_LETTERS = re.compile("(?<=[!-~])[\u00ad\u200b-\u200d\u2060\ufeff]+(?=[!-~])")


def readable(text: str) -> str:
    """Text that can be encoded: no lone surrogates."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def without_invisible(text: str) -> str:
    """An address with an invisible character in it is none to a pattern, but still one to a reader."""
    return text if text.isascii() else _BETWEEN_LETTERS.sub("", text)


class Shadow:
    """`text` as a pattern should see it; its i-th character stands for origin[i] to ends[i] of the whole."""

    __slots__ = ("ends", "origin", "text")

    def __init__(self, text: str, origin: Sequence[int], ends: Sequence[int] | None = None) -> None:
        self.text, self.origin = text, origin
        self.ends = [at + 1 for at in origin] if ends is None else ends

    def back(self, start: int, end: int) -> Span:
        """From where to where in the original, where a text read from behind lies the other way round."""
        first, last = start, end - 1
        return (
            min(self.origin[first], self.origin[last]),
            max(self.ends[first], self.ends[last]),
        )

    def under(self, upper: Shadow) -> Shadow:
        """A shadow of this shadow's text, as one of the original."""
        return Shadow(
            upper.text, [self.origin[at] for at in upper.origin], [self.ends[at] for at in upper.origin]
        )


def shadow_of(text: str) -> Shadow:
    if text.isascii():
        return Shadow(text.lower(), range(len(text)))
    letters: list[str] = []
    origin: list[int] = []
    for at, character in enumerate(text):
        for plain in _plain(character, letters[-1] if letters else ""):
            letters.append(plain)
            origin.append(at)
    return Shadow(_without_lookalikes("".join(letters)), origin)


def squeezed(shadow: Shadow) -> Shadow:
    """Letters and digits alone, without marks, so that nothing can stand between the words."""
    kept = [at for at, character in enumerate(shadow.text) if character.isalnum()]
    return shadow.under(Shadow(letters_of(shadow.text), kept))


def letters_of(text: str) -> str:
    kept = filter(str.isalnum, text)
    return "".join(kept if text.isascii() else map(_unmarked, kept))


@lru_cache(maxsize=4096)
def _unmarked(character: str) -> str:
    """Without accents, in any alphabet; letters that are put together of several are left alone."""
    first = unicodedata.normalize("NFD", character)[0]
    return (
        character
        if character.isascii() or not first.isalnum() or "\uac00" <= character <= "\ud7a3"
        else first
    )


def unleeted(shadow: Shadow) -> Shadow | None:
    """w17h d161t5 read as letters; None where no two words look like that."""
    if len(_LEET_WORD.findall(shadow.text)) < 2:
        return None
    letters = _LEET_WORD.sub(lambda word: word[0].translate(LEET), shadow.text)
    return Shadow(letters, shadow.origin, shadow.ends)


def leet_span(shadow: Shadow) -> Span | None:
    """From the first to the last word with digits for letters, if common words are among them."""
    words = [word for word in _LEET_WORD.finditer(shadow.text) if word[0].translate(LEET) in COMMON_WORDS]
    return shadow.back(words[0].start(), words[-1].end()) if len(words) > 1 else None


def hidden_spans(text: str) -> Iterator[Span]:
    for pattern in _HIDDEN_IN_ASCII if text.isascii() else _HIDDEN:
        for found in pattern.finditer(text):
            yield found.span()
    if not text.isascii():
        yield from _mixed_words(text)


def _mixed_words(text: str) -> Iterator[Span]:
    """From the first to the last word that mixes Latin letters with lookalikes, if there are several."""
    mixed = [word.span() for word in _WORD.finditer(text) if _is_mixed(word[0])]
    if len(mixed) > 1:
        yield mixed[0][0], mixed[-1][1]


def _is_mixed(word: str) -> bool:
    latin = any("a" <= letter <= "z" or "A" <= letter <= "Z" for letter in word)
    return latin and any(ord(letter) in _LOOKALIKES for letter in word)


@lru_cache(maxsize=4096)
def _plain(character: str, before: str) -> str:
    """What one character reads as: nothing, itself in lower case, or what it stands for."""
    code = ord(character)
    if code < 0x80:
        return character.lower()
    if code in _TAGS:
        return chr(code - 0xE0000).lower() if code > 0xE001F else ""
    if character in _INVISIBLE:
        return ""
    if unicodedata.combining(character) and before.isascii():
        return ""
    apart = unicodedata.normalize("NFKD", character)
    if apart[0].isascii() and apart[0].isalpha():
        return "".join(part for part in apart if not unicodedata.combining(part)).lower()
    return unicodedata.normalize("NFKC", character).lower()


def _without_lookalikes(text: str) -> str:
    """Words written wholly in letters that look Latin become Latin; real Russian or Greek stays."""
    return _WORD.sub(lambda word: _as_latin(word[0]), text)


@lru_cache(maxsize=4096)
def _as_latin(word: str) -> str:
    if word.isascii():
        return word
    latin = word.translate(_LOOKALIKES)
    return latin if latin.isascii() and len(latin) == len(word) else word
