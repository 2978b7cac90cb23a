"""Projects (tenants), on the compacted topic `projects`: the latest word on each stands.

Whether a project only watches is said by its switch, `shadow/{project}`, and nowhere else.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from schemas.envelope import Event, Plain


class ProjectTerms(Plain):
    subject: str = Field(description="project/name: the record's key")
    name: str = Field(min_length=1, description="the project, as every event of it says")
    display_name: str = Field("", description="as people call it")
    usd_limit: float = Field(0.0, ge=0, description="what its models may cost a day, as agreed; 0: no limit")
    active: bool = Field(True, description="false: it is no longer looked after")


class ProjectSet(Event):
    """A person said what a project is called and may cost."""

    type: Literal["project.set"] = "project.set"
    payload: ProjectTerms
    id_over: ClassVar[str] = "project, time and terms"


def terms(name: str, display_name: str = "", usd_limit: float = 0.0, *, active: bool = True) -> ProjectTerms:
    """With its subject made."""
    return ProjectTerms(
        subject=f"project/{name}", name=name, display_name=display_name, usd_limit=usd_limit, active=active
    )
