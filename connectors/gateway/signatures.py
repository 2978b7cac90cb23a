"""POST /api/v1/approvals/{id}/signatures: a signed approval onto the log, and what became of it.

The id is the approval's, or its run's.

The route is not trusted and needs no token: what counts is the signature, and that is judged behind the log.
What cannot count for the approval that the path names is refused at the door, and recorded in bounds.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import re
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

import orjson
import structlog
from starlette.types import Receive, Scope, Send

from connectors.gateway.body import Disconnected, announced_size, read_body, too_large
from connectors.gateway.callers import Callers
from connectors.gateway.config import GatewayConfig
from connectors.gateway.meters import SignatureMeters
from connectors.gateway.problems import Refused, come_again
from connectors.gateway.turned_away import Doorkeeper, Knock
from connectors.gateway.webhooks import Publish, answer, refuse
from schemas import ids
from schemas.envelope import Event
from schemas.errors import Never, NotNow
from schemas.headers import Headers
from schemas.vote import VoteCounted, VoteLate, VoteRefused

log = structlog.get_logger(__name__)

PATH = "/api/v1/approvals/{approval_id}/signatures"
TOPIC = "approvals.signatures"
WAIT_SECS = 5.0
MAX_BYTES = 32 * 1024
_MISCONFIGURED_RETRY_SECS = 30
_APPROVAL_ID = re.compile(r"(INC-[0-9]{8}-[A-Z0-9]{10})-A([1-9][0-9]{0,3})")
_RUN_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_TOKEN = re.compile(rb"[A-Za-z0-9_-]+\.([A-Za-z0-9_-]+)\.[A-Za-z0-9_-]+")
_LIKE = "an approval's looks like INC-20260301-0A1B2C3D4E-A1"
_JSON = b"application/json"
TURNED_AWAY = frozenset(
    {"bad_id", "unknown_approval", "no_token", "claims_are_no_object", "other_approval", "too_large", "rate"}
)
"""what nothing behind the door will tell of"""
Receipt = tuple[str, int, int]
Answer = tuple[int, str, Mapping[str, Any]]


class Ear(Protocol):
    """Hears what is said of one signature from the moment it was made."""

    async def verdict(self, written: Receipt) -> Event:
        """Of the record that stands there: a copy of it has a verdict of its own."""
        ...


class Approvals(Protocol):
    """What was asked and what became of signatures: one follower of the log for all who wait."""

    async def is_asked(self, approval_id: str) -> bool:
        """Raises BrokerAway where that cannot be told."""
        ...

    def listen(self, signature: str) -> AbstractContextManager[Ear]: ...

    def encode(self, event: Event) -> tuple[bytes, Headers]:
        """Raises NotNow where it cannot be told how."""
        ...


@dataclass(slots=True)
class _Call:
    """One request on its way through."""

    asked: str
    """an approval's id or its run's; empty where the path holds neither"""
    address: str
    token: bytes = b""

    @property
    def approval_id(self) -> str:
        return self.asked if _APPROVAL_ID.fullmatch(self.asked) else ""


class Signatures:
    """ASGI endpoint."""

    def __init__(
        self,
        config: GatewayConfig,
        publish: Publish,
        approvals: Approvals,
        meters: SignatureMeters,
        doorkeeper: Doorkeeper,
    ) -> None:
        self._config, self._publish, self._approvals = config, publish, approvals
        self._meters, self._doorkeeper = meters, doorkeeper
        self._callers = Callers(config.signatures_per_minute, config.signatures_per_minute_in_all)
        self._open = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started, asked = time.perf_counter(), str(scope["path_params"]["approval_id"])
        call = _Call(asked if _is_id(asked) else "", (scope.get("client") or ("",))[0])
        try:
            status, outcome, told = await self._admit(call, scope, receive)
        except Disconnected:
            self._meters.count("disconnected", started)
            return
        except Refused as refused:
            self._meters.count(refused.reason, started)
            log.info("signature_refused", reason=refused.reason)
            if refused.reason in TURNED_AWAY and refused.status < 500:
                await self._doorkeeper.note(refused, Knock(call.approval_id, call.address, call.token))
            await refuse(send, refused)
            return
        self._meters.count(outcome, started)
        await answer(send, status, orjson.dumps(told), _JSON)

    async def _admit(self, call: _Call, scope: Scope, receive: Receive) -> Answer:
        """All that can be said before the body is read; then the connection ends, whatever was to come."""
        if not call.asked:
            raise _unread(Refused(422, "bad_id", f"bad_id: neither an approval's id nor a run's; {_LIKE}"))
        if (announced_size(dict(scope["headers"])) or 0) > MAX_BYTES:
            raise _unread(too_large(MAX_BYTES))
        if wait := self._callers.take(call.address):
            limit = f"at most {self._config.signatures_per_minute} a minute from one address"
            raise _unread(Refused(429, "rate", f"too often: {limit}", {"Retry-After": str(wait)}))
        if self._open >= self._config.signatures_at_once:
            self._callers.give_back(call.address)
            raise _unread(come_again("busy", "too many signatures at once", 1))
        self._open += 1
        try:
            return await self._take(call, receive)
        except (NotNow, Never) as error:
            self._callers.give_back(call.address)
            raise self._ours(error) from error
        finally:
            self._open -= 1

    def _ours(self, error: NotNow | Never) -> Refused:
        if isinstance(error, NotNow):
            return come_again("broker_away", "the log is away", self._config.retry_after_secs)
        log.error("signature_not_written", reason=error.reason, detail=str(error))
        return come_again(error.reason, "the log does not take this record", _MISCONFIGURED_RETRY_SECS)

    async def _take(self, call: _Call, receive: Receive) -> Answer:
        try:
            token = (await read_body(receive, MAX_BYTES, self._config.body_timeout_secs)).strip()
        except Refused as refused:
            raise _unread(refused) from None
        call.token = token
        approval_id = addressed(token, call.asked)
        if not await self._approvals.is_asked(approval_id):
            raise Refused(404, "unknown_approval", f"nothing is asked under {approval_id}")
        signature = hashlib.sha256(token).hexdigest()
        with self._approvals.listen(signature) as ear:
            written = await self._publish(TOPIC, approval_id.encode(), token, ())
            return _answered(await _verdict(ear, written, receive), signature)


def addressed(token: bytes, asked: str) -> str:
    """The approval that is meant: the one asked for by its own id or by its run's, and no other.

    The body has the form of a compact JWS and says so itself; nothing of it is believed.
    """
    found = _TOKEN.fullmatch(token)
    if found is None:
        raise Refused(422, "no_token", "the body is no compact JWS: three base64url parts between dots")
    claims = _claims(found[1])
    if claims is None:
        raise Refused(422, "claims_are_no_object", "claims_are_no_object: the claims are no JSON object")
    approval_id = claims.get("approval_id")
    if not isinstance(approval_id, str) or asked not in (approval_id, _run_of(approval_id)):
        raise Refused(422, "other_approval", f"other_approval: its approval_id is not that of {asked}")
    return approval_id


def _is_id(text: str) -> bool:
    return bool(_APPROVAL_ID.fullmatch(text) or _RUN_ID.fullmatch(text))


def _run_of(approval_id: str) -> str:
    """A run's id follows from its incident and number, which an approval's id says."""
    found = _APPROVAL_ID.fullmatch(approval_id)
    return ids.run_id(found[1], int(found[2])) if found else ""


def _claims(part: bytes) -> dict[str, Any] | None:
    try:
        value = orjson.loads(base64.urlsafe_b64decode(part + b"=" * (-len(part) % 4)))
    except (binascii.Error, orjson.JSONDecodeError):
        return None
    return value if isinstance(value, dict) else None


async def _verdict(ear: Ear, written: Receipt, receive: Receive) -> Event | None:
    """None where none came in time. Who goes away is not waited for; what was written counts all the same."""
    heard, left = asyncio.ensure_future(ear.verdict(written)), asyncio.ensure_future(_gone(receive))
    try:
        done, _ = await asyncio.wait((heard, left), timeout=WAIT_SECS, return_when=asyncio.FIRST_COMPLETED)
    finally:
        heard.cancel()
        left.cancel()
    if heard in done:
        return heard.result()
    if left in done:
        raise Disconnected
    return None


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _answered(verdict: Event | None, signature: str) -> Answer:
    match verdict:
        case VoteCounted(payload=count):
            return (
                200,
                "counted",
                {"state": count.state, "jti": count.jti, "signed_by": count.signed_by},
            )
        case VoteLate(payload=count):
            raise Refused(409, "closed", f"{count.approval_id} is {count.state}")
        case VoteRefused(payload=refusal):
            raise Refused(422, "does_not_count", f"{refusal.refusal}: {refusal.sentence}")
        case _:
            where = "approvals.outcomes and approvals.votes, by this signature"
            return 202, "no_verdict", {"signature": signature, "look": where}


def _unread(refused: Refused) -> Refused:
    """A body may still be to come: nobody sends us what we do not want."""
    refused.headers = {**refused.headers, "Connection": "close"}
    return refused
