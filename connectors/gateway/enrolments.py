"""POST /api/v1/keys: a person registers a public key that they made themselves, in a browser for one.

It verifies nothing until an admin has confirmed it: who has a person's token has no say by that alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import orjson
import structlog
from starlette.types import Receive, Scope, Send

from connectors.gateway.act_desk import written
from connectors.gateway.body import Disconnected, check_kind, parse_json
from connectors.gateway.door import Door
from connectors.gateway.openapi import OF_BODIES, refusal
from connectors.gateway.problems import Refused, come_again
from connectors.gateway.reader_door import Caller
from connectors.gateway.webhooks import Headers, Publish, answer, refuse, traceparent
from schemas.errors import BadPayload, Never, NotNow
from schemas.headers import Headers as RecordHeaders
from schemas.signer import SignerKeyAdded

log = structlog.get_logger(__name__)

PATH = "/api/v1/keys"
ACT = "enroll_key"


class Conflict(Never):
    """What stands of the key already speaks against it."""

    reason = "key_stands"


class KeyDesk(Protocol):
    """What is known of signers, as far as an enrolment needs it."""

    def enrolment(self, person: str, jwk: Mapping[str, Any], now_ms: int) -> SignerKeyAdded:
        """BadPayload where it is no public key of use, Conflict, NotNow while nobody can tell."""
        ...

    def has_gone(self, person: str) -> bool:
        """Whether they were removed; NotNow while nobody can tell."""
        ...

    def encode(self, event: SignerKeyAdded, traceparent: bytes) -> tuple[bytes, RecordHeaders]: ...


class Enrolments:
    """ASGI endpoint."""

    def __init__(
        self, door: Door, desk: KeyDesk, publish: Publish, retry_after_secs: int, now_ms: Callable[[], int]
    ) -> None:
        self._door, self._desk, self._publish = door, desk, publish
        self._retry_after_secs, self._now_ms = retry_after_secs, now_ms

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started, headers, meters = time.perf_counter(), dict(scope["headers"]), self._door.meters
        try:
            told = await self._take(headers, receive)
        except Disconnected:
            meters.count(ACT, "disconnected", started)
            return
        except Refused as refused:
            meters.count(ACT, refused.reason, started)
            log.info("enrolment_refused", reason=refused.reason)
            await refuse(send, refused, {"Connection": "close"})  # the body may not have been read
            return
        meters.count(ACT, "accepted", started)
        await answer(send, 202, orjson.dumps(told), b"application/json")

    async def _take(self, headers: Headers, receive: Receive) -> Mapping[str, Any]:
        caller = await self._door.people.caller(headers)
        with self._door.taken_on(caller):
            content = await self._door.content(headers, receive)
            check_kind(headers)
            return await self._enroll(caller, parse_json(content), traceparent(headers))

    async def _enroll(self, caller: Caller, jwk: Any, trace: bytes) -> Mapping[str, Any]:
        if not isinstance(jwk, dict):
            raise Refused(422, "bad_body", "the body is one public JSON Web Key, an object")
        try:
            event = self._desk.enrolment(caller.person, jwk, self._now_ms())
            lies = await written(self._publish, event, self._desk.encode(event, trace))
        except NotNow as away:
            raise come_again("signers_away", str(away), self._retry_after_secs) from away
        except Conflict as conflict:
            raise Refused(409, conflict.reason, str(conflict)) from conflict
        except BadPayload as bad:
            raise Refused(422, "bad_key", str(bad)) from bad
        except Never as never:
            log.warning("enrolment_not_written", reason=never.reason, detail=str(never))
            raise come_again(never.reason, "the log does not take this record", 30) from never
        kid = event.payload.jwk.kid
        log.info("key_enrolled", person=caller.person, key=kid, event_id=event.event_id)
        return {"kid": kid, "confirm": f"awoooi keys confirm {kid}", **lies._asdict()}


_BODY = {
    "type": "object",
    "required": ["kty"],
    "properties": {name: {"type": "string"} for name in ("kty", "crv", "x", "y", "n", "e", "alg")},
}
_EXAMPLE = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
_REFUSALS = {
    **OF_BODIES,
    401: "no token of a person, or a wrong one",
    403: "the person was removed",
    409: "the key is registered or revoked already, or too many of yours wait",
    422: "no public key that can sign approvals: Ed25519, P-256, or RSA from 2048 bits",
    503: "over the token's limit, or Kafka is away: send it again after Retry-After",
}
_DONE = {
    "type": "object",
    "description": "under its thumbprint (RFC 7638) it waits for an admin; where the event stands in Kafka",
    "required": ["kid", "confirm", "topic", "partition", "offset"],
    "properties": {
        **{name: {"type": "string"} for name in ("kid", "confirm", "topic")},
        **{name: {"type": "integer"} for name in ("partition", "offset")},
    },
}


def with_enrolments(document: dict[str, Any]) -> None:
    done = {"application/json": {"schema": _DONE}}
    document["paths"][PATH] = {
        "post": {
            "operationId": ACT,
            "summary": "register a public key of one's own; it counts once an admin has confirmed it",
            "security": [{"personalToken": []}],
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": _BODY, "example": _EXAMPLE}},
            },
            "responses": {
                "202": {"description": "durable: `signer.key_added`", "content": done},
                **{str(code): refusal(code, text) for code, text in sorted(_REFUSALS.items())},
            },
        }
    }
