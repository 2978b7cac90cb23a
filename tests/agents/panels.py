"""Panels and desks for tests: an agent's answer by hand, a clock that is set by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from agents.desk import Desk
from agents.models.ask import Unfit, read
from agents.models.model import Answer, NoModel, Question, R
from agents.playbooks.book import Book, load_book
from schemas.turn import Agent, Usage
from tests.agents.briefs import NOON

BOOK = load_book()
USED = Usage(provider="scripted", model="scripted-1", tokens_in=100, tokens_out=20, calls=1)
Line = Mapping[str, Any] | str | None
Script = Callable[[Question[Any]], Line]


@dataclass(slots=True)
class FakePanel:
    """Says what it is told to, through the real reading of answers; None is no model."""

    script: Mapping[Agent, Line] | Script = field(default_factory=dict)
    asked: list[Question[Any]] = field(default_factory=list)

    async def ask(self, question: Question[R]) -> Answer[R]:
        self.asked.append(question)
        script = self.script
        line = script(question) if callable(script) else script.get(question.agent)
        if line is None:
            raise NoModel("nobody answers", Usage(calls=1, failures=("scripted: away",)))
        try:
            import orjson

            text = line if isinstance(line, str) else orjson.dumps(line).decode()
            return Answer(read(text, question.reply), USED)
        except Unfit as unfit:
            raise NoModel(str(unfit), USED) from unfit

    async def close(self) -> None:
        """Nothing is open."""


@dataclass(slots=True)
class Time:
    """Stands still unless it is moved; as a clock it is monotonic seconds."""

    seconds: float = 0.0

    def __call__(self) -> float:
        return self.seconds

    def now(self) -> datetime:
        return NOON + timedelta(seconds=self.seconds)


def desk(script: Mapping[Agent, Line] | Script | None = None, book: Book = BOOK, **changes: Any) -> Desk:
    changes.setdefault("clock", Time())
    return Desk(book=book, panel=FakePanel(script or {}), **changes)
