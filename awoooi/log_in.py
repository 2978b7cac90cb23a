"""People who log in at the organisation's OIDC issuer: its keys, and what it signs with them."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import structlog

from connectors.gateway.oidc import OidcConfig, Useless, caller_of
from connectors.gateway.reader_door import Caller
from connectors.gateway.session import Offered
from connectors.http import HttpClient
from streams.policy.issuer import ENDPOINTS, MOST_BYTES, Issuer
from streams.policy.jws import Presented, take_apart

log = structlog.get_logger(__name__)

ISSUER_SECS = 5.0
_ORIGIN = re.compile(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?|https?://\[[0-9a-f:]+\](:[0-9]{1,5})?")


class OidcLogIns:
    """The gateway's Issuer."""

    def __init__(self, config: OidcConfig, issuer: Issuer, clock: Callable[[], float] = time.time) -> None:
        self._config, self._issuer, self._clock = config, issuer, clock

    async def caller(self, presented: str) -> Caller | None:
        token = take_apart(presented.encode("ascii", "replace"))
        if not await self._is_signed(token):
            return None
        try:
            return caller_of(token.header or {}, token.claims or {}, self._config, self._clock())
        except Useless as useless:
            log.info("log_in_useless", because=str(useless))
            return None

    async def _is_signed(self, token: Presented) -> bool:
        """By a key that the issuer publishes, with the one algorithm that this key is for."""
        header, is_well_formed = token.header or {}, token.parts == 3 and token.is_base64url
        kid = header.get("kid")
        if not is_well_formed or token.repeated or not token.claims or not isinstance(kid, str):
            return False
        await self._issuer.prepare(kid)
        key = self._issuer.find(kid)
        if key is None or header.get("alg") != key.algorithm:
            return False
        return key.verifies(token.signed, token.signature)

    @property
    def trouble(self) -> str:
        """Why its keys could not be read; empty where they were."""
        return self._issuer.trouble

    async def offered(self) -> Offered | None:
        if not self._issuer.endpoints:
            await self._issuer.prepare("")
        ends = self._issuer.endpoints
        if len(ends) < len(ENDPOINTS):
            return None
        config = self._config
        token = "id_token" if config.for_us == config.client_id else "access_token"
        return Offered(config.issuer or "", config.client_id or "", scope=config.scope, token=token, **ends)

    def origins(self) -> Collection[str]:
        named = (self._config.issuer or "", self._issuer.endpoints.get("token_endpoint", ""))
        return dict.fromkeys(origin for origin in map(_origin, named) if origin)


def _origin(url: str) -> str:
    """Nothing but scheme, host and port: it goes into a header."""
    parts = urlsplit(url)
    origin = f"{parts.scheme}://{parts.netloc}"
    return origin if _ORIGIN.fullmatch(origin) else ""


@asynccontextmanager
async def log_ins(config: OidcConfig) -> AsyncIterator[OidcLogIns | None]:
    """None where people have tokens alone."""
    if config.issuer is None:
        yield None
        return
    ca_file = None if config.ca_file is None else str(config.ca_file)
    async with HttpClient(timeout_secs=ISSUER_SECS, ca_file=ca_file, max_answer_bytes=MOST_BYTES) as web:
        yield OidcLogIns(config, Issuer(config.issuer, web))
