"""The answer that providers gave to earlier systems of this kind, understood as well.

A reply class takes from it what it needs (`Reply.from_classic`). Its command and checks are untrusted text.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, StrictFloat, StrictInt, field_validator

KNOWN_BY = {"root_cause", "suggested_action", "risk_level"}
PERCENT = 100


class Level(StrEnum):
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class Impact(StrEnum):
    """What the action does to data."""

    NONE = "none"
    READ_ONLY = "read_only"
    WRITE = "write"
    DESTRUCTIVE = "destructive"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False, hide_input_in_errors=True)

    @field_validator("*", mode="before")
    @classmethod
    def _any_case(cls, value: Any) -> Any:
        return value.strip() if isinstance(value, str) else value


class BlastRadius(_Part):
    affected_pods: StrictInt = Field(0, ge=0)
    estimated_downtime: str = ""
    related_services: tuple[str, ...] = ()
    data_impact: Impact = Impact.NONE

    @field_validator("data_impact", mode="before")
    @classmethod
    def _small(cls, value: Any) -> Any:
        return value.lower() if isinstance(value, str) else value

    @field_validator("estimated_downtime", mode="before")
    @classmethod
    def _as_text(cls, value: Any) -> Any:
        return str(value) if isinstance(value, int | float) else value


class SuggestedAction(_Part):
    operation: str = ""
    command: str = ""
    description: str = ""


class Classic(_Part):
    root_cause: str = ""
    risk_level: Level = Level.CRITICAL
    blast_radius: BlastRadius = BlastRadius()
    suggested_action: SuggestedAction = SuggestedAction()
    confidence: StrictInt | StrictFloat = Field(0, ge=0, le=PERCENT)
    dry_run_checks: tuple[str, ...] = ()

    @field_validator("risk_level", mode="before")
    @classmethod
    def _small(cls, value: Any) -> Any:
        return value.lower() if isinstance(value, str) else value

    @property
    def share(self) -> float:
        """The confidence as all of us have it, 0 to 1."""
        return self.confidence / PERCENT

    @property
    def untrusted(self) -> tuple[str, ...]:
        """Text that could be run: shown as such, never used."""
        texts = (self.suggested_action.command, *self.dry_run_checks)
        return tuple(text for text in texts if text)


def read_classic(given: Mapping[str, Any]) -> Classic | None:
    """None where it is no classic answer; a ValidationError where it is a wrong one."""
    return Classic.model_validate(given) if KNOWN_BY & given.keys() else None
