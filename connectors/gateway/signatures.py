"""POST /api/v1/approvals/{id}/signatures: a signed approval onto the log, and what became of it.

The route is not trusted and needs no token: what counts is the signature, and that is judged behind the log.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

import orjson
from starlette.types import Receive, Scope, Send

from connectors.gateway.body import Disconnected, read_body
from connectors.gateway.config import GatewayConfig
from connectors.gateway.problems import PROBLEM_CONTENT, Refused, come_again, problem
from connectors.gateway.webhooks import Publish, answer
from schemas.approval import ApprovalRequested
from schemas.envelope import Event
from schemas.errors import Never, NotNow
from schemas.vote import VoteCounted, VoteLate, VoteRefused

PATH = "/api/v1/approvals/{approval_id}/signatures"
TOPIC = "approvals.signatures"
WAIT_SECS = 5.0
AT_ONCE = 8
"""callers that wait for a verdict: each holds a connection to the broker"""
MAX_BYTES = 32 * 1024
_APPROVAL_ID = re.compile(r"(INC-[0-9]{8}-[A-Z0-9]{10})-A[1-9][0-9]{0,3}")
_TOKEN = re.compile(rb"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_JSON = b"application/json"
Answer = tuple[int, Mapping[str, Any]]


class ApprovalLog(Protocol):
    """One incident's approvals, read without a group."""

    async def request(self, approval_id: str) -> ApprovalRequested | None: ...

    async def from_now_on(self) -> None: ...

    async def verdict(self, signature: str, timeout_secs: float) -> Event | None: ...


OpenLog = Callable[[str], AbstractAsyncContextManager[ApprovalLog]]


class Signatures:
    """ASGI endpoint."""

    def __init__(self, config: GatewayConfig, publish: Publish, open_log: OpenLog) -> None:
        self._config, self._publish, self._open = config, publish, open_log
        self._waiting = asyncio.Semaphore(AT_ONCE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            status, told = await self._take(str(scope["path_params"]["approval_id"]), receive)
        except Disconnected:
            return
        except Refused as refused:
            body = problem(refused.status, refused.detail)
            await answer(send, refused.status, body, PROBLEM_CONTENT.encode(), refused.headers)
            return
        await answer(send, status, orjson.dumps(told), _JSON)

    async def _take(self, approval_id: str, receive: Receive) -> Answer:
        token = (await read_body(receive, MAX_BYTES, self._config.body_timeout_secs)).strip()
        found = _APPROVAL_ID.fullmatch(approval_id)
        if found is None:
            raise _unknown(approval_id)
        if not _TOKEN.fullmatch(token):
            raise Refused(422, "no_token", "the body is no compact JWS: three base64url parts between dots")
        if self._waiting.locked():
            raise come_again("busy", "too many signatures at once", 1)
        async with self._waiting:
            try:
                return await self._judged(found[1], approval_id, token)
            except NotNow as away:
                raise come_again("broker_away", "the log is away", self._config.retry_after_secs) from away
            except Never as never:
                raise come_again(never.reason, "the log does not take this record", 30) from never

    async def _judged(self, incident_id: str, approval_id: str, token: bytes) -> Answer:
        signature = hashlib.sha256(token).hexdigest()
        async with self._open(incident_id) as log:
            if await log.request(approval_id) is None:
                raise _unknown(approval_id)
            await log.from_now_on()
            await self._publish(TOPIC, approval_id.encode(), token, ())
            return _answered(await log.verdict(signature, WAIT_SECS), signature)


def _answered(verdict: Event | None, signature: str) -> Answer:
    match verdict:
        case VoteCounted(payload=count):
            return 200, {"state": count.state, "jti": count.jti, "signed_by": count.signed_by}
        case VoteLate(payload=count):
            raise Refused(409, "closed", f"{count.approval_id} is {count.state}")
        case VoteRefused(payload=refusal):
            raise Refused(422, refusal.refusal, f"{refusal.refusal}: {refusal.sentence}")
        case _:
            where = "approvals.outcomes and approvals.votes, by this signature"
            return 202, {"signature": signature, "look": where}


def _unknown(approval_id: str) -> Refused:
    known = _APPROVAL_ID.fullmatch(approval_id) is not None
    return Refused(
        404, "unknown_approval", f"nothing is asked under {approval_id}" if known else "no such id"
    )
