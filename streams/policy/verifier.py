"""Signatures beside the signers as they are now: file, topic and issuers together, in doubt the stricter.

Nobody may sign while the file or the topic cannot be read: a key may have been revoked there.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import structlog
from prometheus_client import Gauge

from connectors.checked_file import parse_checked, read_bytes
from schemas.errors import Misconfigured
from streams.policy.exam import Rules
from streams.policy.issuer import Issuer, prepare
from streams.policy.recorded_signers import Recorded, RecordedSigners, together
from streams.policy.refusals import Refused
from streams.policy.signatures import Vote, verify
from streams.policy.signers import Registry
from streams.policy.signers_file import SignersFile, parse_signers

log = structlog.get_logger(__name__)
IN_DOUBT = Gauge("awoooi_signers_in_doubt", "1 while nobody may sign, because who may is not known")
Stamp = tuple[tuple[int, int, int] | None, ...]


class Verifier:
    def __init__(
        self,
        rules: Rules,
        path: Path | None = None,
        issuer: Callable[[str], Issuer] | None = None,
        log: RecordedSigners | None = None,
    ) -> None:
        """`issuer` makes one from its address; without it no issuer's keys are known."""
        self.trouble = ""
        self.rules = rules
        self._path, self._make, self._log = path, issuer, log
        self._issuers: dict[str, Issuer] = {}
        self._registry = Registry()
        self._watched: tuple[Path, ...] = () if path is None else (path,)
        self._seen: tuple[Stamp, int] | None = None

    async def verify(self, token: bytes, at: datetime) -> Vote | Refused:
        """Never raises for what a token holds."""
        await self.prepare(token)
        return verify(token, at, self.registry(), self.rules)

    async def prepare(self, token: bytes) -> None:
        """Its issuer's key is asked for, where it is not known."""
        self.registry()
        await prepare(token, self._issuers, self.rules)

    def registry(self) -> Registry:
        """Stamped before it is read: what changes meanwhile is read again, as is what it first names."""
        watched, seen = self._watched, self._stamps()
        if seen != self._seen:
            self._registry = self._put_together()
            self._seen = seen if watched == self._watched else None
        return self._registry

    def watched(self) -> Verifier:
        """Shown as the process's own: looked up whenever the metrics are asked for."""
        IN_DOUBT.set_function(lambda: float(bool(self.registry().doubt)))
        return self

    def offset(self) -> int:
        """How far the topic was read; -1: not at all."""
        return -1 if self._log is None else self._log.stamp()

    def _stamps(self) -> tuple[Stamp, int]:
        return tuple(_stamp_of(path) for path in self._watched), self.offset()

    def _put_together(self) -> Registry:
        try:
            file = self._of_file()
        except Misconfigured as error:
            return self._in_doubt("the signers file cannot be read", str(error))
        said = Recorded() if self._log is None else self._log.read()
        if said.doubt:
            return self._in_doubt(said.doubt, said.doubt)
        if self._make is not None:
            self._issuers = {url: self._issuers.get(url) or self._make(url) for url in file.issuers}
        self.trouble = ""
        return Registry.of(together(file, said), self._issuers)

    def _in_doubt(self, told: str, why: str) -> Registry:
        self.trouble = why
        log.warning("signers_in_doubt", why=why, until="that is over nobody may sign")
        return Registry(doubt=told)

    def _of_file(self) -> SignersFile:
        """None is an empty one; what it names beside itself is watched as well."""
        path = self._path
        if path is None or _stamp_of(path) is None:
            return SignersFile()
        content = read_bytes(path, "the signers file")
        named = parse_checked(content, SignersFile, str(path))
        self._watched = (path,) if named.jwks is None else (path, path.parent / named.jwks)
        return parse_signers(content, path)


def _stamp_of(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
