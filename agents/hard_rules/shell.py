"""A parser for the shell's grammar, by hand: lists, pipelines, compound commands, here-documents.

It accepts what a POSIX shell or bash accepts and little more; what it cannot read raises `Unreadable`.
"""

from __future__ import annotations

import re

from agents.hard_rules.hits import Budget, Unreadable, listed
from agents.hard_rules.syntax import (
    Assignment,
    Command,
    Compound,
    Function,
    Pipeline,
    Redirect,
    Script,
    Simple,
    Text,
    Word,
)
from agents.hard_rules.words import WordReader

ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(\[[^\]\n]*\])?(\+?)=")
REDIRECTION = re.compile(r"(?:\d+|\{[A-Za-z_]\w*\})?(<<<|<<-|<<|<>|<&|>&|>>|>\||&>>|&>|<|>)")
RESERVED = listed("then else elif fi do done esac }")
FUNCTION = re.compile(
    r"(?:function[ \t]+)([^\s()<>|;&]+)[ \t]*(?:\([ \t]*\))?\s*|([^\s()<>|;&$`'\"=]+)[ \t]*\([ \t]*\)\s*"
)
RAW_WORD = re.compile(r"[^\s;|&<>()]+")


def parse(text: str, budget: Budget, depth: int = 0) -> Script:
    return Parser(text, budget.deeper(depth), budget).whole()


class Parser(WordReader):
    def __init__(self, text: str, depth: int, budget: Budget) -> None:
        super().__init__(text, depth, budget)
        self._awaited: list[Redirect] = []
        self._ended_by = ""

    def whole(self) -> Script:
        script = self._list(frozenset())
        if self.at < len(self.text):
            raise Unreadable(f"{self.peek()!r} is in the wrong place")
        self._here_documents()
        return script

    def script_until(self, closing: str) -> Script:
        self.depth = self.budget.deeper(self.depth)
        script = self._list(frozenset(closing))
        if not self.take(closing):
            raise Unreadable(f"{closing!r} is missing")
        self.depth -= 1
        return script

    def nested(self, text: str) -> Script:
        return parse(text, self.budget, self.depth)

    # -- lists

    def _list(self, closing: frozenset[str], words: frozenset[str] = frozenset()) -> Script:
        pipelines: list[Pipeline] = []
        while True:
            self._space(lines=True)
            if (
                not self.peek()
                or self.peek() in closing
                or self._raw_word() in words
                or self.looking_at(";;")
            ):
                return Script(tuple(pipelines))
            pipelines.append(self._pipeline())
            self._space()
            if not self._separator():
                return Script(tuple(pipelines))

    def _separator(self) -> bool:
        if self.looking_at(";;"):
            return True
        return self.looking_at("\n") or any(self.take(token) for token in ("&&", "||", ";", "&"))

    def _pipeline(self) -> Pipeline:
        while self._raw_word() in ("!", "time", "coproc"):
            self.at += len(self._raw_word())
            self._space()
            if self._raw_word() == "-p":
                self.at += 2
                self._space()
        commands = [self._command()]
        self._space()
        while self.looking_at("|") and not self.looking_at("||"):
            self.at += 2 if self.looking_at("|&") else 1
            self._space(lines=True)
            commands.append(self._command())
            self._space()
        return Pipeline(tuple(commands))

    # -- commands

    def _command(self) -> Command:
        self.budget.step()
        self.depth = self.budget.deeper(self.depth)
        try:
            return self._one_command()
        finally:
            self.depth -= 1

    def _one_command(self) -> Command:
        word = self._raw_word()
        if word in RESERVED:
            raise Unreadable(f"{word!r} is in the wrong place")
        if self.looking_at("((") and (found := self._double_parenthesis()):
            return found
        if self.peek() == "(":
            self.at += 1
            return self._compound("group", (self.script_until(")"),))
        if word == "{":
            self.at += 1
            return self._compound("group", (self._body("}"),))
        if word in ("if", "while", "until", "for", "select", "case", "[["):
            self.at += len(word)
            return self._keyword(word)
        if word and (function := FUNCTION.match(self.text, self.at)):
            self.at = function.end()
            return Function(function[1] or function[2], self._command())
        return self._simple()

    def _double_parenthesis(self) -> Command | None:
        start = self.at
        try:
            source = self._arithmetic()
        except Unreadable:
            self.at = start
            return None
        return self._compound("test", (), (source.source,))

    def _compound(
        self, kind: str, bodies: tuple[Script, ...], words: tuple[Word, ...] = (), variable: str = ""
    ) -> Compound:
        redirects: list[Redirect] = []
        self._space()
        while (redirect := self._redirect()) is not None:
            redirects.append(redirect)
            self._space()
        return Compound(kind, bodies, words, variable, tuple(redirects))

    def _body(self, *ends: str) -> Script:
        """A list up to one of these reserved words, which is taken."""
        script = self._list(frozenset(), frozenset(ends))
        if self._raw_word() not in ends:
            raise Unreadable(f"{ends[0]!r} is missing")
        self._ended_by = self._raw_word()
        self.at += len(self._ended_by)
        return script

    def _keyword(self, word: str) -> Command:
        if word == "if":
            bodies = [self._body("then")]
            while True:
                bodies.append(self._body("fi", "else", "elif"))
                if self._ended_by == "fi":
                    return self._compound("if", tuple(bodies))
                if self._ended_by == "elif":
                    bodies.append(self._body("then"))
        if word in ("while", "until"):
            return self._compound("while", (self._body("do"), self._body("done")))
        if word in ("for", "select"):
            return self._for()
        return self._case() if word == "case" else self._double_bracket()

    def _for(self) -> Command:
        self._space()
        if self.looking_at("(("):
            name: str = ""
            words: tuple[Word, ...] = (self._arithmetic().source,)
        else:
            name, words = self._for_head()
        self._space(lines=True)
        self.take(";")
        self._space(lines=True)
        opening = self._raw_word()
        if opening not in ("do", "{"):
            raise Unreadable("'do' is missing")
        self.at += len(opening)
        body = self._body("done" if opening == "do" else "}")
        return self._compound("for", (body,), words, name)

    def _for_head(self) -> tuple[str, tuple[Word, ...]]:
        name = self._raw_word()
        self.at += len(name)
        self._space(lines=True)
        if self._raw_word() != "in":
            return name, ()
        self.at += 2
        return name, self._words()

    def _words(self) -> tuple[Word, ...]:
        words: list[Word] = []
        self._space()
        while word := self.word():
            words.append(word)
            self._space()
        return tuple(words)

    def _case(self) -> Command:
        self._space()
        words = [self.word()]
        bodies: list[Script] = []
        self._space(lines=True)
        if self._raw_word() != "in":
            raise Unreadable("'in' is missing")
        self.at += 2
        while True:
            self._space(lines=True)
            if self._raw_word() == "esac":
                self.at += 4
                return self._compound("case", tuple(bodies), tuple(words))
            words.extend(self._case_patterns())
            bodies.append(self._list(frozenset(), frozenset(("esac",))))
            if not any(self.take(end) for end in (";;&", ";;", ";&")) and self._raw_word() != "esac":
                raise Unreadable("'esac' is missing")

    def _case_patterns(self) -> list[Word]:
        self.take("(")
        patterns: list[Word] = []
        while True:
            self._space()
            if not (pattern := self.word()):
                raise Unreadable("a pattern is missing")
            patterns.append(pattern)
            self._space()
            if self.take(")"):
                return patterns
            if not self.take("|"):
                raise Unreadable("')' is missing")

    def _double_bracket(self) -> Command:
        words: list[Word] = []
        while True:
            self._space(lines=True)
            if self._raw_word() == "]]":
                self.at += 2
                return self._compound("test", (), tuple(words))
            if not self.peek():
                raise Unreadable("']]' is missing")
            if word := self.word():
                words.append(word)
            else:
                self.at += 1

    # -- simple commands

    def _simple(self) -> Command:
        start = self.at
        assignments: list[Assignment] = []
        words: list[Word] = []
        redirects: list[Redirect] = []
        while True:
            self._space()
            if (redirect := self._redirect()) is not None:
                redirects.append(redirect)
            elif not words and (found := ASSIGNMENT.match(self.text, self.at)):
                assignments.append(self._assignment(found))
            elif word := self.word():
                words.append(word)
            elif not (self.peek() == "(" and self._array_argument(words)):
                break
        if not (assignments or words or redirects):
            raise Unreadable(
                f"a command is missing before {self.peek()!r}" if self.peek() else "it ends too early"
            )
        if self.peek() == "(":
            raise Unreadable("'(' is in the wrong place")
        source = self.text[start : self.at]
        return Simple(tuple(assignments), tuple(words), tuple(redirects), source)

    def _array_argument(self, words: list[Word]) -> bool:
        """`declare -a x=(…)`: the list belongs to the word before."""
        last = words[-1] if words else ()
        if not (last and isinstance(last[-1], Text) and last[-1].value.endswith("=")):
            return False
        if self.text[self.at - 1] != "=":
            return False
        self.at += 1
        words.extend(self._array())
        return True

    def _assignment(self, found: re.Match[str]) -> Assignment:
        self.at = found.end()
        appends, index = bool(found[3]), found[2] or ""
        if self.peek() == "(":
            self.at += 1
            return Assignment(found[1], self._array(), appends, "[]")
        subscript = self.inner(index[1:-1]) if index else ()
        return Assignment(found[1], (self.word(),), appends, index, subscript)

    def _array(self) -> tuple[Word, ...]:
        words: list[Word] = []
        while True:
            self._space(lines=True)
            if self.take(")"):
                return tuple(words)
            word = self.word()
            if not word:
                raise Unreadable("')' is missing")
            words.append(word)

    # -- redirections and here-documents

    def _redirect(self) -> Redirect | None:
        if self.looking_at("<(") or self.looking_at(">("):
            return None
        found = REDIRECTION.match(self.text, self.at)
        if not found:
            return None
        self.at = found.end()
        self._space()
        redirect = Redirect(found[1], self.word())
        if not redirect.target:
            raise Unreadable("a redirection leads nowhere")
        if redirect.operator in ("<<", "<<-"):
            self._awaited.append(redirect)
        return redirect

    def _here_documents(self) -> None:
        """Reads the bodies that stand after the line just ended."""
        awaited, self._awaited = self._awaited, []
        for redirect in awaited:
            label = "".join(part.value for part in redirect.target if isinstance(part, Text))
            body = self._here_body(label, tabs=redirect.operator == "<<-")
            quoted = any(part.quoted for part in redirect.target if isinstance(part, Text))
            redirect.body = (Text(body, quoted=True),) if quoted else self.inner(body)

    def _here_body(self, label: str, *, tabs: bool) -> str:
        lines: list[str] = []
        while self.at < len(self.text):
            end = self.text.find("\n", self.at)
            end = len(self.text) if end < 0 else end
            line, self.at = self.text[self.at : end], min(end + 1, len(self.text))
            line = line.lstrip("\t") if tabs else line
            if line.rstrip("\r") == label:
                break
            lines.append(line)
        return "".join(line + "\n" for line in lines)

    # -- space and raw words

    def _space(self, *, lines: bool = False) -> None:
        while character := self.peek():
            if character in " \t\r" or self.looking_at("\\\n"):
                self.at += 1 if character != "\\" else 2
            elif character == "#" and (not self.at or self.text[self.at - 1] in " \t\n;|&()"):
                end = self.text.find("\n", self.at)
                self.at = len(self.text) if end < 0 else end
            elif character == "\n" and lines:
                self.at += 1
                self._here_documents()
            else:
                return

    def _raw_word(self) -> str:
        found = RAW_WORD.match(self.text, self.at)
        return found[0] if found else ""
