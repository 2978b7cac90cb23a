"""What an agent is given to work with, and how it hands in its turn."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import orjson
from pydantic import BaseModel

from agents.models.model import NoPanel, Panel
from agents.playbooks.book import Book
from schemas.evidence import Brief
from schemas.operations import Risk
from schemas.turn import Agent, Turn, Usage, Vote

Clock = Callable[[], float]
"""Monotonic seconds: agents have no clock of their own."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The numbers that bind the agents."""

    abstain_below: float = 0.4
    """a diagnosis less sure than this is none"""
    revise_above: int = 50
    reject_above: int = 80
    """of the blast radius"""
    auto_from: float = 0.85
    """an argument less sure than this goes to a person"""


@dataclass(frozen=True, slots=True)
class Desk:
    book: Book
    clock: Clock
    panel: Panel = field(default_factory=NoPanel)
    limits: Limits = field(default_factory=Limits)
    configured: Mapping[str, str] = field(default_factory=dict)
    """the text of each configured playbook, command, call and tool, by its name"""
    risks: Mapping[str, Risk] = field(default_factory=dict)
    """how risky each of them is by its configuration"""


def input_hash(*parts: BaseModel | str | float | None) -> str:
    """The first 16 hex digits of SHA-256 over the input that matters."""
    plain = [part.model_dump(mode="json") if isinstance(part, BaseModel) else part for part in parts]
    text = orjson.dumps(plain, option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(text).hexdigest()[:16]


def snapshot_hash(brief: Brief) -> str:
    """Of what was seen, not of when the run began: the same evidence has the same hash."""
    return input_hash(
        brief.subject,
        *brief.items,
        *brief.gaps,
        brief.surroundings,
        *brief.targets,
        f"{brief.models}/{brief.debate}/{brief.cloud}",
    )


@dataclass(slots=True)
class Watch:
    """One agent's turn while it lasts."""

    agent: Agent
    hash: str
    clock: Clock
    began: float = field(init=False)

    def __post_init__(self) -> None:
        self.began = self.clock()

    @property
    def spent(self) -> float:
        return max(0.0, self.clock() - self.began)

    def turn(
        self,
        vote: Vote,
        *,
        degraded: bool = False,
        failed: str = "",
        usage: Usage | None = None,
        dropped: int = 0,
        notes: tuple[str, ...] = (),
    ) -> Turn:
        return Turn(
            agent=self.agent,
            input_hash=self.hash,
            vote=vote,
            degraded=degraded,
            failed=failed,
            latency_ms=round(self.spent * 1000),
            usage=usage or Usage(),
            dropped_claims=dropped,
            notes=notes,
        )
