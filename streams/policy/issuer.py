"""An OIDC issuer's keys: asked for now and then, believed for a time, never in doubt.

Away or answering rubbish: the keys we know work until their time, others are refused. Rotating: a new key is
asked for when a token first names it; one that the issuer publishes no longer is gone at once. Issuer and
addresses are ours, and so is what the keys are for; a token changes none of it.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import structlog

from connectors.http import Reply
from schemas.errors import AwoooiError, BadPayload, Unreadable
from streams.policy.exam import Rules
from streams.policy.jwk import HS256, PublicKey, read_jwk
from streams.policy.signatures import key_named

log = structlog.get_logger(__name__)

DISCOVERY = "/.well-known/openid-configuration"
ENDPOINTS = ("authorization_endpoint", "token_endpoint")
MOST_KEYS = 100
MOST_BYTES = 256 * 1024
_JSON = re.compile(r"application/([a-z0-9.-]+\+)?json *(;|$)", re.IGNORECASE)
_LOOPBACK = re.compile(r"http://(127\.0\.0\.1|localhost)[:/]")


class Web(Protocol):
    """What we need of connectors.http.HttpClient."""

    async def get(self, url: str) -> Reply: ...


class Issuer:
    def __init__(
        self,
        url: str,
        web: Web,
        *,
        refresh_secs: float = 300.0,
        keep_secs: float = 3600.0,
        again_secs: float = 30.0,
        patience_secs: float = 5.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Keys are asked for anew after `refresh_secs`, believed for `keep_secs`; an unknown key makes us
        ask at most every `again_secs`, so that strangers cannot make us knock at the issuer's door. Its
        answers, however they trickle in, are waited for no longer than `patience_secs`: signatures wait."""
        self.url = url
        self.trouble = ""
        self.endpoints: Mapping[str, str] = {}
        """where people log in, as it says; for the console"""
        self._web, self._clock = web, clock
        self._refresh, self._keep, self._again = refresh_secs, keep_secs, again_secs
        self._patience = patience_secs
        self._keys: dict[str, PublicKey] = {}
        self._read_at = self._asked_at = float("-inf")
        self._asking = asyncio.Lock()

    def find(self, kid: str) -> PublicKey | None:
        return self._keys.get(kid) if self._clock() - self._read_at < self._keep else None

    async def prepare(self, kid: str) -> None:
        """Before a token that names this key is verified. Never raises: what cannot be known is not found."""
        if self.find(kid) is not None and not self._is_due(kid):
            return  # also while others wait for a key that nobody knows
        async with self._asking:
            if self._is_due(kid):
                await self._ask()

    def _is_due(self, kid: str) -> bool:
        now = self._clock()
        if now - self._asked_at < self._again:
            return False
        return self.find(kid) is None or now - self._read_at >= self._refresh

    async def _ask(self) -> None:
        self._asked_at = self._clock()
        try:
            async with asyncio.timeout(self._patience):
                keys = await self._published()
        except (AwoooiError, TimeoutError) as error:
            why = str(error) or f"it takes over {self._patience:.0f} seconds"
            self.trouble = f"issuer {self.url}: {why}; the keys known before work until their time"
            log.warning("issuer_in_doubt", issuer=self.url, detail=why)
            return
        self._keys, self._read_at, self.trouble = keys, self._clock(), ""

    async def _published(self) -> dict[str, PublicKey]:
        about = await self._object(f"{self.url.rstrip('/')}{DISCOVERY}")
        if about.get("issuer") != self.url:
            raise Unreadable("it calls itself by another name")
        address = about.get("jwks_uri")
        if not isinstance(address, str) or not self._is_safe(address):
            raise Unreadable("its jwks_uri is no https address")
        self.endpoints = {name: url for name in ENDPOINTS if self._is_safe(url := str(about.get(name)))}
        return _keys((await self._object(address)).get("keys"))

    def _is_safe(self, address: str) -> bool:
        """Plain HTTP is for an issuer on this very machine."""
        local = _LOOPBACK.match(f"{self.url}/") and _LOOPBACK.match(address)
        return address.startswith("https://") or bool(local)

    async def _object(self, address: str) -> Mapping[str, Any]:
        reply = await self._web.get(address)
        if reply.status != 200:
            raise Unreadable(f"it answers {reply.status}")
        if len(reply.body) > MOST_BYTES:
            raise Unreadable(f"its answer is over {MOST_BYTES} bytes")
        if not _JSON.match(reply.headers.get("content-type", "")):
            raise Unreadable("its answer calls itself something else than JSON")
        found = reply.json()
        if not isinstance(found, dict):
            raise Unreadable("its answer is no JSON object")
        return found


async def prepare(token: bytes, issuers: Mapping[str, Issuer], rules: Rules) -> None:
    """Asks the issuer that a token names, if it is one of ours, for the key that it names."""
    url, kid = key_named(token, rules)
    if url in issuers:
        await issuers[url].prepare(kid)


def _keys(published: object) -> dict[str, PublicKey]:
    """Those of use to us: an issuer may have others. Two of one name leave open which is meant."""
    if not isinstance(published, list) or len(published) > MOST_KEYS:
        raise Unreadable(f"its keys are no list of at most {MOST_KEYS}")
    found: dict[str, PublicKey] = {}
    for jwk in published:
        key = _usable(jwk)
        if key is not None:
            if key.kid in found:
                raise Unreadable(f"two of its keys have the id {key.kid}")
            found[key.kid] = key
    if not found:
        raise Unreadable("it publishes no key that we could use")
    return found


def _usable(jwk: object) -> PublicKey | None:
    if not isinstance(jwk, dict):
        return None
    try:
        key = read_jwk(jwk)
    except BadPayload:
        return None
    return None if key.algorithm == HS256 else key
