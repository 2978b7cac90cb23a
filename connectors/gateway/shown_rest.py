"""Projects, contracts and channel messages as the reading API shows them."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import Field

from connectors.gateway.shown import Shown, Time
from connectors.gateway.shown_runs import Message


class Mode(StrEnum):
    SHADOW = "shadow"
    LIVE = "live"


class Project(Shown):
    project_id: str
    display_name: str
    mode: Mode = Field(description="shadow: all is argued and decided, nothing executed")
    usd_limit: float = Field(description="a day, for models; 0: none")
    active: bool
    created_at: Time | None


class LifeCycle(StrEnum):
    IN_FORCE = "in_force"
    SUPERSEDED = "superseded"
    WITHDRAWN = "withdrawn"


class Contract(Shown):
    """A revision of a policy or a playbook."""

    revision: str
    contract_id: str
    project_id: str
    family: str = Field(description="policy or playbook")
    major: int
    minor: int
    body_hash: str = Field(description="empty: withdrawn")
    life_cycle: LifeCycle
    created_at: Time
    created_by: str = Field(description="a person; empty: it came with the installation")
    decisions: int = Field(description="of the caller's projects that went by it")


class ChannelEvent(Message):
    project_id: str
    incident_id: str
    run_id: str
    direction: Literal["inbound", "outbound"]
