"""A debate that is under way, as the coordinator keeps it: what was heard so far, as plain JSON.

A turn brings along what it was based on, so only the latest of diagnosis and plan is kept, and the two
verdicts. What a model's field takes by default is left out.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from agents.heard import Heard
from schemas.diagnosis import DiagnosedPayload, RcaDiagnosed
from schemas.envelope import Event, from_millis, to_millis
from schemas.evidence import Brief, EvidenceCollected
from schemas.plan import PlannedPayload, RcaPlanned
from schemas.run import RunStarted
from schemas.turn import Agent
from schemas.verdict import CritiquedPayload, RcaCritiqued, RcaReviewed, ReviewedPayload

KINDS: Mapping[str, type[BaseModel]] = {
    "brief": Brief,
    "diagnosed": DiagnosedPayload,
    "planned": PlannedPayload,
    "reviewed": ReviewedPayload,
    "critiqued": CritiquedPayload,
}
BASED_ON = {"planned": ("diagnosed", "brief"), "diagnosed": ("brief",)}
PARTS: Mapping[type[Event], tuple[str, Agent | None]] = {
    EvidenceCollected: ("brief", None),
    RcaDiagnosed: ("diagnosed", Agent.DIAGNOSTICIAN),
    RcaPlanned: ("planned", Agent.SOLVER),
    RcaReviewed: ("reviewed", Agent.REVIEWER),
    RcaCritiqued: ("critiqued", Agent.CRITIC),
}


@dataclass(slots=True)
class Debate:
    project_id: str
    incident_id: str
    run_id: str
    started_at: int
    """epoch milliseconds, as all times here"""
    deadline_at: int
    alert_type: str
    sealed: str
    """base64: the decision carries the real values on to whoever executes"""
    causes: dict[str, str]
    """part → event"""
    said: dict[str, dict[str, Any]]

    @classmethod
    def begun_by(cls, event: Event) -> Debate:
        """By the run's start, or by a turn that was read before it: topics have no order between them."""
        about = (event.project_id, event.incident_id, event.run_id)
        return cls(*about, to_millis(event.recorded_at), deadline_of(event), "", "", {}, {})

    @classmethod
    def of_row(cls, row: list[Any]) -> Debate:
        return cls(*row)

    def row(self) -> list[Any]:
        about = [self.project_id, self.incident_id, self.run_id, self.started_at, self.deadline_at]
        return [*about, self.alert_type, self.sealed, self.causes, self.said]

    def take(self, event: Event) -> None:
        """The first word of each counts; a repeat says the same, or says it too late."""
        if isinstance(event, RunStarted):
            self.started_at = to_millis(event.recorded_at)
            self.alert_type = event.payload.sighting.alert_type
            self.causes.setdefault("started", event.event_id)
            return
        part, _ = PARTS[type(event)]
        if part in self.causes:
            return
        self.causes[part] = event.event_id
        self.sealed = self.sealed or b64encode(event.sealed or b"").decode()
        if not any(later in self.said for later, bases in BASED_ON.items() if part in bases):
            self.said[part] = event.payload.model_dump(mode="json", exclude_defaults=True)
        for base in BASED_ON.get(part, ()):
            self.said.pop(base, None)

    @property
    def ciphertext(self) -> bytes | None:
        return b64decode(self.sealed) or None

    def heard(self) -> Heard:
        found: dict[str, Any] = {part: KINDS[part].model_validate(plain) for part, plain in self.said.items()}
        agents = {agent: self.causes[part] for part, agent in PARTS.values() if agent and part in self.causes}
        return Heard(
            from_millis(self.started_at),
            from_millis(self.deadline_at),
            event_ids=agents,
            **found,
        )


def deadline_of(event: Event) -> int:
    """Every event of a run carries it."""
    payload = event.payload
    carrier = payload if hasattr(payload, "deadline_at") else payload.brief
    return to_millis(carrier.deadline_at)
