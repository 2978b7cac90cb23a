"""The diagnostician's turn: what may be the cause, and what speaks for it."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from schemas.envelope import Event, Plain
from schemas.evidence import Brief
from schemas.turn import Turn


class Hypothesis(Plain):
    id: str = Field(description="within the run: H1, H2, …, best first")
    cause: str = Field(description="in one sentence")
    service: str = Field("", description="whose fault it would be; empty: not said")
    confidence: float = Field(ge=0, le=1, description="0 to 1")
    evidence: tuple[str, ...] = Field((), description="ids of the items that speak for it")
    against: tuple[str, ...] = Field((), description="ids of the items that speak against it")
    playbook: str = Field("", description="the playbook that it comes from, empty where none")


class Diagnosis(Plain):
    hypotheses: tuple[Hypothesis, ...] = Field((), description="best first")
    summary: str = Field("", description="what is known, in one or two sentences")
    untrusted: tuple[str, ...] = Field((), description="text a model sent unasked: shown, never used")


class DiagnosedPayload(Plain):
    turn: Turn = Field(description="how the agent came to it")
    diagnosis: Diagnosis = Field(description="what it says")
    brief: Brief = Field(description="what it was given")


class RcaDiagnosed(Event):
    """The diagnostician spoke, or gave up."""

    type: Literal["rca.diagnosed"] = "rca.diagnosed"
    payload: DiagnosedPayload
    id_over: ClassVar[str] = "the run and the agent"
