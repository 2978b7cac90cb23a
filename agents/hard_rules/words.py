"""Reads the words of a shell: quotes, escapes, expansions, substitutions."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod

from agents.hard_rules.hits import Budget, Unreadable
from agents.hard_rules.syntax import Arithmetic, Parameter, Part, Script, Substitution, Text, Word

ENDS_WORD = frozenset(" \t\n;|&<>()")
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[0-9]|[@*#?$!-]")
BRACED = re.compile(r"(?P<sign>[!#]?)(?P<name>[A-Za-z_][A-Za-z0-9_]*|[0-9]+|[@*#?$!-])(?P<index>\[[^\]]*\])?")
ANSI = re.compile(
    r"\\(?:x(?P<hex>[0-9A-Fa-f]{1,2})|u(?P<short>[0-9A-Fa-f]{1,4})|U(?P<long>[0-9A-Fa-f]{1,8})"
    r"|(?P<octal>[0-7]{1,3})|c(?P<control>.)|(?P<plain>.))",
    re.DOTALL,
)
ANSI_PLAIN = {
    "n": "\n",
    "t": "\t",
    "r": "\r",
    "a": "\a",
    "b": "\b",
    "e": "\x1b",
    "E": "\x1b",
    "f": "\f",
    "v": "\v",
}


def ansi(text: str) -> str:
    """What `$'…'`, `printf` and `echo -e` make of escapes."""
    return ANSI.sub(_ansi_character, text)


def _ansi_character(found: re.Match[str]) -> str:
    if found["control"]:
        return chr(ord(found["control"].upper()) & 0x1F)
    if found["plain"]:
        return ANSI_PLAIN.get(found["plain"], found["plain"] if found["plain"] in "\\'\"?" else found[0])
    code = (
        int(found["octal"], 8) if found["octal"] else int(found["hex"] or found["short"] or found["long"], 16)
    )
    return chr(code) if 0 < code <= 0x10FFFF and not 0xD800 <= code <= 0xF8FF else ""


class Cursor:
    """A place in the text."""

    def __init__(self, text: str, depth: int, budget: Budget) -> None:
        self.text, self.at, self.depth, self.budget = text, 0, depth, budget

    def peek(self, ahead: int = 0) -> str:
        at = self.at + ahead
        return self.text[at] if at < len(self.text) else ""

    def looking_at(self, token: str) -> bool:
        return self.text.startswith(token, self.at)

    def take(self, token: str) -> bool:
        if not self.looking_at(token):
            return False
        self.at += len(token)
        return True

    def until(self, token: str) -> str:
        end = self.text.find(token, self.at)
        if end < 0:
            raise Unreadable(f"{token} is missing")
        found, self.at = self.text[self.at : end], end + len(token)
        return found


class WordReader(Cursor, ABC):
    """The words at the cursor. Scripts within words are read by the parser that extends this class."""

    @abstractmethod
    def script_until(self, closing: str) -> Script:
        """The script at the cursor, up to `closing`, which is stepped over."""

    @abstractmethod
    def nested(self, text: str) -> Script:
        """A script that stood within quotes of its own, one level deeper."""

    def word(self) -> Word:
        """The word at the cursor; empty where there is none."""
        parts: list[Part] = []
        while (character := self.peek()) and (character not in ENDS_WORD or self._is_process()):
            parts.extend(self._part(character))
        return merged(parts)

    def argument(self) -> Word:
        """All that is left as one word, space included: what follows the operator of `${name…}`."""
        parts: list[Part] = []
        while character := self.peek():
            if character in ENDS_WORD and not self._is_process():
                self.at += 1
                parts.append(Text(character, quoted=False))
            else:
                parts.extend(self._part(character))
        return merged(parts)

    def _is_process(self) -> bool:
        return self.peek() in "<>" and self.peek(1) == "("

    def _part(self, character: str) -> list[Part]:
        if character == "\\":
            return self._escaped()
        if character == "'":
            self.at += 1
            return [Text(self.until("'"), quoted=True)]
        if character == '"':
            self.at += 1
            return [Text("", quoted=True), *self.quoted('"')]
        if character == "`":
            return [self._backticks(quoted=False)]
        if character == "$":
            return self.dollar(quoted=False)
        if character in "<>":
            self.at += 2
            return [self._substitution(quoted=False, process=True)]
        return [self._run(ENDS_WORD | frozenset("\\'\"`$"))]

    def _run(self, stops: frozenset[str]) -> Part:
        start = self.at
        self.at += 1
        while self.at < len(self.text) and self.text[self.at] not in stops:
            self.at += 1
        return Text(self.text[start : self.at], quoted=False)

    def _escaped(self) -> list[Part]:
        following = self.peek(1)
        self.at += 2
        if following == "\n":
            return []
        return [Text(following or "\\", quoted=True)]

    def quoted(self, closing: str) -> list[Part]:
        """What double quotes hold, up to `closing`; to the end where that is empty (a here-document)."""
        parts: list[Part] = []
        stops = frozenset(closing + "\\`$")
        while character := self.peek():
            if character == closing:
                self.at += 1
                return parts
            if character == "\\":
                parts.extend(self._quoted_escape(closing))
            elif character == "`":
                parts.append(self._backticks(quoted=True))
            elif character == "$":
                parts.extend(self.dollar(quoted=True))
            else:
                run = self._run(stops)
                assert isinstance(run, Text)
                parts.append(Text(run.value, quoted=True))
        if closing:
            raise Unreadable("a quote is not closed")
        return parts

    def _quoted_escape(self, closing: str) -> list[Part]:
        following = self.peek(1)
        self.at += 2
        if following == "\n":
            return []
        if following and following in ("$`\\" + closing):
            return [Text(following, quoted=True)]
        return [Text("\\" + following, quoted=True)]

    def _backticks(self, *, quoted: bool) -> Substitution:
        self.at += 1
        inner: list[str] = []
        while (character := self.peek()) != "`":
            if not character:
                raise Unreadable("a backtick is not closed")
            if character == "\\" and self.peek(1) in ("`", "\\", "$") and self.peek(1):
                self.at += 1
                character = self.peek()
            inner.append(character)
            self.at += 1
        self.at += 1
        return Substitution(self.nested("".join(inner)), quoted)

    def _substitution(self, *, quoted: bool, process: bool = False) -> Substitution:
        return Substitution(self.script_until(")"), quoted, process)

    def dollar(self, *, quoted: bool) -> list[Part]:
        self.at += 1
        if self.looking_at("(("):
            start = self.at
            try:
                return [self._arithmetic()]
            except Unreadable:  # `$((…) …)` is a command that starts with a subshell
                self.at = start
        if self.take("("):
            return [self._substitution(quoted=quoted)]
        if self.take("{"):
            return [self._braced(quoted=quoted)]
        if self.take("["):
            return [Arithmetic(self.inner(self.until("]")))]
        if not quoted and self.take("'"):
            return [Text(ansi(self._ansi_source()), quoted=True)]
        if not quoted and self.take('"'):
            return [Text("", quoted=True), *self.quoted('"')]
        if found := NAME.match(self.text, self.at):
            self.at = found.end()
            return [Parameter(found[0], "", "", quoted)]
        return [Text("$", quoted=True)]

    def _ansi_source(self) -> str:
        start = self.at
        while self.peek() != "'":
            if not self.peek():
                raise Unreadable("a quote is not closed")
            self.at += 2 if self.peek() == "\\" else 1
        self.at += 1
        return self.text[start : self.at - 1]

    def _arithmetic(self) -> Arithmetic:
        self.at += 2
        start, open_ = self.at, 0
        while character := self.peek():
            if character == "(":
                open_ += 1
            elif character == ")" and open_:
                open_ -= 1
            elif character == ")":
                if self.peek(1) != ")":
                    break
                source = self.text[start : self.at]
                self.at += 2
                return Arithmetic(self.inner(source))
            self.at += 1
        raise Unreadable("an arithmetic expression is not closed")

    def inner(self, source: str) -> Word:
        """A piece of text read like the inside of double quotes."""
        reader = type(self)(source, self.budget.deeper(self.depth), self.budget)
        return merged(reader.quoted(""))

    def _braced(self, *, quoted: bool) -> Part:
        self.depth = self.budget.deeper(self.depth)
        source = self._to_closing_brace()
        self.depth -= 1
        found = BRACED.match(source)
        if not found:
            raise Unreadable("a parameter expansion cannot be read")
        return Parameter(
            found["name"], found["sign"] + "|" + (found["index"] or ""), source[found.end() :], quoted
        )

    def _to_closing_brace(self) -> str:
        """Steps over quotes and nested expansions; what is in them is read when it is expanded."""
        start = self.at
        while character := self.peek():
            if character == "}":
                self.at += 1
                return self.text[start : self.at - 1]
            self._step_over(character)
        raise Unreadable("a brace is not closed")

    def _step_over(self, character: str) -> None:
        if character == "\\":
            self.at += 2
        elif character == "'":
            self.at += 1
            self.until("'")
        elif character == '"':
            self.at += 1
            self.quoted('"')
        elif character == "`":
            self._backticks(quoted=True)
        elif character == "$":
            self.dollar(quoted=True)
        else:
            self.at += 1


def merged(parts: list[Part]) -> Word:
    """Neighbouring texts of one kind as one."""
    together: list[Part] = []
    for part in parts:
        last = together[-1] if together else None
        if isinstance(part, Text) and isinstance(last, Text) and part.quoted == last.quoted:
            together[-1] = Text(last.value + part.value, part.quoted)
        else:
            together.append(part)
    return tuple(together)
