"""Values in PromQL. Label values come from alerts, and alerts may be hostile: nothing is pasted, all quoted.

A quoted value is one string literal whatever it holds; a pattern of it matches that text and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_REGEX_SIGNS = re.compile(r"[\\.+*?()|\[\]{}^$]")
LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


def quoted(value: str) -> str:
    """The value as a PromQL string literal."""
    return '"' + "".join(map(_escaped, value)) + '"'


def _escaped(sign: str) -> str:
    known = _ESCAPES.get(sign)
    if known is not None:
        return known
    code = ord(sign)
    if 0xD800 <= code <= 0xDFFF:
        return "\\ufffd"  # half of a pair is no character: nothing can be called so
    return f"\\x{code:02x}" if code < 0x20 or code == 0x7F else sign


def literal(value: str) -> str:
    """A regular expression (RE2) that matches this text alone; not quoted yet."""
    return _REGEX_SIGNS.sub(r"\\\g<0>", value)


def any_of(values: Iterable[str]) -> str:
    """A regular expression that matches one of these texts; not quoted yet."""
    return "|".join(map(literal, values))


def selector(equal: Mapping[str, str], like: Mapping[str, str] | None = None, more: str = "") -> str:
    """What stands between the braces: `equal` by value, `like` by expression; `more` is our own text."""
    for name in (*equal, *(like or {})):
        if not LABEL.fullmatch(name):
            raise ValueError(f"{name!r} is no label name")
    parts = [f"{name}={quoted(value)}" for name, value in equal.items() if value]
    parts += [f"{name}=~{quoted(value)}" for name, value in (like or {}).items()]
    return ",".join((*parts, more) if more else parts)
