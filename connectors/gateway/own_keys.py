"""GET /api/v1/keys: what the caller signs with, and whether it counts. POST is in enrolments.py."""

from __future__ import annotations

from typing import Protocol

from pydantic import Field

from connectors.gateway.deeds import Asked, Deed, Told
from connectors.gateway.enrolments import PATH
from schemas.envelope import Moment


class OwnKey(Told):
    kid: str
    thumbprint: str = Field(description="RFC 7638: the same for the same key, whatever id it has")
    algorithm: str
    state: str = Field(description="in_force, unconfirmed, revoked or disputed")
    enrolled: Moment | None = Field(
        None, description="when its owner brought it; null: an admin registered it"
    )


class OwnKeys(Told):
    person: str
    roles: tuple[str, ...] = Field(description="that the caller may sign approvals with")
    projects: tuple[str, ...] = Field(description="whose approvals; * is all")
    environment: str = Field(description="what `aud` says in a signature that counts here")
    keys: tuple[OwnKey, ...]


class OwnKeysDesk(Protocol):
    def own(self, person: str) -> OwnKeys:
        """By all that this gateway knows; NotNow while nobody can tell."""
        ...


def deeds(desk: OwnKeysDesk) -> tuple[Deed, ...]:
    async def look(asked: Asked) -> OwnKeys:
        return desk.own(asked.caller.person)

    return (Deed("see_own_keys", "GET", PATH, "see what one signs with", look, OwnKeys),)
