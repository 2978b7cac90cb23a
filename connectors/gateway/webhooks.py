"""The webhook routes: check the caller, check the body, write it to Kafka, and only then say yes.

One plain ASGI endpoint, since this is the one path that has to be fast. Nothing is parsed for its
meaning: that is a stream stage's work, so that a bad mapping can be mended and replayed.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Protocol

import orjson
import structlog
from starlette.types import Receive, Scope, Send

from connectors.gateway.body import Disconnected, announced_size, check_kind, parse_json, read_body, too_large
from connectors.gateway.config import GatewayConfig
from connectors.gateway.limits import Load, RateLimits
from connectors.gateway.meters import Meters
from connectors.gateway.problems import PROBLEM_CONTENT, Refused, come_again, problem, unauthorized
from connectors.gateway.stamp import STAMP_HEADER, stamp
from connectors.tokens import Token
from schemas.catalog import RAW_PREFIX
from schemas.errors import Never, NotNow

log = structlog.get_logger(__name__)

Headers = dict[bytes, bytes]
Publish = Callable[[str, bytes, bytes, Sequence[tuple[str, bytes]]], Awaitable[tuple[str, int, int]]]

AUTO = "auto"  # the topic whose records are told apart by their shape
V2_SOURCE = "alertmanager"
_TRACEPARENT = re.compile(rb"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_JSON = b"application/json"
_MISCONFIGURED_RETRY_SECS = 30
UNKNOWN = "unknown"
_NO_MORE: Mapping[str, str] = {}


class Tokens(Protocol):
    """What the gateway needs of connectors.tokens.TokenFile."""

    def find(self, presented: str) -> Token | None: ...


@dataclass(frozen=True, slots=True)
class Wiring:
    """All that the endpoint is given; the clocks are there to be replaced."""

    publish: Publish
    sources: Collection[str]
    tokens: Tokens
    stamp_key: bytes
    rates: RateLimits
    load: Load
    meters: Meters
    now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000


@dataclass(slots=True)
class _Call:
    """One request on its way through."""

    source: str
    headers: Headers
    token_id: str = ""
    size: int = 0
    was_read: bool = False


class Webhooks:
    """ASGI endpoint. `source` and `status` are fixed for Alertmanager's own API, else from the path."""

    def __init__(
        self, config: GatewayConfig, wiring: Wiring, *, source: str | None = None, status: int = 202
    ) -> None:
        self._config = config
        self._with = wiring
        self._source = source
        self._status = status
        self._wants_array = source is not None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        call = _Call(self._source_of(scope), dict(scope["headers"]))
        try:
            topic, partition, offset = await self._take(call, receive)
        except Disconnected:
            self._with.meters.count(call.source, "disconnected", started)
            return
        except Refused as refused:
            self._with.meters.count(call.source, refused.reason, started)
            log.info("webhook_refused", reason=refused.reason, source=call.source, token=call.token_id)
            await refuse(send, refused, self._ending(call))
            return
        self._with.meters.accepted(call.source, call.size, started)
        log.debug("webhook_accepted", topic=topic, partition=partition, offset=offset, token=call.token_id)
        receipt = orjson.dumps({"topic": topic, "partition": partition, "offset": offset})
        await answer(send, self._status, receipt, _JSON)

    def _ending(self, call: _Call) -> Mapping[str, str]:
        """The connection ends where a long body is still to come: nobody sends us what we do not want."""
        size = announced_size(call.headers)
        is_short = size is not None and size <= self._config.max_body_bytes
        return {} if call.was_read or is_short else {"Connection": "close"}

    def _source_of(self, scope: Scope) -> str:
        """One of ours, or `unknown`: what a caller makes up is no label and goes into no log."""
        if self._source is not None:
            return self._source
        asked = scope["path_params"]["source"]
        if asked == "alerts":
            return AUTO
        return asked if asked in self._with.sources else UNKNOWN

    async def _take(self, call: _Call, receive: Receive) -> tuple[str, int, int]:
        token = self._authorize(call)
        check_kind(call.headers)
        limit = self._config.max_body_bytes
        announced = announced_size(call.headers)
        reserved = limit if announced is None else announced
        if reserved > limit:
            raise too_large(limit)
        load = self._with.load
        if load.is_full:
            self._with.rates.give_back(token, 0)
            raise come_again("busy", "too many requests at once", 1)
        load.take(reserved)
        try:
            body = await read_body(receive, limit, self._config.body_timeout_secs)
            call.was_read = True
            return await self._publish(call, token, body)
        finally:
            load.release(reserved)

    def _authorize(self, call: _Call) -> Token:
        scheme, _, presented = call.headers.get(b"authorization", b"").partition(b" ")
        token = self._with.tokens.find(presented.strip().decode("latin-1"))
        if token is None or scheme.lower() != b"bearer":
            raise unauthorized()
        call.token_id = token.id
        if call.source == UNKNOWN:
            allowed = ", ".join(["alerts", *sorted(self._with.sources)])
            raise Refused(404, "unknown_source", f"no such source; there are: {allowed}")
        if not token.covers(call.source):
            raise Refused(403, "other_source", f"this token is not for source {call.source}")
        if wait := self._with.rates.take_request(token):
            limit = token.limits.requests_per_minute
            raise come_again("rate_requests", f"over {limit} requests a minute", wait)
        return token

    async def _publish(self, call: _Call, token: Token, body: bytes) -> tuple[str, int, int]:
        content = parse_json(body)
        if self._wants_array and not isinstance(content, list):
            raise Refused(400, "bad_shape", "Alertmanager's API takes a JSON array of alerts")
        call.size = len(body)
        if wait := self._with.rates.take_bytes(token, call.size):
            raise come_again("rate_bytes", f"over {token.limits.bytes_per_minute} bytes a minute", wait)
        topic = RAW_PREFIX + call.source
        proof = stamp(self._with.stamp_key, token.project, token.id, topic, body, self._with.now_ms())
        headers = [(STAMP_HEADER, proof), ("traceparent", traceparent(call.headers))]
        try:
            return await self._with.publish(topic, record_key(token.id, content), body, headers)
        except NotNow as away:
            self._with.rates.give_back(token, call.size)
            raise come_again("broker_away", "the log is away", self._config.retry_after_secs) from away
        except Never as never:
            self._with.rates.give_back(token, call.size)
            raise _misconfigured(never) from never


def _misconfigured(never: Never) -> Refused:
    """A topic that is missing or too small is the operator's to mend; the sender should keep trying."""
    log.error("webhook_not_written", reason=never.reason, detail=str(never))
    return come_again(never.reason, "the log does not take this record", _MISCONFIGURED_RETRY_SECS)


def record_key(token_id: str, content: Any) -> bytes:
    """Keeps one sender's alerts of one group in order, firing before resolved, and spreads groups.

    Alertmanager and Grafana name the group (`groupKey`); it is hashed, since labels stand in it.
    Other senders name none: theirs stay in order by token.
    """
    group = content.get("groupKey") if isinstance(content, dict) else None
    if not isinstance(group, str):
        return token_id.encode()
    return f"{token_id}:{blake2b(group.encode(), digest_size=8).hexdigest()}".encode()


def traceparent(headers: Headers) -> bytes:
    """The caller's trace when it sent a valid one, else a new one."""
    given = headers.get(b"traceparent", b"")
    if _TRACEPARENT.fullmatch(given):
        return given
    fresh = os.urandom(24).hex().encode()
    return b"00-%b-%b-01" % (fresh[:32], fresh[32:])


async def answer(
    send: Send, status: int, body: bytes, kind: bytes, more: Mapping[str, str] = _NO_MORE
) -> None:
    headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode())]
    headers += [(name.lower().encode(), value.encode()) for name, value in more.items()]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def refuse(send: Send, refused: Refused, more: Mapping[str, str] = _NO_MORE) -> None:
    body = problem(refused.status, refused.detail)
    await answer(send, refused.status, body, PROBLEM_CONTENT.encode(), {**refused.headers, **more})
