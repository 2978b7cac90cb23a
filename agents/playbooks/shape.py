"""What a playbook says. An unknown word is refused: a typing error must not silently match nothing."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from agents.playbooks.placeholders import ALLOWED, unknown_placeholders
from connectors.prometheus.condition import read_condition
from schemas.alert import ResourceType
from schemas.envelope import Plain
from schemas.evidence import NodeKind, Source
from schemas.operations import NAMED, PROPOSED, SHAPES, Operation, Risk


def _several(value: Any) -> Any:
    """`says: oom` is `says: [oom]`."""
    return (value,) if isinstance(value, str | int | float | dict) else value


Several = Annotated[tuple[str, ...], BeforeValidator(_several)]
Pick = Literal["subject", "workload", "deployment", "pod", "node", "job", "pvc"]
"""Which of the targets in the evidence an action is about; `subject` is the incident's own"""


class Fact(Plain):
    """One thing that an evidence item may show. Everything given must hold of the same item."""

    sources: Annotated[tuple[Source, ...], BeforeValidator(_several)] = ()
    kinds: Several = Field((), description="kinds of item; empty: any")
    says: Several = Field((), description="any of these stands in its words or its text")
    words: dict[str, str] = Field(default_factory=dict, description="name: value, with * for any text")
    number: Several = Field((), description="the first of these numbers that it has")
    above: float | None = None
    below: float | None = None
    below_number: str = Field("", description="less than this other number of the item")
    reaches_number: str = Field("", description="at least this other number of the item")

    @model_validator(mode="after")
    def _asks_something(self) -> Self:
        compares = (
            self.above is not None or self.below is not None or self.below_number or self.reaches_number
        )
        if not self.says and not self.words and not self.number:
            raise ValueError("a fact needs says, words or number")
        if bool(self.number) != bool(compares):
            raise ValueError("`number` goes with above, below, below_number or reaches_number")
        return self


Facts = Annotated[tuple[Fact, ...], BeforeValidator(_several)]


class Match(Plain):
    """When a playbook is looked at: one alert type, or one fact outside the alert, and the rest holds."""

    alert_types: Several = Field((), description="words that an alert's type holds, in any order")
    unless: Several = Field((), description="words of an alert's type that mean something else")
    resource_types: Annotated[tuple[ResourceType, ...], BeforeValidator(_several)] = ()
    node_kinds: Annotated[tuple[NodeKind, ...], BeforeValidator(_several)] = Field(
        (), description="what the topology must say it is, where it says anything"
    )
    labels: dict[str, str] = Field(default_factory=dict, description="name: value, with * for any text")
    facts: Facts = ()

    @model_validator(mode="after")
    def _can_match(self) -> Self:
        if not (self.alert_types or self.labels or self.facts):
            raise ValueError("matches nothing: give alert_types, labels or facts")
        return self


class PlaybookHypothesis(Plain):
    cause: str = Field(min_length=8, description="in one sentence, with placeholders")
    confidence: float = Field(ge=0, le=0.7, description="before any evidence; evidence adds to it")
    supported_by: Facts = ()
    contradicted_by: Facts = ()
    only_if_supported: bool = False


class PlaybookParameters(Plain):
    """As an operation's parameters; text may hold placeholders, and numbers may come from evidence."""

    replicas: str | int | None = None
    revision: str | int | None = None
    container: str | None = None
    requests: dict[str, str] = Field(default_factory=dict)
    limits: dict[str, str] = Field(default_factory=dict)
    size: str | None = None
    name: str | None = None
    arguments: dict[str, str] = Field(default_factory=dict)

    def given(self) -> frozenset[str]:
        return frozenset(name for name, value in self if value not in (None, {}))


class PlaybookAction(Plain):
    operation: Operation
    target: Pick | None = Field(None, description="none for operations that act on nothing of the cluster")
    cures: int = Field(0, ge=0, description="number of the hypothesis that it cures, from 1; 0: any")
    parameters: PlaybookParameters = Field(default_factory=PlaybookParameters)
    description: str = Field(min_length=8)
    expected_effect: str = Field(min_length=8)
    risk: Risk
    undo: Literal["operation's", "none"] = "operation's"
    verification: str = Field(
        "", description="a query of Prometheus, compared with a number: what must be so of all series"
    )
    runs: Several = Field((), description="text that a configured command, call or playbook runs")
    warnings: Several = ()
    human_only: bool = False

    @field_validator("verification")
    @classmethod
    def _is_a_condition(cls, text: str) -> str:
        if text:
            read_condition(text)
        return text

    @model_validator(mode="after")
    def _fits_its_operation(self) -> Self:
        if self.operation not in PROPOSED:
            raise ValueError(f"{self.operation} only takes back what was done: it is not proposed")
        shape, given = SHAPES[self.operation], self.parameters.given()
        missing = sorted(set(shape.required) - given)
        unknown = sorted(given - set(shape.required) - set(shape.optional))
        if missing or unknown:
            wrong = f"needs {', '.join(missing)}" if missing else f"takes no {', '.join(unknown)}"
            raise ValueError(f"{self.operation} {wrong}")
        if shape.kinds and self.target is None:
            raise ValueError(f"{self.operation} needs a target: {', '.join(shape.kinds)}")
        if self.risk.rank < shape.floor.rank and self.operation not in NAMED:
            raise ValueError(f"{self.operation} is never below {shape.floor}")
        if self.runs and shape.kinds:
            raise ValueError(f"{self.operation} runs no text")
        return self


class Playbook(Plain):
    name: str = Field(pattern=r"^[a-z][a-z0-9-]{2,60}$")
    title: str = Field(min_length=5)
    family: str = Field(pattern=r"^[a-z][a-z_]{2,40}$", description="what kind of cause, for reports")
    match: Match
    hypotheses: tuple[PlaybookHypothesis, ...] = Field(min_length=1)
    actions: tuple[PlaybookAction, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _cures_what_is_there(self) -> Self:
        for action in self.actions:
            if action.cures > len(self.hypotheses):
                raise ValueError(f"an action cures hypothesis {action.cures} of {len(self.hypotheses)}")
        return self

    @model_validator(mode="after")
    def _can_be_filled(self) -> Self:
        unknown = sorted(set(unknown_placeholders(self.model_dump(mode="json"))))
        if unknown:
            raise ValueError(f"{', '.join(unknown)} is never filled; allowed: {ALLOWED}")
        return self
