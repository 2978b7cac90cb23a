"""Words to what they become: braces, variables, substitutions, arithmetic, field splitting.

A word can have several values, since a variable may have been set in a branch: all of them are judged.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from itertools import islice, pairwise, product
from typing import TypeVar

from agents.hard_rules.hits import OUTPUT, UNKNOWN, UNSET, Budget, Unreadable, is_known
from agents.hard_rules.shell import Parser
from agents.hard_rules.streams import Scope, Stream
from agents.hard_rules.syntax import Arithmetic, Parameter, Part, Script, Substitution, Text, Word

MOST_ALTERNATIVES = 8
MOST_BRACES = 64
MOST_WORDS = 512
MOST_VALUE = 20_000
SPLIT, MARK = "\ue004", "\ue005"  # where an unquoted value splits; that a quote stood here
SPACE = re.compile(r"[ \t\n]+")
RANGE = re.compile(r"(-?\d+|[A-Za-z])\.\.(-?\d+|[A-Za-z])(?:\.\.(-?\d+))?")
KNOWN_AT_START: Mapping[str, str] = {
    "IFS": " ",
    "HOME": "/home/user",
    "PWD": "/work",
    "USER": "user",
    "SHELL": "/bin/bash",
}
TEMPORARY = "/tmp/of-this-run"  # noqa: S108 (a name to judge by, never opened)

Run = Callable[[Script, Scope], Stream]
T = TypeVar("T")


class Expander:
    def __init__(self, scope: Scope, run: Run, budget: Budget, depth: int) -> None:
        self.scope, self.run, self.budget, self.depth = scope, run, budget, depth

    def fields(self, words: tuple[Word, ...]) -> list[list[str]]:
        """All words together, once for each combination of values."""
        each = [self._word_fields(piece) for word in words for piece in braces(word)]
        return [[field for fields in chosen for field in fields] for chosen in _combined(each)]

    def values(self, word: Word) -> tuple[str, ...]:
        """One word as text, unsplit: an assignment's value, a here-document, a target."""
        return tuple(text.replace(SPLIT, " ").replace(MARK, "") for text in self._texts(word, splits=False))

    def value(self, word: Word) -> str:
        return self.values(word)[0]

    def _word_fields(self, word: Word) -> list[list[str]]:
        return [
            [field.replace(MARK, "") for field in text.split(SPLIT) if field]
            for text in self._texts(word, splits=True)
        ]

    def _texts(self, word: Word, *, splits: bool) -> list[str]:
        each = [self._part(part, splits=splits) for part in word]
        texts = ["".join(chosen) for chosen in _combined(each)]
        self.budget.spend(sum(map(len, texts)) + 1)
        return [text if len(text) <= MOST_VALUE * 4 else OUTPUT for text in texts] or [""]

    def _part(self, part: Part, *, splits: bool) -> list[str]:
        if isinstance(part, Text):
            return [MARK + part.value if part.quoted else _home(part.value)]
        if isinstance(part, Arithmetic):
            return [calculated(value) for value in self.values(part.source)]
        texts = [self._substituted(part)] if isinstance(part, Substitution) else self._parameter(part)
        texts = [text if len(text) <= MOST_VALUE else OUTPUT for text in texts]
        if part.quoted:
            return [MARK + text for text in texts]
        return [self._split(text) if splits else text for text in texts]

    def _split(self, text: str) -> str:
        for separators in self.scope.variables.get("IFS", ()):
            for separator in separators:
                text = text.replace(separator, " ")
        return SPACE.sub(SPLIT, text)

    def _substituted(self, part: Substitution) -> str:
        printed = self.run(part.script, self.scope)
        if part.process:
            name = f"/dev/fd/{len(self.scope.files)}"
            self.scope.files[name] = printed
            return name
        return printed.as_text.rstrip("\n")

    # -- parameters

    def _parameter(self, part: Parameter) -> list[str]:
        sign, _, index = part.operator.partition("|")
        values = self._values_of(part.name, index)
        if sign == "#":
            return [str(len(value)) for value in values or ("",)]
        if sign == "!":
            names = values or ()
            values = tuple(value for name in names for value in self._values_of(name, ""))
        return [text for value in values or (None,) for text in self._operated(part, value)]

    def _values_of(self, name: str, index: str) -> tuple[str, ...]:
        if name in ("@", "*"):
            return (SPLIT.join(self.scope.arguments),) if self.scope.arguments else ()
        if name.isdigit() and int(name) > 0:
            return self.scope.arguments[int(name) - 1 : int(name)]
        values = self.scope.variables.get(name, ())
        if index[1:-1].isdigit():
            return tuple(field for value in values for field in value.split(SPLIT)[int(index[1:-1]) :][:1])
        if values or name not in KNOWN_AT_START:
            return values
        return (KNOWN_AT_START[name],)

    def _operated(self, part: Parameter, value: str | None) -> list[str]:
        name, argument = part.name, part.argument
        if not argument:
            return [
                UNSET if value is None and name not in ("TMPDIR",) else TEMPORARY if value is None else value
            ]
        lead = argument[:2] if argument[:2] in (":-", ":=", ":+", ":?") else argument[:1]
        if lead in (":-", ":=", "-", "=", ":+", "+"):
            other = self._argument(argument[len(lead) :])
            if lead[-1] == "=" and value is None:
                self.scope.set(name, tuple(other))
            return [*other, value] if value is not None else [*other]
        if lead in (":?", "?"):
            return [UNSET if value is None else value]
        return [UNSET] if value is None else [self._changed(value, argument)]

    def _argument(self, source: str) -> list[str]:
        return list(self.values(Parser(source, self.budget.deeper(self.depth), self.budget).argument()))

    def _changed(self, value: str, argument: str) -> str:
        if not is_known(value):
            return OUTPUT
        if found := re.fullmatch(r":\s*(-?\d+)(?::\s*(-?\d+))?", argument):
            return _slice(value, int(found[1]), int(found[2]) if found[2] else None)
        if argument in ("^^", "^", ",,", ","):
            return value.upper() if argument[0] == "^" else value.lower()
        if argument[0] == "/":
            return self._replaced(value, argument)
        if argument[0] in "#%":
            pattern = self._argument(argument.lstrip(argument[0]))[0]
            return _trimmed(value, argument[0], pattern, greedy=argument[:2] in ("##", "%%"))
        return OUTPUT

    def _replaced(self, value: str, argument: str) -> str:
        every = argument.startswith("//")
        old, _, new = argument.lstrip("/").partition("/")
        old, new = self._argument(old)[0], self._argument(new)[0]
        if any(character in old for character in "*?["):
            return OUTPUT
        return value.replace(old, new, -1 if every else 1) if old else value


def _home(text: str) -> str:
    return KNOWN_AT_START["HOME"] + text[1:] if text == "~" or text.startswith("~/") else text


def _slice(value: str, start: int, length: int | None) -> str:
    tail = value[start:]
    return tail if length is None else tail[:length]


def _trimmed(value: str, side: str, pattern: str, *, greedy: bool) -> str:
    if any(character in pattern for character in "?["):
        return OUTPUT
    head, star, tail = pattern.partition("*")
    if not star:
        return value.removeprefix(pattern) if side == "#" else value.removesuffix(pattern)
    if side == "#" and not head:
        at = value.rfind(tail) if greedy else value.find(tail)
        return value[at + len(tail) :] if at >= 0 else value
    if side == "%" and not tail:
        at = value.find(head) if greedy else value.rfind(head)
        return value[:at] if at >= 0 else value
    return OUTPUT


def _combined(each: Sequence[Sequence[T]]) -> list[tuple[T, ...]]:
    return list(islice(product(*each), MOST_ALTERNATIVES))


# -- arithmetic

OPERATORS: Mapping[type[ast.operator], Callable[[int, int], int]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_,
    ast.BitXor: operator.xor,
}


def calculated(source: str) -> str:
    """The value of an arithmetic expression; what is not plain is known at run time only."""
    if not is_known(source):
        least = calculated("".join("0" if character in UNKNOWN else character for character in source))
        grows = "-" not in source and "%" not in source and "/" not in source
        return UNSET if grows and least.isdigit() and int(least) > 0 else OUTPUT
    try:
        tree = ast.parse(source.strip().replace("/", "//") or "0", mode="eval")
        return str(_calculate(tree.body))
    except (SyntaxError, ValueError, ZeroDivisionError, RecursionError, MemoryError):
        return OUTPUT


def _calculate(node: ast.expr) -> int:
    if isinstance(node, ast.Constant) and isinstance(node.value, int):
        return int(node.value)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        return _calculate(node.operand) * (-1 if isinstance(node.op, ast.USub) else 1)
    if isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
        value = OPERATORS[type(node.op)](_calculate(node.left), _calculate(node.right))
        if abs(value) < 1 << 64:
            return value
    raise ValueError(type(node).__name__)


# -- braces


def braces(word: Word) -> list[Word]:
    """`{a,b}` and `{1..3}` outside of quotes, each as words of its own."""
    atoms: list[str | Part] = []
    for part in word:
        if isinstance(part, Text) and not part.quoted:
            atoms.extend(part.value)
        else:
            atoms.append(part)
    if "{" not in atoms or "}" not in atoms:
        return [word]
    return [_joined(atoms) for atoms in _braces(atoms)]


def _braces(atoms: list[str | Part]) -> list[list[str | Part]]:
    finished: list[list[str | Part]] = []
    waiting = [atoms]
    while waiting:
        if len(finished) + len(waiting) > MOST_WORDS:
            raise Unreadable("braces that stand for too many words")
        found = _brace(current := waiting.pop(0))
        if found is None:
            finished.append(current)
            continue
        start, end, choices = found
        waiting[:0] = [[*current[:start], *choice, *current[end + 1 :]] for choice in choices]
    return finished


def _brace(atoms: list[str | Part]) -> tuple[int, int, list[list[str | Part]]] | None:
    """The first pair that holds a list or a range: an inner one before the one around it."""
    starts: list[tuple[int, list[int]]] = []
    for at, atom in enumerate(atoms):
        if atom == "{":
            starts.append((at, []))
        elif atom == "," and starts:
            starts[-1][1].append(at)
        elif atom == "}" and starts:
            start, commas = starts.pop()
            if choices := _choices(atoms, start, at, commas):
                return start, at, choices
    return None


def _choices(atoms: list[str | Part], start: int, end: int, commas: list[int]) -> list[list[str | Part]]:
    if commas:
        edges = [start, *commas, end]
        return [atoms[a + 1 : b] for a, b in pairwise(edges)]
    inner = atoms[start + 1 : end]
    found = RANGE.fullmatch("".join(atom if isinstance(atom, str) else " " for atom in inner))
    return [list(text) for text in _range(found)] if found else []


def _range(found: re.Match[str]) -> list[str]:
    first, last, step = found[1], found[2], abs(int(found[3] or 1)) or 1
    if first.lstrip("-").isdigit() != last.lstrip("-").isdigit():
        return []
    letters = not first.lstrip("-").isdigit()
    low, high = (ord(first), ord(last)) if letters else (int(first[:9]), int(last[:9]))
    numbers = (range(low, high + 1, step) if low <= high else range(low, high - 1, -step))[:MOST_BRACES]
    return [chr(n) if letters else str(n) for n in numbers]


def _joined(atoms: list[str | Part]) -> Word:
    parts: list[Part] = []
    run: list[str] = []
    for atom in atoms:
        if isinstance(atom, str):
            run.append(atom)
            continue
        if run:
            parts.append(Text("".join(run), quoted=False))
            run = []
        parts.append(atom)
    if run:
        parts.append(Text("".join(run), quoted=False))
    return tuple(parts)
