"""An alert that goes on and off too often, told of its incident."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar, Literal

from pydantic import Field

from schemas.envelope import Event, Long, Moment
from schemas.incident import Counts


class FlappingState(StrEnum):
    BEGAN = "began"
    CONTINUES = "continues"
    """it flapped already when this incident opened"""
    SETTLED = "settled"


class Flapping(Counts):
    state: FlappingState = Field(
        description="began, continues (from an incident before), settled (or another goes on with it)"
    )
    changes: Long = Field(description="changes of its state counted since, those that showed it among them")
    began_at: Moment = Field(description="since when it flaps")


class IncidentFlapping(Event):
    """Its alert keeps going on and off: it asks for no runs until it has settled.

    Stands before the opening or reopening that is of a flapping alert.
    """

    type: Literal["incident.flapping"] = "incident.flapping"
    payload: Flapping
    id_over: ClassVar[str] = "the alert that showed it; settled: the incident and its generation"
