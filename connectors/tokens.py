"""Webhook tokens: one JSON file, owner-readable, holding hashes only.

A token reads `awt_<id>_<secret>`; the id may be logged, the secret is shown once, when it is made.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import structlog
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, field_validator

from connectors.whole_file import locked, write_whole
from schemas.catalog import MIB
from schemas.errors import Misconfigured

log = structlog.get_logger(__name__)

PREFIX = "awt"
ID_BYTES, SECRET_BYTES = 5, 32
PROJECT_PATTERN = r"[a-z0-9][a-z0-9._-]{0,62}"
SOURCE_PATTERN = r"[a-z0-9][a-z0-9_-]{0,62}"
ALL_SOURCES: Literal["*"] = "*"
_NO_TOKEN_SHA256 = hashlib.sha256(b"").hexdigest()
_CHECK_SECS = 1.0


class Limits(BaseModel):
    """What one token may send in a minute; a whole minute's worth may come at once."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    requests_per_minute: int = Field(100, ge=1)
    bytes_per_minute: int = Field(60 * MIB, ge=MIB, description="at least one largest body")


class Token(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=r"^[0-9a-f]{10}$")
    name: str = Field(min_length=1, max_length=200)
    project: str = Field("default", pattern=f"^{PROJECT_PATTERN}$")
    sources: tuple[str, ...] | Literal["*"] = ALL_SOURCES
    limits: Limits = Limits()
    created: AwareDatetime
    revoked: AwareDatetime | None = None
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$", repr=False)

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


class _Content(BaseModel):
    model_config = ConfigDict(extra="forbid")

    tokens: list[Token] = Field(default_factory=list)


def new_token(
    path: Path,
    name: str,
    *,
    project: str = "default",
    sources: tuple[str, ...] | Literal["*"] = ALL_SOURCES,
    limits: Limits | None = None,
) -> tuple[Token, str]:
    """The entry that was written, and the token itself, which nobody can show again."""
    token_id, secret = secrets.token_hex(ID_BYTES), secrets.token_urlsafe(SECRET_BYTES)
    shown = f"{PREFIX}_{token_id}_{secret}"
    try:
        entry = Token(
            id=token_id,
            name=name,
            project=project,
            sources=sources,
            limits=limits or Limits(),
            created=_now(),
            sha256=_hash(shown),
        )
    except ValidationError as error:
        raise Misconfigured(_fault(error)) from error
    with locked(path):
        _write(path, [*(read_tokens(path) if path.exists() else ()), entry])
    return entry, shown


def revoke_token(path: Path, token_id: str) -> Token:
    """Takes effect in a running gateway within about a second. A second call changes nothing."""
    with locked(path):
        tokens = {token.id: token for token in read_tokens(path)}
        if token_id not in tokens:
            raise Misconfigured(f"no token has the id {token_id!r}; there are: {', '.join(tokens) or 'none'}")
        entry = tokens[token_id]
        if entry.revoked is None:
            entry = tokens[token_id] = entry.model_copy(update={"revoked": _now()})
            _write(path, list(tokens.values()))
    return entry


def read_tokens(path: Path) -> tuple[Token, ...]:
    """Every entry, the revoked ones too."""
    try:
        content = _Content.model_validate_json(path.read_bytes())
    except FileNotFoundError as error:
        todo = "`awoooi init` makes it, `awoooi tokens new NAME` too"
        raise Misconfigured(f"tokens file {path} does not exist: {todo}") from error
    except OSError as error:
        raise Misconfigured(f"tokens file {path} cannot be read: {error.strerror}") from error
    except ValidationError as error:
        raise Misconfigured(f"tokens file {path}: {_fault(error)}") from error
    return tuple(content.tokens)


class TokenFile:
    """The tokens in force, re-read when the file has changed.

    A file that breaks while we run changes nothing: the last good one stays in force, `trouble` says why.
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._clock = clock
        self._seen = _stamp_of(path)
        self._checked = clock()
        self._valid = _valid(read_tokens(path))
        self.trouble = ""

    def find(self, presented: str) -> Token | None:
        """The token that was presented, if it is in force; takes as long for a wrong one."""
        self._refresh()
        _, _, rest = presented.partition("_")
        token = self._valid.get(rest.partition("_")[0])
        known = _NO_TOKEN_SHA256 if token is None else token.sha256
        return token if hmac.compare_digest(known, _hash(presented)) else None

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
            self._valid = _valid(read_tokens(self._path))
            self.trouble = ""
            log.info("tokens_read", tokens=len(self._valid))
        except Misconfigured as error:
            self.trouble = f"{error}; the tokens read before stay in force"
            log.warning("tokens_broken", detail=self.trouble)


def _valid(tokens: tuple[Token, ...]) -> dict[str, Token]:
    return {token.id: token for token in tokens if token.revoked is None}


def _stamp_of(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _hash(presented: str) -> str:
    # 256 random bits need no slow hash: there is nothing to guess
    return hashlib.sha256(presented.encode(errors="surrogateescape")).hexdigest()


def _write(path: Path, tokens: list[Token]) -> None:
    write_whole(path, _Content(tokens=tokens).model_dump_json(indent=2).encode() + b"\n")


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def _fault(error: ValidationError) -> str:
    """Where and what, without the value: it may be a secret pasted into the wrong place."""
    first = error.errors(include_input=False, include_url=False)[0]
    return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"
