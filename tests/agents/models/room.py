"""A panel, with what its tests look at."""

from __future__ import annotations

from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from pydantic import Field

from agents.models.breaker import Breaker
from agents.models.config import Asking, Mode
from agents.models.fallback import Fallback, Seat
from agents.models.metrics import Meters
from agents.models.model import Fault, NoModel, ProviderFailed, Question, Reply
from agents.models.pricing import NOTHING, Price
from agents.models.scripted import Scripted
from schemas.turn import Agent

AGENT = Agent.DIAGNOSTICIAN


class Cause(Reply):
    cause: str
    confidence: float = Field(ge=0, le=1)


RIGHT = {"cause": "disk", "confidence": 0.5}
WRONG = {"cause": "disk", "confidence": 5}
BROKEN = ProviderFailed("answers 500", fault=Fault.AWAY)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Room:
    """A panel, with what its tests look at."""

    def __init__(self, **asking: Any) -> None:
        self.clock, self.registry = Clock(), CollectorRegistry()
        self.asking = Asking(**{"retry_wait_secs": 0.0, **asking})
        self.seats: list[Seat] = []

    def seat(self, provider: Any, *, price: Price = NOTHING, mode: Mode = "LIVE") -> Seat:
        breaker = Breaker(self.clock, self.asking.breaker_failures, self.asking.breaker_secs)
        self.seats.append(Seat(provider, breaker, price, mode))
        return self.seats[-1]

    def scripted(self, *lines: Any, name: str = "ollama", cloud: bool = False, **seat: Any) -> Scripted:
        provider = Scripted({AGENT: list(lines)}, name=name, cloud=cloud)
        self.seat(provider, **seat)
        return provider

    @property
    def panel(self) -> Fallback:
        if not hasattr(self, "_panel"):
            self._panel = Fallback(self.seats, self.asking, Meters(self.registry), clock=self.clock)
        return self._panel

    def counted(self, metric: str, **labels: str) -> float:
        return self.registry.get_sample_value(metric, labels) or 0.0


def question(**changes: Any) -> Question[Cause]:
    return Question(
        **{"agent": AGENT, "system": "S", "prompt": "P", "reply": Cause, "seconds": 100.0, **changes}
    )


async def refused(room: Room, **changes: Any) -> NoModel:
    with pytest.raises(NoModel) as caught:
        await room.panel.ask(question(**changes))
    return caught.value
