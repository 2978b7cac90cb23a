"""The solver's turn: what could be done about it."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from schemas.diagnosis import Diagnosis
from schemas.envelope import Event, Plain
from schemas.evidence import Brief
from schemas.operations import Risk, Step
from schemas.turn import Turn


class Action(Plain):
    """One candidate. Its command is rendered from our template: no text of a model is ever run."""

    id: str = Field(description="within the run: A1, A2, …, best first")
    step: Step = Field(description="operation, target, parameters")
    hypothesis: str = Field("", description="id of the hypothesis that it would cure")
    description: str = Field("", description="in one sentence")
    expected_effect: str = Field("", description="what should be seen after it")
    undo: Step | None = Field(None, description="what takes it back; none: it cannot be taken back")
    risk: Risk = Field(description="the highest of the operation's floor, the playbook's and the model's")
    blast_radius: int = Field(ge=0, le=100, description="ours, from the topology; a model can only raise it")
    evidence: tuple[str, ...] = Field((), description="ids of the items that it rests on")
    playbook: str = Field("", description="the playbook that it comes from, empty where none")
    verification: str = Field("", description="a query that shows whether it helped")
    command: str = Field("", description="as people would type it, rendered from our template")
    executable: tuple[str, ...] = Field((), description="text of configured playbooks that would run")
    human_only: bool = Field(False, description="never automatic, whatever policy says")
    warnings: tuple[str, ...] = Field((), description="what a person must know before")
    untrusted: tuple[str, ...] = Field((), description="text a model sent with it: shown, never used")


class Plan(Plain):
    actions: tuple[Action, ...] = Field((), description="best first")
    summary: str = Field("", description="in one or two sentences")


class PlannedPayload(Plain):
    turn: Turn = Field(description="how the agent came to it")
    plan: Plan = Field(description="what it proposes")
    diagnosed: Turn = Field(description="the diagnostician's turn")
    diagnosis: Diagnosis = Field(description="what it was given by the diagnostician")
    brief: Brief = Field(description="what the run is about")


class RcaPlanned(Event):
    """The solver spoke, or gave up."""

    type: Literal["rca.planned"] = "rca.planned"
    payload: PlannedPayload
    id_over: ClassVar[str] = "the run and the agent"
