"""ClickHouse SQL as tokens: enough to see what a statement is and what it names.

It follows ClickHouse's own lexer where the two could disagree about what is a string and what is not,
since a name hidden from us and seen by the engine would be a hole.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from sinks.store.errors import SYNTAX_ERROR, StatementError

# The curly quotes and the heredoc are ClickHouse's own.
TOKEN = re.compile(
    r"""
      (?P<space> \s+ | --[^\n]* | \#[\ !][^\n]* | /\*.*?\*/ )
    | (?P<string> '(?:[^'\\]|\\.|'')*' | \u2018[^\u2019]*\u2019 | \$(?P<tag>\w*)\$.*?\$(?P=tag)\$ )
    | (?P<quoted> `(?:[^`\\]|\\.|``)*` | "(?:[^"\\]|\\.|"")*" | \u201c[^\u201d]*\u201d )
    | (?P<word> [^\W\d][\w$]* )
    | (?P<number> \d\w* )
    | (?P<open> ['"`\u2018\u201c] | /\* )
    | (?P<mark> . )
    """,
    re.VERBOSE | re.DOTALL | re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Token:
    kind: str  # string, quoted, word, number, mark
    text: str
    start: int
    end: int

    @property
    def name(self) -> str | None:
        """What it names, if it is an identifier, quoted or not."""
        if self.kind == "word":
            return self.text
        return self.text[1:-1] if self.kind == "quoted" else None

    def says(self, word: str) -> bool:
        return self.kind == "word" and self.text.upper() == word


def tokens(text: str) -> Iterator[Token]:
    """Without blanks and comments; an unfinished string or comment is a syntax error."""
    for found in TOKEN.finditer(text):
        kind = found.lastgroup if found.lastgroup != "tag" else "string"
        if kind == "open":
            raise StatementError.of(
                SYNTAX_ERROR, f"Nothing closes {found[0]} at position {found.start() + 1}"
            )
        if kind == "mark" and not found[0].isascii():
            # ClickHouse takes a dozen invisible characters for blanks; we need not keep that list in step.
            where = f"{found[0]!r} at position {found.start() + 1}"
            raise StatementError.of(SYNTAX_ERROR, f"Only strings and quoted names may hold {where}")
        if kind != "space":
            yield Token(str(kind), found[0], found.start(), found.end())
