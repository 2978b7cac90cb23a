"""POST /api/v1/incidents/{incident_id}/{act}: what a person does about an incident, as an event of theirs.

This file is the door: who calls, what they may, what they say. What becomes of it stands in acting.py.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import orjson
import structlog
from pydantic import ValidationError
from starlette.types import Receive, Scope, Send

from connectors.gateway.act_kinds import ACTS, Act, Body
from connectors.gateway.acting import Acting, Done, Wish
from connectors.gateway.body import Disconnected, announced_size, check_kind, parse_json, read_body, too_large
from connectors.gateway.limits import Load, RateLimits
from connectors.gateway.meters import ActMeters
from connectors.gateway.problems import PROBLEM_CONTENT, Refused, come_again, problem
from connectors.gateway.webhooks import Headers, answer, traceparent
from connectors.tokens import PersonalToken
from schemas.errors import NotNow

log = structlog.get_logger(__name__)

PATH = "/api/v1/incidents/{incident_id}/{act}"
MAX_BYTES = 32 * 1024
UNKNOWN = "unknown"
NEEDED = "a person's own token is needed: `awoooi tokens new NAME --person PERSON --role ROLE` makes one"
REMOVED = "their tokens do nothing any more; `awoooi signers add` takes them in again"
_KEY = re.compile(r"[!-~]{1,200}")
_JSON = b"application/json"


HasGone = Callable[[str], bool]
"""whether a person was removed; NotNow while nobody can tell"""


class People(Protocol):
    """What the door needs of connectors.tokens.TokenFile."""

    def find_person(self, presented: str) -> PersonalToken | None: ...


@dataclass(frozen=True, slots=True)
class Door:
    people: People
    rates: RateLimits
    load: Load
    meters: ActMeters
    body_timeout_secs: float
    has_gone: HasGone | None = None

    def known_person(self, headers: Headers) -> PersonalToken:
        """One answer whatever is wrong: nobody learns whether a token exists, or is a webhook's."""
        token = self._presented(headers)
        try:
            gone = self.has_gone is not None and self.has_gone(token.person)
        except NotNow as away:
            raise come_again("signers_away", str(away), 1) from away
        if gone:
            raise Refused(403, "removed_person", f"{token.person} was removed: {REMOVED}")
        return token

    def _presented(self, headers: Headers) -> PersonalToken:
        scheme, _, presented = headers.get(b"authorization", b"").partition(b" ")
        token = self.people.find_person(presented.strip().decode("latin-1"))
        if token is None or scheme.lower() != b"bearer":
            raise Refused(401, "unauthorized", NEEDED, {"WWW-Authenticate": "Bearer"})
        return token

    def let_in(self, token: PersonalToken) -> None:
        if wait := self.rates.take_request(token):
            limit = token.limits.requests_per_minute
            raise come_again("rate_requests", f"over {limit} requests a minute", wait)

    async def content(self, headers: Headers, receive: Receive) -> bytes:
        if (announced_size(headers) or 0) > MAX_BYTES:
            raise too_large(MAX_BYTES)
        return (await read_body(receive, MAX_BYTES, self.body_timeout_secs)).strip()


@dataclass(slots=True)
class _Call:
    """One request on its way through."""

    act: str
    incident_id: str
    headers: Headers
    person: str = ""
    was_read: bool = False


class Acts:
    """ASGI endpoint."""

    def __init__(self, door: Door, acting: Acting) -> None:
        self._door, self._acting = door, acting

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started, path = time.perf_counter(), scope["path_params"]
        act = str(path["act"])
        call = _Call(act if act in ACTS else UNKNOWN, str(path["incident_id"]), dict(scope["headers"]))
        meters = self._door.meters
        try:
            done = await self._take(call, receive)
        except Disconnected:
            meters.count(call.act, "disconnected", started)
            return
        except Refused as refused:
            meters.count(call.act, refused.reason, started)
            log.info("act_refused", reason=refused.reason, act=call.act, person=call.person)
            ending = {} if call.was_read else {"Connection": "close"}
            told = problem(refused.status, refused.detail)
            await answer(send, refused.status, told, PROBLEM_CONTENT.encode(), {**refused.headers, **ending})
            return
        meters.count(call.act, "accepted", started)
        log.info("act_accepted", act=call.act, person=call.person, event_id=done.event_id)
        await answer(send, 202, orjson.dumps(_told(call.act, done)), _JSON)

    async def _take(self, call: _Call, receive: Receive) -> Done:
        token = self._door.known_person(call.headers)
        call.person = token.person
        act, load = _allowed(call.act, token), self._door.load
        self._door.let_in(token)
        try:
            if load.is_full:
                raise come_again("busy", "too many requests at once", 1)
            load.take(MAX_BYTES)
            try:
                content = await self._door.content(call.headers, receive)
                call.was_read = True
                body = _body(act, call.headers, content)
                trace = traceparent(call.headers)
                wish = Wish(token, act, body, call.incident_id, _key(call.headers), trace)
                return await self._acting.do(wish)
            finally:
                load.release(MAX_BYTES)
        except Refused as refused:
            if refused.status == 503:  # ours: the next try is not to be held against them
                self._door.rates.give_back(token, 0)
            raise


def _allowed(name: str, token: PersonalToken) -> Act:
    if name == UNKNOWN:
        raise Refused(404, "unknown_act", f"no such act; there are: {', '.join(ACTS)}")
    act = ACTS[name]
    if not set(act.roles) & set(token.roles):
        needed, has = " or ".join(act.roles), " and ".join(token.roles)
        raise Refused(403, "role", f"to {name} needs the role {needed}; this token has {has}")
    return act


def _key(headers: Headers) -> str:
    given = headers.get(b"idempotency-key", b"").decode("latin-1")
    if given and not _KEY.fullmatch(given):
        raise Refused(422, "bad_key", "Idempotency-Key: 1 to 200 printable ASCII characters without blanks")
    return given


def _body(act: Act, headers: Headers, content: bytes) -> Body:
    """Where nothing has to be said, nothing need be sent."""
    if content:
        check_kind(headers)
    try:
        return act.body.model_validate(parse_json(content) if content else {})
    except ValidationError as error:
        raise Refused(422, "bad_body", _fault(act, error)) from None


def _fault(act: Act, error: ValidationError) -> str:
    """Where and what, without the value; and what there is to say."""
    first = error.errors(include_input=False, include_url=False, include_context=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden" or not where:
        where = "the body"  # a name that a caller made up is not repeated
    said = str(first["msg"]).removeprefix("Value error, ").replace("Input should", "should")
    return f"{where}: {said}; {act.name} takes {', '.join(act.body.model_fields)}"


def _told(act: str, done: Done) -> Mapping[str, Any]:
    told = {"event_id": done.event_id, "type": ACTS[act].event.type_name(), **done.lies._asdict()}
    return {**told, "redacted": done.redacted} if done.redacted else told
