"""What has been said in a run so far: what the coordinator judges, and what the argument is told from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from schemas.diagnosis import DiagnosedPayload
from schemas.evidence import Brief
from schemas.plan import PlannedPayload
from schemas.turn import Agent, Turn
from schemas.verdict import CritiquedPayload, ReviewedPayload


@dataclass(slots=True)
class Heard:
    """Filled as the turns arrive, in any order; a plan brings the diagnosis and the brief along."""

    started_at: datetime
    deadline_at: datetime
    brief: Brief | None = None
    diagnosed: DiagnosedPayload | None = None
    planned: PlannedPayload | None = None
    reviewed: ReviewedPayload | None = None
    critiqued: CritiquedPayload | None = None
    event_ids: dict[Agent, str] = field(default_factory=dict)
    """the event of each turn"""
    failure: str = ""
    """why a stage that is no agent (evidence) gave up"""

    def turns(self) -> Iterator[Turn]:
        """In the order of the argument."""
        if self.planned is not None:
            yield from (self.planned.diagnosed, self.planned.turn)
        elif self.diagnosed is not None:
            yield self.diagnosed.turn
        for verdict in (self.reviewed, self.critiqued):
            if verdict is not None:
                yield verdict.turn

    @property
    def complete(self) -> bool:
        """Whether the coordinator can decide: all four have spoken, or somebody gave up."""
        turns = list(self.turns())
        return len(turns) == 4 or bool(self.failure) or any(turn.failed for turn in turns)

    @property
    def missing(self) -> tuple[Agent, ...]:
        spoken = {turn.agent for turn in self.turns()}
        return tuple(agent for agent in Agent if agent not in spoken and agent != Agent.COORDINATOR)

    @property
    def seen(self) -> Brief | None:
        if self.planned is not None:
            return self.planned.brief
        return self.diagnosed.brief if self.diagnosed is not None else self.brief
