"""Switches on the compacted topic `switches`: the latest word on each subject stands."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from schemas.envelope import Event, Plain
from schemas.operations import PROPOSED

EVERYWHERE = "*"


class SwitchKind(StrEnum):
    KILL_SWITCH = "kill_switch"
    OPERATION = "operation"
    SHADOW = "shadow"
    OUTBOUND = "outbound"


class Mode(StrEnum):
    """What becomes of a message to the outside."""

    OFF = "OFF"
    LOG = "LOG"
    LIVE = "LIVE"


ON, OFF = "on", "off"
STATES = {
    SwitchKind.KILL_SWITCH: (ON, OFF),
    SwitchKind.OPERATION: (ON, OFF),
    SwitchKind.SHADOW: (ON, OFF),
    SwitchKind.OUTBOUND: tuple(str(mode) for mode in Mode),
}


class SwitchSetting(Plain):
    subject: str = Field(description="kind/name: the record's key")
    kind: SwitchKind = Field(description="kill_switch, operation, shadow or outbound")
    name: str = Field(description="* or a project; an operation; a project; an integration")
    state: str = Field(description="on or off; of outbound OFF, LOG or LIVE")
    reason: str = Field("", description="why, in the person's words")

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Self:
        if self.subject != f"{self.kind}/{self.name}":
            raise ValueError("the subject is kind/name")
        if self.state not in STATES[self.kind]:
            raise ValueError(f"{self.kind} is {' or '.join(STATES[self.kind])}")
        if self.kind == SwitchKind.OPERATION and self.name not in PROPOSED:
            raise ValueError(f"no such operation; there are: {', '.join(PROPOSED)}")
        return self


class SwitchSet(Event):
    """A person set a switch."""

    type: Literal["switch.set"] = "switch.set"
    payload: SwitchSetting
    id_over: ClassVar[str] = "subject, time and state"


def setting(kind: SwitchKind, name: str, state: str, reason: str = "") -> SwitchSetting:
    """With its subject made."""
    return SwitchSetting(subject=f"{kind}/{name}", kind=kind, name=name, state=state, reason=reason)
