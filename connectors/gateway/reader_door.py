"""Who calls: a person's own token, or a log-in at the organisation's OIDC issuer.

Every route for people asks here, whether they read or act; what a caller may, their roles and projects say.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from connectors.gateway.limits import RateLimits
from connectors.gateway.problems import Refused, come_again
from connectors.gateway.webhooks import Headers
from connectors.tokens import ALL_PROJECTS, PERSON_LIMITS, Limits, PersonalToken, Role
from schemas.errors import NotNow

NEEDED = "a person's own token is needed: `awoooi tokens new NAME --person PERSON --role ROLE` makes one"
REMOVED = "their tokens do nothing any more; `awoooi signers add` takes them in again"
HasGone = Callable[[str], bool]
"""whether a person was removed; NotNow while nobody can tell"""


@dataclass(frozen=True, slots=True)
class Caller:
    """A person, as far as a route needs to know them."""

    id: str
    """what their requests are counted under"""
    person: str
    roles: tuple[Role, ...]
    projects: tuple[str, ...] | None
    """None: all"""
    limits: Limits = PERSON_LIMITS
    expires: datetime | None = None

    @classmethod
    def of(cls, token: PersonalToken) -> Caller:
        projects = None if token.projects == ALL_PROJECTS else tuple(token.projects)
        return cls(token.id, token.person, token.roles, projects, token.limits, token.expires)

    def covers(self, project: str) -> bool:
        return self.projects is None or project in self.projects

    def asking_for(self, project: str) -> Collection[str] | None:
        """What to read where one project is asked for, or none: never more than is theirs."""
        if not project:
            return self.projects
        if not self.covers(project):
            raise Refused(404, "other_project", f"no project {project} in {self.told_projects}")
        return (project,)

    @property
    def told_projects(self) -> str:
        return "this project" if self.projects is None else f"yours ({', '.join(self.projects) or 'none'})"

    @property
    def has_ended(self) -> bool:
        return self.expires is not None and self.expires <= datetime.now(UTC)

    def must_be(self, *roles: Role, to: str) -> None:
        if not set(roles) & set(self.roles):
            needed, has = " or ".join(roles), " and ".join(self.roles)
            raise Refused(403, "role", f"to {to} needs the role {needed}; this token has {has}")


class People(Protocol):
    """What the door needs of connectors.tokens.TokenFile."""

    def find_person(self, presented: str) -> PersonalToken | None: ...


class LogIns(Protocol):
    """People who log in elsewhere (oidc.py)."""

    async def caller(self, presented: str) -> Caller | None:
        """None whatever is wrong with it. Refused where it is good and gives nothing here."""
        ...


class ReaderDoor:
    def __init__(
        self,
        people: People,
        rates: RateLimits,
        *,
        has_gone: HasGone | None = None,
        log_ins: LogIns | None = None,
    ) -> None:
        self._people, self._rates = people, rates
        self._has_gone, self._log_ins = has_gone, log_ins

    async def caller(self, headers: Headers) -> Caller:
        """Nobody learns whether a token exists, has ended, or is a webhook's."""
        scheme, _, rest = headers.get(b"authorization", b"").partition(b" ")
        presented = rest.strip().decode("latin-1")
        caller = await self._known(presented) if scheme.lower() == b"bearer" else None
        if caller is None:
            raise Refused(401, "unauthorized", NEEDED, {"WWW-Authenticate": "Bearer"})
        self._must_be_here(caller.person)
        return caller

    def let_in(self, caller: Caller) -> None:
        if wait := self._rates.take_request(caller):
            limit = caller.limits.requests_per_minute
            raise come_again("rate_requests", f"over {limit} requests a minute", wait)

    def give_back(self, caller: Caller) -> None:
        """The refusal was ours: the next try is not to be held against them."""
        self._rates.give_back(caller, 0)

    async def _known(self, presented: str) -> Caller | None:
        token = self._people.find_person(presented)
        if token is not None:
            return Caller.of(token)
        is_jws = presented.count(".") == 2
        return await self._log_ins.caller(presented) if self._log_ins is not None and is_jws else None

    def _must_be_here(self, person: str) -> None:
        try:
            gone = self._has_gone is not None and self._has_gone(person)
        except NotNow as away:
            raise come_again("signers_away", str(away), 1) from away
        if gone:
            raise Refused(403, "removed_person", f"{person} was removed: {REMOVED}")
