"""One statement with its data, cut out of an HTTP request the way ClickHouse does it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sinks.store.errors import SYNTAX_ERROR, StatementError
from sinks.store.lexer import Token, tokens

BEFORE_DATA = re.compile(rb"[ \t\r\f\v]*\n?")
FORMAT_AT_END = re.compile(r"\bFORMAT\s+(\w+)\s*;?\s*$", re.IGNORECASE)
INSERT = re.compile(rb"\s*INSERT\b", re.IGNORECASE)


@dataclass(frozen=True)
class Statement:
    """What is asked; for an INSERT that brings data, the data and its format as well."""

    text: str
    tokens: tuple[Token, ...]
    input_format: str | None = None
    data: tuple[bytes, ...] = ()

    @property
    def verb(self) -> str:
        first = next((token for token in self.tokens if token.text != "("), None)
        return first.text.upper() if first else ""

    @property
    def output_format(self) -> str | None:
        found = FORMAT_AT_END.search(self.text)
        return found[1] if found else None


def read_statement(query: str, body: list[bytes]) -> Statement:
    """The statement of a request, begun in its `query` parameter or in its body."""
    start = query.encode() if query.strip() else b"".join(body)
    later = body if query.strip() else []
    if INSERT.match(start) and (insert := _insert(start, later)):
        return insert
    text = _text(b"\n".join([start, *([b"".join(later)] if later else [])]))
    return _plain(text)


def _insert(start: bytes, later: list[bytes]) -> Statement | None:
    """An INSERT whose rows follow it as data; None for INSERT … SELECT and rows written in SQL."""
    head: list[Token] = []
    for token in tokens(start.decode("latin-1")):  # one character a byte: the positions hold for both
        if token.says("SELECT") or token.says("WITH"):
            return None
        if token.says("VALUES"):
            return None if start[token.end :].strip() else _with_data(start[: token.start], "Values", later)
        if head and head[-1].says("FORMAT") and token.kind == "word":
            rest = start[_after_blanks(start, token.end) :]
            return _with_data(start[: head[-1].start], token.text, [rest, *later])
        head.append(token)
    return _with_data(start, "Values", later)


def _after_blanks(start: bytes, position: int) -> int:
    found = BEFORE_DATA.match(start, position)
    return found.end() if found else position


def _with_data(head: bytes, form: str, data: list[bytes]) -> Statement:
    text = _text(head)
    return Statement(text, tuple(tokens(text)), form, tuple(piece for piece in data if piece))


def _plain(text: str) -> Statement:
    if text.lstrip()[:6].upper() == "INSERT":  # rows written in SQL may be many: only the head is looked at
        return Statement(text, tuple(_head_of_values(text)))
    found = tuple(tokens(text))
    end = next((at for at, token in enumerate(found) if token.text == ";"), len(found))
    if any(token.text != ";" for token in found[end:]):
        raise StatementError.of(SYNTAX_ERROR, "One statement a request: something follows the ;")
    if not found[:end]:
        raise StatementError.of(SYNTAX_ERROR, "Empty query")
    return Statement(text[: found[end].start] if end < len(found) else text, found[:end])


def _head_of_values(text: str) -> list[Token]:
    head: list[Token] = []
    for token in tokens(text):
        head.append(token)
        if token.says("VALUES"):
            break
    return head


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise StatementError.of(SYNTAX_ERROR, f"The statement is not UTF-8: {error}") from error
