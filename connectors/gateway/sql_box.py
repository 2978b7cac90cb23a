"""POST /api/v1/sql, GET /api/v1/queries: questions to the record, as the user who can only read.

Who has some projects alone asks as that project's reader: the record itself keeps them to it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from pydantic import Field

from connectors.gateway.deeds import Asked, Deed, OfProject, ProjectName, Said, Told
from connectors.gateway.problems import Refused, come_again
from connectors.gateway.reader_door import Caller

SQL_PATH, NAMES_PATH, NAMED_PATH = "/api/v1/sql", "/api/v1/queries", "/api/v1/queries/{name}"
AT_ONCE, OF_ONE_PERSON = 2, 1
"""for a gateway; fewer than our store has threads for questions, so a slow one holds up nobody's page"""
MOST_SQL = 20_000


class Column(Told):
    name: str
    type: str


class Answer(Told):
    columns: tuple[Column, ...]
    rows: tuple[tuple[Any, ...], ...] = Field(description="numbers that a browser would change come as text")
    truncated: bool = Field(description="there are more rows, or longer ones, than are shown")
    elapsed_ms: int


class Name(Told):
    name: str
    about: str


class Names(Told):
    items: tuple[Name, ...]


class Sql(Said):
    sql: str = Field(min_length=1, max_length=MOST_SQL)
    project: ProjectName = Field(
        "", description="whose; empty: all, for who has all, or the one that one has"
    )


class SqlDesk(Protocol):
    """Filled in by awoooi. Raises BadPayload in the record's own words, and NotNow."""

    def names(self) -> Sequence[Name]: ...

    async def ask(self, sql: str, project: str) -> Answer:
        """As the reader of that project; empty: of all."""
        ...

    async def named(self, name: str, project: str) -> Answer: ...


class _Turns:
    """How many ask at once."""

    def __init__(self) -> None:
        self._asking: list[str] = []

    @contextmanager
    def of(self, person: str) -> Iterator[None]:
        if len(self._asking) >= AT_ONCE or self._asking.count(person) >= OF_ONE_PERSON:
            raise come_again("busy", "too many questions at once", 2)
        self._asking.append(person)
        try:
            yield
        finally:
            self._asking.remove(person)


def deeds(desk: SqlDesk) -> tuple[Deed, ...]:
    questions = _Questions(desk)
    refused = "the record does not take the question: its own words; or name one of several projects"
    example = {"sql": "SELECT incident_id, status FROM v_incidents LIMIT 10", "project": "shop"}
    return (
        Deed("list_questions", "GET", NAMES_PATH, "list the questions that ship", questions.names, Names),
        Deed(
            "ask_question",
            "GET",
            NAMED_PATH,
            "ask a question that ships",
            questions.named,
            Answer,
            OfProject,
            refusals={404: "no such question, or a project that is not the caller's", 422: refused},
        ),
        Deed(
            "ask_sql",
            "POST",
            SQL_PATH,
            "ask the record in SQL",
            questions.ask,
            Answer,
            Sql,
            example=example,
            refusals={404: "a project that is not the caller's", 422: refused},
        ),
    )


class _Questions:
    def __init__(self, desk: SqlDesk) -> None:
        self._desk, self._turns = desk, _Turns()
        self._known = {name.name for name in desk.names()}

    async def names(self, _: Asked) -> Names:
        return Names(items=tuple(self._desk.names()))

    async def ask(self, asked: Asked) -> Answer:
        project = _whose(asked.caller, asked.said.project)
        with self._turns.of(asked.caller.person):
            return await self._desk.ask(asked.said.sql, project)

    async def named(self, asked: Asked) -> Answer:
        name = asked.path["name"]
        if name not in self._known:
            there = ", ".join(sorted(self._known))
            raise Refused(404, "unknown_question", f"no such question; there are: {there}")
        project = _whose(asked.caller, asked.said.project)
        with self._turns.of(asked.caller.person):
            return await self._desk.named(name, project)


def _whose(caller: Caller, project: str) -> str:
    caller.asking_for(project)
    if project or caller.projects is None:
        return project
    if len(caller.projects) != 1:
        raise Refused(422, "which_project", f"name one of {caller.told_projects} as `project`")
    return caller.projects[0]
