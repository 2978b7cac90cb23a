"""The hard rules: `judge(text)` says which of them a text breaks. Nobody can override a hit."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import orjson

from agents.hard_rules.calls import Call
from agents.hard_rules.clients import mongo_text
from agents.hard_rules.hits import MOST_CHARACTERS, Budget, Hit, Rule, Unreadable
from agents.hard_rules.programs import HANDLERS
from agents.hard_rules.sql_statements import begins_one
from agents.hard_rules.streams import EMPTY, Scope
from agents.hard_rules.text import PLACEHOLDER, clean, plain
from agents.hard_rules.walk import Interpreter, program_of
from schemas.verdict import Violation

Kind: TypeAlias = Literal["shell", "sql", "kubectl", "mongo", "data"]
Asked: TypeAlias = Literal["auto", "shell", "sql", "kubectl"]
STUMBLED = "the reader stumbled:"
KUBECTL_VERB = re.compile(
    r"^\s*(get|describe|delete|scale|drain|cordon|uncordon|taint|patch|rollout|logs|apply|annotate|label)\s"
)
MONGO = re.compile(r"^\s*(db|rs|sh)\s*(\.|\[)\s*\S")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a text was taken for, and the hard rules that it breaks; none: nothing speaks against it here."""

    kind: Kind
    hits: tuple[Hit, ...] = field(default=())

    def __iter__(self) -> Iterator[Hit]:
        return iter(self.hits)

    @property
    def denied(self) -> bool:
        return bool(self.hits)

    @property
    def rules(self) -> frozenset[Rule]:
        return frozenset(hit.rule for hit in self.hits)

    def violations(self, where: str) -> tuple[Violation, ...]:
        return tuple(Violation(rule=hit.rule.value, where=where, why=hit.why) for hit in self.hits)


def judge(text: str, kind: Asked = "auto") -> Verdict:
    """Reads the text as it stands and as it looks; a hit in either counts. Never raises, bounded in time."""
    if len(text) > MOST_CHARACTERS:
        return Verdict(
            "shell", (Hit(Rule.UNPARSABLE, f"{len(text)} characters, more than {MOST_CHARACTERS}"),)
        )
    as_it_stands, as_it_looks = clean(text), plain(text)
    verdict = _read(as_it_stands, kind)
    if as_it_looks == as_it_stands:
        return verdict
    # What looks like an open quote is none to a machine: that alone is no reason to refuse.
    others = [hit for hit in _read(as_it_looks, kind).hits if hit.rule is not Rule.UNPARSABLE]
    return Verdict(verdict.kind, tuple(dict.fromkeys((*verdict.hits, *others))))


def _read(text: str, asked: Asked) -> Verdict:
    if not text.strip():
        return Verdict("data")
    if asked == "auto" and (values := _json_texts(text)) is not None:
        hits = tuple(dict.fromkeys(hit for value in values for hit in _read_value(value)))
        return Verdict("data", hits)
    kind: Kind = kind_of(text) if asked == "auto" else asked
    return Verdict(kind, _read_as(text, kind))


def _read_value(text: str) -> tuple[Hit, ...]:
    """One text among others: prose is no broken command there, since it begins with no program."""
    hits = _read_as(text, kind_of(text))
    if program_of(text.split(None, 1)[0]) in HANDLERS or begins_one(text):
        return hits
    return tuple(hit for hit in hits if hit.rule is not Rule.UNPARSABLE)


def kind_of(text: str) -> Kind:
    """What a text is most likely meant as."""
    if MONGO.match(text):
        return "mongo"
    return "sql" if begins_one(text) or text.lstrip().startswith(("--", "/*")) else "shell"


def _json_texts(text: str) -> list[str] | None:
    """The texts in a JSON object or list: a tool's arguments."""
    if text.lstrip()[:1] not in ("{", "["):
        return None
    try:
        return [value for value in _leaves(orjson.loads(text)) if value.strip()][:200]
    except (orjson.JSONDecodeError, RecursionError):
        return None


def _leaves(node: object) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    elif isinstance(node, list):
        for item in node:
            yield from _leaves(item)
    elif isinstance(node, dict):
        for item in node.values():
            yield from _leaves(item)


def _read_as(text: str, kind: Kind) -> tuple[Hit, ...]:
    budget = Budget()
    try:
        _run(text, kind, budget)
    except Unreadable as error:
        budget.hit(Rule.UNPARSABLE, str(error))
    except RecursionError:
        budget.hit(Rule.UNPARSABLE, "nested too deep")
    except Exception as error:  # noqa: BLE001 a reader that stumbles must refuse: what it did not read may be anything
        budget.hit(Rule.UNPARSABLE, f"{STUMBLED} {type(error).__name__}")
    return tuple(budget.hits)


def _run(text: str, kind: Kind, budget: Budget) -> None:
    interpreter, scope = Interpreter(budget), Scope()
    if kind == "sql":
        interpreter.sql(text, scope)
    elif kind == "mongo":
        mongo_text(Call("mongosh", (), EMPTY, scope, interpreter), text)
    else:
        if kind == "kubectl" and KUBECTL_VERB.match(text):
            text = f"kubectl {text.lstrip()}"
        interpreter.script(PLACEHOLDER.sub("\ue000", text), scope, EMPTY)
