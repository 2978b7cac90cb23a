"""GET /api/v1/switches and POST /api/v1/switches/kill: what may act, who stopped it, and stopping it.

Whoever stops is quick to be let: an operator may. Whoever lets go again is an admin, and says why.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Protocol

from pydantic import Field, model_validator

from connectors.gateway.act_desk import Receipt, written
from connectors.gateway.act_kinds import Reason
from connectors.gateway.deeds import Asked, Deed, Nothing, ProjectName, Said, Told, Written
from connectors.gateway.problems import Refused
from connectors.gateway.reader_door import Caller
from connectors.gateway.webhooks import Publish
from connectors.tokens import Role
from schemas.envelope import Event, Moment
from schemas.headers import Headers

PATH, KILL_PATH = "/api/v1/switches", "/api/v1/switches/kill"
MORE_THAN_NOTHING = 3
"""letters of a reason"""
STOP, LET_GO = (Role.OPERATOR, Role.ADMIN), (Role.ADMIN,)


class OneKill(Told):
    """As it stands for a project."""

    project: str
    engaged: bool
    says: str = Field(description="why it counts as engaged; empty where nothing is stopped")
    set_here: bool = Field(description="whether somebody set it for this project, or it is as everywhere")
    why: str = Field("", description="in the words of who set it")
    by: str = ""
    at: Moment | None = None


class KillSwitch(Told):
    """Everywhere, and where a project's own is set or the caller looks."""

    engaged: bool
    says: str
    why: str = ""
    by: str = ""
    at: Moment | None = None
    projects: tuple[OneKill, ...] = ()


class Switches(Told):
    kill_switch: KillSwitch
    opted_in: tuple[str, ...] = Field((), description="operations that may run at all")
    shadow: tuple[str, ...] = Field((), description="projects that decide and do nothing")
    fresh: bool = Field(description="false: nobody can tell what stands there, and all counts as stopped")


class KillSet(Written):
    switches: Switches


class Kill(Said):
    engaged: bool = Field(description="true stops every execution, false lets them go on", strict=True)
    project: ProjectName = Field("", description="one; empty: everywhere")
    reason: Reason = Field("", description="why; to let go on it must say something")

    @model_validator(mode="after")
    def _says_why(self) -> Kill:
        if not self.engaged and len(self.reason) < MORE_THAN_NOTHING:
            raise ValueError("lifting the kill switch needs a reason")
        return self


class SwitchDesk(Protocol):
    """What this gateway knows of the switches, as every process knows it. Filled in by awoooi."""

    def switches(self, projects: Collection[str] | None) -> Switches:
        """Of these projects, None: all."""
        ...

    def kill(self, wish: Kill, person: str, now_ms: int) -> Event:
        """The event that the command line writes, in this person's name."""
        ...

    def encode(self, event: Event, traceparent: bytes) -> tuple[bytes, Headers]: ...

    async def taken_in(self, lies: Receipt) -> None:
        """Until what lies there is known here as well, or shortly has not come."""
        ...


def deeds(desk: SwitchDesk, publish: Publish, now_ms: Callable[[], int]) -> tuple[Deed, ...]:
    async def look(asked: Asked) -> Switches:
        return desk.switches(asked.caller.projects)

    async def throw(asked: Asked) -> KillSet:
        wish: Kill = asked.said
        _must_be_allowed(wish, asked.caller)
        event = desk.kill(wish, asked.caller.person, now_ms())
        lies = await written(publish, event, desk.encode(event, asked.traceparent))
        await desk.taken_in(lies)
        seen = desk.switches(asked.caller.projects)
        return KillSet(event_id=event.event_id, type=event.type, **lies._asdict(), switches=seen)

    return (
        Deed("see_switches", "GET", PATH, "see the switches", look, Switches, Nothing),
        Deed(
            "set_kill_switch",
            "POST",
            KILL_PATH,
            "set the kill switch",
            throw,
            KillSet,
            Kill,
            roles=STOP,
            status=202,
            example={"engaged": True, "project": "shop", "reason": "it restarts what is healthy"},
            refusals={404: "a project that is not the caller's"},
        ),
    )


def _must_be_allowed(wish: Kill, caller: Caller) -> None:
    if not wish.engaged:
        caller.must_be(*LET_GO, to="lift the kill switch")
    if wish.project:
        caller.asking_for(wish.project)
    elif caller.projects is not None:
        raise Refused(
            403, "everywhere", f"everywhere is for who has all projects; name one of {caller.told_projects}"
        )
