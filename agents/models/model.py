"""The contract between agents and models.

An agent asks a `Panel` one question and gets a checked answer, or `NoModel`: then it speaks from rules.
The panel knows providers, their order, breakers, time and repairs; the agent knows none of that.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict

from schemas.errors import AwoooiError
from schemas.turn import Agent, Usage


class Reply(BaseModel):
    """What a model's answer must look like: one subclass an agent. Extra fields are passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False, hide_input_in_errors=True)


R = TypeVar("R", bound=Reply)


@dataclass(frozen=True, slots=True)
class Question(Generic[R]):
    """One question to a model: all of its text has passed the privacy shield."""

    agent: Agent
    system: str
    prompt: str
    reply: type[R]
    seconds: float
    """what is left of the run for this turn: retries and fall-backs share it"""
    cloud: bool = True
    """false: only providers on this machine may be asked"""


@dataclass(frozen=True, slots=True)
class Answer(Generic[R]):
    value: R
    usage: Usage


class NoModel(AwoooiError):
    """No provider gave a valid answer in time; `usage` says who was asked and why each failed."""

    def __init__(self, why: str, usage: Usage) -> None:
        super().__init__(why)
        self.usage = usage


class Panel(Protocol):
    """Asks the providers in order."""

    async def ask(self, question: Question[R]) -> Answer[R]:
        """Raises NoModel, and nothing else."""
        ...


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a provider is sent, in no provider's own words."""

    system: str
    text: str
    schema: dict[str, Any]
    """JSON schema of the answer"""
    name: str
    """the schema's name: the agent"""
    history: tuple[tuple[str, str], ...] = field(default=())
    """earlier (answer, complaint) pairs, for the one repair"""


@dataclass(frozen=True, slots=True)
class Completion:
    """A provider's answer as it came."""

    text: str
    model: str
    tokens_in: int = 0
    tokens_out: int = 0


class Provider(Protocol):
    """One model service. Entry points `awoooi.providers` add more."""

    name: str
    cloud: bool
    """whether what it is sent leaves this machine"""

    async def complete(self, prompt: Prompt) -> Completion:
        """Raises ProviderFailed."""
        ...


class ProviderFailed(AwoooiError):
    """It gave no answer.

    `retry_after_secs` where it asked for patience, `final` where asking again is useless.
    """

    def __init__(self, reason: str, *, retry_after_secs: float | None = None, final: bool = False) -> None:
        super().__init__(reason)
        self.retry_after_secs = retry_after_secs
        self.final = final


class NoPanel:
    """No models at all: every agent speaks from rules."""

    async def ask(self, question: Question[R]) -> Answer[R]:
        raise NoModel(f"no model is configured for the {question.agent}", Usage())
