"""Signatures beside the signers as they are now: the file is read again when it changes, issuers are asked.

Nobody may sign while the file cannot be read: a key that was revoked in it must not count in doubt.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import structlog

from schemas.errors import Misconfigured
from streams.policy.checked_file import parse_checked, read_bytes
from streams.policy.exam import Rules
from streams.policy.issuer import Issuer, prepare
from streams.policy.refusals import Refused
from streams.policy.signatures import Vote, verify
from streams.policy.signers import Registry
from streams.policy.signers_file import SignersFile, parse_signers

log = structlog.get_logger(__name__)
Stamp = tuple[tuple[int, int, int] | None, ...]


class Verifier:
    def __init__(
        self, rules: Rules, path: Path | None = None, issuer: Callable[[str], Issuer] | None = None
    ) -> None:
        """`issuer` makes one from its address; without it no issuer's keys are known."""
        self.trouble = ""
        self._rules, self._path, self._make = rules, path, issuer
        self._issuers: dict[str, Issuer] = {}
        self._registry = Registry()
        self._watched: tuple[Path, ...] = () if path is None else (path,)
        self._read: Stamp = ()

    async def verify(self, token: bytes, at: datetime) -> Vote | Refused:
        """Never raises for what a token holds."""
        await self.prepare(token)
        return verify(token, at, self.registry(), self._rules)

    async def prepare(self, token: bytes) -> None:
        """Its issuer's key is asked for, where it is not known."""
        self.registry()
        await prepare(token, self._issuers, self._rules)

    def registry(self) -> Registry:
        if self._path is not None and self._stamp() != self._read:
            self._take(self._path)
        return self._registry

    def _stamp(self) -> Stamp:
        return tuple(_stamp_of(path) for path in self._watched)

    def _take(self, path: Path) -> None:
        """Stamped before it is read: what changes meanwhile is read again."""
        try:
            self._watched = (path,)
            seen = self._stamp()
            if seen == (None,):
                self._registry, self._read = Registry(), seen
                return
            self._registry, self.trouble = self._registry_of(path), ""
        except Misconfigured as error:
            self._registry, self.trouble = Registry(), str(error)
            log.warning("signers_in_doubt", why=str(error), until="the file is in order")
        self._read = (*seen, *self._stamp()[1:])

    def _registry_of(self, path: Path) -> Registry:
        content = read_bytes(path, "the signers file")
        named = parse_checked(content, SignersFile, str(path))
        if named.jwks is not None:
            self._watched = (path, path.parent / named.jwks)
        file = parse_signers(content, path)
        if self._make is not None:
            self._issuers = {url: self._issuers.get(url) or self._make(url) for url in file.issuers}
        return Registry.of(file, self._issuers)


def _stamp_of(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
