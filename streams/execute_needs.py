"""What those are given who execute and verify."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from agents.snapshot import Keys
from connectors.executors.assigned import Assigned
from connectors.executors.contract import Verified
from connectors.tools import GatewayConfig
from schemas.authorization import ActionAuthorized
from streams.policy.recheck import Today


class Knows(Protocol):
    """What is known of the world at this moment; `doubt` asks the broker, `today` only looks."""

    async def doubt(self, event: ActionAuthorized) -> str: ...

    def today(self, event: ActionAuthorized, at: datetime, doubt: str) -> Today: ...


class Query(Protocol):
    """Who is asked a playbook's query, at a moment in epoch milliseconds. Never raises."""

    async def ask(self, text: str, at: int) -> Verified: ...


@dataclass(frozen=True, slots=True)
class VerifyTimes:
    look_secs: float = 120.0
    query_after_secs: float = 60.0
    """what was measured before the effect tells nothing of it"""
    query_secs: float = 180.0
    alert_secs: int = 900


@dataclass(frozen=True, slots=True)
class ExecuteNeeds:
    """What the composition root gives to those who act."""

    executors: Assigned
    gateway: GatewayConfig
    keys: Keys
    knows: Knows
    clock: Callable[[], float]
    """monotonic seconds: whether a claim holds is judged by it"""
    wait: Callable[[float], Awaitable[None]]
    name: str
    """of this process, which no other has"""
    claim_secs: int = 30
    check_secs: float = 25.0
    send_secs: float = 900.0
    """a drain waits for budgets"""
    times: VerifyTimes = VerifyTimes()
    query: Query | None = None
    """None: there is no Prometheus"""
