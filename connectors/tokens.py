"""Tokens for the gateway: one JSON file, owner-readable, holding hashes only.

A webhook's token reads `awt_<id>_<secret>`, a person's own `awp_<id>_<secret>`; the id may be logged, the
secret is shown once, when it is made. The two are looked up apart: neither is ever taken for the other.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import structlog
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, field_validator

from connectors.whole_file import locked, write_whole
from schemas.catalog import MIB
from schemas.errors import Misconfigured
from schemas.person import PERSON, PERSON_IN_WORDS

log = structlog.get_logger(__name__)

WEBHOOK_PREFIX, PERSON_PREFIX = "awt", "awp"
ID_BYTES, SECRET_BYTES = 5, 32
PROJECT_PATTERN = r"[a-z0-9][a-z0-9._-]{0,62}"
SOURCE_PATTERN = r"[a-z0-9][a-z0-9_-]{0,62}"
ALL_SOURCES: Literal["*"] = "*"
ALL_PROJECTS: Literal["*"] = "*"
_NO_TOKEN_SHA256 = hashlib.sha256(b"").hexdigest()
_CHECK_SECS = 1.0


class Limits(BaseModel):
    """What one token may send in a minute; a whole minute's worth may come at once."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    requests_per_minute: int = Field(100, ge=1)
    bytes_per_minute: int = Field(60 * MIB, ge=MIB, description="at least one largest body")


PERSON_LIMITS = Limits(requests_per_minute=600)
"""one page of the console asks several things"""


class Role(StrEnum):
    """What a person may do over the API; nothing else of them is known here."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    APPROVER = "approver"
    ADMIN = "admin"


class Entry(BaseModel):
    """What every token has."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=r"^[0-9a-f]{10}$")
    name: str = Field(min_length=1, max_length=200)
    limits: Limits = Limits()
    created: AwareDatetime
    expires: AwareDatetime | None = None
    revoked: AwareDatetime | None = None
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$", repr=False)

    @property
    def has_expired(self) -> bool:
        return self.expires is not None and self.expires <= datetime.now(UTC)


class Token(Entry):
    """A webhook's: it brings alerts of one project, and can do nothing else."""

    project: str = Field("default", pattern=f"^{PROJECT_PATTERN}$")
    sources: tuple[str, ...] | Literal["*"] = ALL_SOURCES

    @field_validator("sources")
    @classmethod
    def _named(cls, sources: tuple[str, ...] | Literal["*"]) -> tuple[str, ...] | Literal["*"]:
        for source in () if sources == ALL_SOURCES else sources:
            if not re.fullmatch(SOURCE_PATTERN, source):
                raise ValueError(f"{source!r} is no source name (small letters, digits, - and _)")
        if not sources:
            raise ValueError('name at least one source, or "*" for all')
        return sources

    def covers(self, source: str) -> bool:
        return self.sources == ALL_SOURCES or source in self.sources


class PersonalToken(Entry):
    """A person's own: what they do with it bears their name."""

    limits: Limits = PERSON_LIMITS
    person: str
    roles: tuple[Role, ...] = Field(min_length=1)
    projects: tuple[Annotated[str, Field(pattern=f"^{PROJECT_PATTERN}$")], ...] | Literal["*"] = Field(
        ALL_PROJECTS, min_length=1
    )

    @field_validator("person")
    @classmethod
    def _a_name(cls, person: str) -> str:
        if not re.fullmatch(PERSON, person):
            raise ValueError(f"no person's name ({PERSON_IN_WORDS})")
        return person


AnyToken = Token | PersonalToken
E = TypeVar("E", Token, PersonalToken)


class _Content(BaseModel):
    model_config = ConfigDict(extra="forbid")

    tokens: list[Token] = Field(default_factory=list)
    people: list[PersonalToken] = Field(default_factory=list)

    @property
    def all(self) -> dict[str, AnyToken]:
        entries: list[AnyToken] = [*self.tokens, *self.people]
        return {entry.id: entry for entry in entries}


def new_token(
    path: Path,
    name: str,
    *,
    project: str = "default",
    sources: tuple[str, ...] | Literal["*"] = ALL_SOURCES,
    limits: Limits | None = None,
    days: int = 0,
) -> tuple[Token, str]:
    """The entry that was written, and the token itself, which nobody can show again. 0 days: no end."""
    given = {"name": name, "project": project, "sources": sources}
    more = {"limits": limits or Limits(), "expires": _in(days)}
    return _new(path, Token, WEBHOOK_PREFIX, {**given, **more})


def new_personal_token(
    path: Path,
    name: str,
    person: str,
    roles: Sequence[str],
    *,
    projects: tuple[str, ...] | Literal["*"] = ALL_PROJECTS,
    limits: Limits | None = None,
    days: int = 0,
) -> tuple[PersonalToken, str]:
    """The same for a person's own."""
    wrong = [role for role in roles if role not in [*Role]]
    if wrong or not roles:
        named = f"{', '.join(map(repr, wrong))}: no such role" if wrong else "name at least one role"
        raise Misconfigured(f"{named}; there are: {', '.join(Role)}")
    given = {"name": name, "person": person, "roles": tuple(dict.fromkeys(roles)), "projects": projects}
    more = {"limits": limits or PERSON_LIMITS, "expires": _in(days)}
    return _new(path, PersonalToken, PERSON_PREFIX, {**given, **more})


def _new(path: Path, kind: type[E], prefix: str, given: Mapping[str, Any]) -> tuple[E, str]:
    token_id, secret = secrets.token_hex(ID_BYTES), secrets.token_urlsafe(SECRET_BYTES)
    shown = f"{prefix}_{token_id}_{secret}"
    try:
        entry = kind.model_validate({**given, "id": token_id, "created": _now(), "sha256": _hash(shown)})
    except ValidationError as error:
        raise Misconfigured(_fault(error)) from error
    with locked(path):
        _write(path, [*(_read(path).all.values() if path.exists() else ()), entry])
    return entry, shown


def revoke_token(path: Path, token_id: str) -> AnyToken:
    """Takes effect in a running gateway within about a second. A second call changes nothing."""
    with locked(path):
        known = _read(path).all
        if token_id not in known:
            raise Misconfigured(f"no token has the id {token_id!r}; there are: {', '.join(known) or 'none'}")
        entry = known[token_id]
        if entry.revoked is None:
            entry = known[token_id] = entry.model_copy(update={"revoked": _now()})
            _write(path, known.values())
    return entry


def revoke_person(path: Path, person: str) -> tuple[PersonalToken, ...]:
    """All of theirs that are in force: somebody who has gone acts no more."""
    with locked(path):
        known = _read(path).all
        theirs = [entry for entry in known.values() if isinstance(entry, PersonalToken)]
        ended = {
            entry.id: entry.model_copy(update={"revoked": _now()})
            for entry in theirs
            if entry.person == person and entry.revoked is None
        }
        if ended:
            _write(path, {**known, **ended}.values())
    return tuple(ended.values())


def read_tokens(path: Path) -> tuple[Token, ...]:
    """Every webhook's, the revoked ones too."""
    return tuple(_read(path).tokens)


def read_personal_tokens(path: Path) -> tuple[PersonalToken, ...]:
    return tuple(_read(path).people)


def _read(path: Path) -> _Content:
    try:
        return _Content.model_validate_json(path.read_bytes())
    except FileNotFoundError as error:
        todo = "`awoooi init` makes it, `awoooi tokens new NAME` too"
        raise Misconfigured(f"tokens file {path} does not exist: {todo}") from error
    except OSError as error:
        raise Misconfigured(f"tokens file {path} cannot be read: {error.strerror}") from error
    except ValidationError as error:
        raise Misconfigured(f"tokens file {path}: {_fault(error)}") from error


class TokenFile:
    """The tokens in force, re-read when the file has changed.

    A file that breaks while we run changes nothing: the last good one stays in force, `trouble` says why.
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._clock = clock
        self._seen = _stamp_of(path)
        self._checked = clock()
        self._take(_read(path))
        self.trouble = ""

    def find(self, presented: str) -> Token | None:
        """The webhook's token that was presented, if it is in force; takes as long for a wrong one."""
        self._refresh()
        return _found(self._webhooks, presented)

    def find_person(self, presented: str) -> PersonalToken | None:
        """The same for a person's own."""
        self._refresh()
        return _found(self._people, presented)

    def _take(self, content: _Content) -> None:
        self._webhooks, self._people = _valid(content.tokens), _valid(content.people)

    def _refresh(self) -> None:
        now = self._clock()
        if now - self._checked < _CHECK_SECS:
            return
        self._checked = now
        seen = _stamp_of(self._path)
        if seen == self._seen:
            return
        self._seen = seen
        try:
            self._take(_read(self._path))
            self.trouble = ""
            log.info("tokens_read", tokens=len(self._webhooks), people=len(self._people))
        except Misconfigured as error:
            self.trouble = f"{error}; the tokens read before stay in force"
            log.warning("tokens_broken", detail=self.trouble)


def _valid(tokens: Sequence[E]) -> dict[str, E]:
    return {token.id: token for token in tokens if token.revoked is None}


def _found(valid: Mapping[str, E], presented: str) -> E | None:
    """By the hash of the whole text: the same secret under another prefix or id is another token."""
    _, _, rest = presented.partition("_")
    token = valid.get(rest.partition("_")[0])
    if token is not None and token.has_expired:
        token = None
    known = _NO_TOKEN_SHA256 if token is None else token.sha256
    return token if hmac.compare_digest(known, _hash(presented)) else None


def _stamp_of(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _hash(presented: str) -> str:
    # 256 random bits need no slow hash: there is nothing to guess
    return hashlib.sha256(presented.encode(errors="surrogateescape")).hexdigest()


def _write(path: Path, entries: Collection[AnyToken]) -> None:
    content = _Content(
        tokens=[entry for entry in entries if isinstance(entry, Token)],
        people=[entry for entry in entries if isinstance(entry, PersonalToken)],
    )
    write_whole(path, content.model_dump_json(indent=2).encode() + b"\n")


def _in(days: int) -> datetime | None:
    try:
        return _now() + timedelta(days=days) if days else None
    except OverflowError as error:
        raise Misconfigured(f"{days} days from now is after the year 9999") from error


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def _fault(error: ValidationError) -> str:
    """Where and what, without the value: it may be a secret pasted into the wrong place."""
    first = error.errors(include_input=False, include_url=False)[0]
    return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"
