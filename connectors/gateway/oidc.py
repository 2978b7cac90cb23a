"""A log-in at an OIDC issuer: what a token that is signed by it must say, and who that is here.

The signature is judged before (awoooi/log_in.py). A token for another application, one that is no log-in, or
one that says too little is worth nothing; which role and which project a person has, the named claims say.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from connectors.gateway.problems import Refused
from connectors.gateway.reader_door import Caller
from connectors.tokens import ALL_PROJECTS, PERSON_LIMITS, PROJECT_PATTERN, Role
from schemas.person import PERSON, PERSON_IN_WORDS

SKEW_SECS = 30
"""how far the issuer's clock may be ahead of ours; what has expired gets nothing on top"""
MOST_LIFE_SECS = 24 * 3600
TYPES = (None, "jwt", "at+jwt", "application/at+jwt")
OTHER_TYPES = ("refresh", "offline", "logout")
"""what one issuer signs with the same key, and is no log-in"""
EMAIL = "email"
_PROJECT = re.compile(PROJECT_PATTERN)


class OidcConfig(BaseModel):
    """Where people log in, beside their own tokens. The console needs no secret: code flow with PKCE."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    issuer: str | None = Field(
        None,
        pattern=r"^(https://|http://(127\.0\.0\.1|localhost)[:/])[^@\s?#]+$",
        description="its https address",
    )
    client_id: str | None = Field(None, min_length=1, description="of the console, a public client")
    audience: str | None = Field(None, description="what `aud` must say; by default client_id")
    scope: str = Field("openid profile", description="what the console asks for")
    person_claim: str = Field(
        "sub", description="whose name it is here; one that people cannot change themselves"
    )
    roles_claim: str = Field("roles", description="viewer, operator, approver, admin, or names for them")
    role_names: dict[str, Role] = Field(
        default_factory=dict, description="name in the claim=role; where any is given, no other name counts"
    )
    projects_claim: str = Field("projects", description="a list of projects; * is all")
    default_projects: tuple[str, ...] = Field((), description="of who has no such claim; by default none")
    ca_file: Path | None = Field(None, description="PEM; the system's authorities where none is given")

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.issuer is not None and self.client_id is None:
            raise ValueError("issuer needs client_id: the console logs in as it")
        return self

    @property
    def for_us(self) -> str:
        return self.audience or self.client_id or ""


class Useless(Exception):
    """A token that is signed and yet no log-in here; the reason goes into our log alone."""


def caller_of(header: Mapping[str, Any], claims: Mapping[str, Any], config: OidcConfig, now: float) -> Caller:
    """Useless for one that is no log-in here; Refused where it is one, and gives nothing."""
    for complaint in _complaints(header, claims, config, now):
        raise Useless(complaint)
    person = _person(claims, config)
    roles = _roles(claims, config)
    if not roles:
        raise Refused(403, "no_role", f"{person} has no role here: the claim {config.roles_claim} names none")
    expires = datetime.fromtimestamp(_number(claims, "exp"), UTC)
    return Caller(f"oidc:{person}", person, roles, _projects(claims, config), PERSON_LIMITS, expires)


def _complaints(
    header: Mapping[str, Any], claims: Mapping[str, Any], config: OidcConfig, now: float
) -> Iterator[str]:
    kind, said = header.get("typ"), claims.get("typ")
    if "crit" in header or (kind.lower() if isinstance(kind, str) else kind) not in TYPES:
        yield "its typ or crit"
    if "events" in claims or (isinstance(said, str) and said.lower() in OTHER_TYPES):
        yield "it is no log-in"
    if claims.get("iss") != config.issuer:
        yield "its issuer"
    if not _is_for_us(claims, config):
        yield "its audience"
    issued, expires = _number(claims, "iat"), _number(claims, "exp")
    if not now < expires:
        yield "it has expired"
    if not 0 < issued <= now + SKEW_SECS or expires - issued > MOST_LIFE_SECS:
        yield "its life"
    if "nbf" in claims and not 0 < _number(claims, "nbf") <= now + SKEW_SECS:
        yield "it is not valid yet"


def _is_for_us(claims: Mapping[str, Any], config: OidcConfig) -> bool:
    """One that is for several applications counts where the console asked for it."""
    audience = claims.get("aud")
    if isinstance(audience, list) and len(audience) == 1:
        audience = audience[0]
    if isinstance(audience, list):
        return config.for_us in audience and claims.get("azp") == config.client_id
    return isinstance(audience, str) and audience == config.for_us


def _number(claims: Mapping[str, Any], name: str) -> float:
    """Seconds since 1970; 0 where it is none."""
    value: Any = claims.get(name)
    return float(value) if type(value) in (int, float) and 0 < value < 2**40 else 0.0


def _person(claims: Mapping[str, Any], config: OidcConfig) -> str:
    name = _claim(claims, config.person_claim)
    if config.person_claim == EMAIL:
        if claims.get("email_verified") is not True:
            raise Refused(403, "no_person", "your email is not verified where you log in")
        name = name.lower() if isinstance(name, str) else name
    if not isinstance(name, str) or not re.fullmatch(PERSON, name):
        what = f"the claim {config.person_claim} of your log-in"
        raise Refused(403, "no_person", f"{what} is no person's name here ({PERSON_IN_WORDS})")
    return name


def _roles(claims: Mapping[str, Any], config: OidcConfig) -> tuple[Role, ...]:
    known = config.role_names or {role.value: role for role in Role}
    given = {known[name] for name in _names(_claim(claims, config.roles_claim)) if name in known}
    return tuple(role for role in Role if role in given)


def _projects(claims: Mapping[str, Any], config: OidcConfig) -> tuple[str, ...] | None:
    said = _claim(claims, config.projects_claim)
    named = config.default_projects if said is None else _names(said)
    if ALL_PROJECTS in named:
        return None
    return tuple(dict.fromkeys(name for name in named if _PROJECT.fullmatch(name)))


def _claim(claims: Mapping[str, Any], name: str) -> Any:
    """By its whole name, or within others: `realm_access.roles`."""
    found: Any = claims
    for part in [name] if name in claims else name.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return found


def _names(value: Any) -> Sequence[str]:
    if isinstance(value, str):
        return value.split()
    return [name for name in value if isinstance(name, str)] if isinstance(value, list) else []
