"""The contract between agents and models.

An agent asks a `Panel` one question and gets a checked answer, or `NoModel`: then it speaks from rules.
The panel knows providers, their order, breakers, time and repairs; the agent knows none of that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Generic, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict

from schemas.errors import AwoooiError
from schemas.turn import Agent, Usage


class Reply(BaseModel):
    """What a model's answer must look like: one subclass an agent. Extra fields are passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False, hide_input_in_errors=True)

    @classmethod
    def from_classic(cls, given: Mapping[str, Any]) -> Mapping[str, Any] | None:  # noqa: ARG003 (a hook)
        """These fields out of a provider's classic answer (classic.py); None where it is none.

        A ValueError says what is wrong with it.
        """
        return None


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
    """No provider gave a valid answer in time; message and `usage` say who was asked and why each failed."""

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
    connect_secs: float = 10.0
    silence_secs: float = 60.0
    """how long nothing may come; an answer that is still arriving is not cut"""


@dataclass(frozen=True, slots=True)
class Completion:
    """A provider's answer as it came."""

    text: str
    model: str
    tokens_in: int = 0
    tokens_out: int = 0


class Provider(Protocol):
    """One model service. Entry points `awoooi.providers` add more."""

    @property
    def name(self) -> str: ...

    @property
    def cloud(self) -> bool:
        """Whether what it is sent leaves the house."""
        ...

    async def complete(self, prompt: Prompt) -> Completion:
        """Raises ProviderFailed."""
        ...


class Fault(StrEnum):
    """Why a provider gave no answer: a metric's label."""

    AWAY = "away"
    """nobody there, or it says so itself"""
    SILENT = "silent"
    CUT = "cut"
    """the answer ended in the middle"""
    BUSY = "busy"
    """it asks for patience"""
    KEY = "key"
    """it does not know us"""
    MODEL = "model"
    """it does not know the model, or the address"""
    REFUSED = "refused"
    """it does not want to answer this"""
    GARBLED = "garbled"
    """not the protocol that it should speak"""
    ENDLESS = "endless"
    INVALID = "invalid"
    """no valid answer, not when asked again either"""
    LATE = "late"
    """the question's time was over"""
    BREAKER = "breaker"
    """not asked: it failed too often just now"""
    OFF = "off"
    """not asked: its mode is LOG"""
    PRIVATE = "private"
    """not asked: this text must stay on this machine"""
    BUG = "bug"


class ProviderFailed(AwoooiError):
    """It gave no answer.

    `retry_after_secs` where it asked for patience, `final` where asking again is useless, `spent` what was
    used up all the same.
    """

    def __init__(
        self,
        reason: str,
        *,
        fault: Fault = Fault.AWAY,
        retry_after_secs: float | None = None,
        final: bool = False,
        spent: Completion | None = None,
    ) -> None:
        super().__init__(reason)
        self.fault = fault
        self.retry_after_secs = retry_after_secs
        self.final = final
        self.spent = spent


class NoPanel:
    """No models at all: every agent speaks from rules."""

    async def ask(self, question: Question[R]) -> Answer[R]:
        raise NoModel(f"no model is configured for the {question.agent}", Usage())

    async def close(self) -> None:
        """As Fallback has it."""
