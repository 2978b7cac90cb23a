"""POST /api/v1/incidents/{incident_id}/{act}: what a person does about an incident, as an event of theirs.

This file is the door: who calls, what they may, what they say. What becomes of it stands in acting.py.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
import structlog
from pydantic import ValidationError
from starlette.types import Receive, Scope, Send

from connectors.gateway.act_kinds import ACTS, Act, Body
from connectors.gateway.acting import Acting, Done, Wish
from connectors.gateway.body import Disconnected, announced_size, check_kind, parse_json, read_body, too_large
from connectors.gateway.limits import Load
from connectors.gateway.meters import ActMeters
from connectors.gateway.problems import PROBLEM_CONTENT, Refused, come_again, problem
from connectors.gateway.reader_door import Caller, ReaderDoor
from connectors.gateway.webhooks import Headers, answer, traceparent

log = structlog.get_logger(__name__)

PATH = "/api/v1/incidents/{incident_id}/{act}"
MAX_BYTES = 32 * 1024
UNKNOWN = "unknown"
_KEY = re.compile(r"[!-~]{1,200}")
_JSON = b"application/json"


@dataclass(frozen=True, slots=True)
class Door:
    """For those who bring something: who they are, and what they bring, in bounds."""

    people: ReaderDoor
    load: Load
    meters: ActMeters
    body_timeout_secs: float

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
        caller = await self._door.people.caller(call.headers)
        call.person = caller.person
        act, load = _allowed(call.act, caller), self._door.load
        self._door.people.let_in(caller)
        try:
            if load.is_full:
                raise come_again("busy", "too many requests at once", 1)
            load.take(MAX_BYTES)
            try:
                content = await self._door.content(call.headers, receive)
                call.was_read = True
                body = _body(act, call.headers, content)
                trace = traceparent(call.headers)
                wish = Wish(caller, act, body, call.incident_id, idempotency_key(call.headers), trace)
                return await self._acting.do(wish)
            finally:
                load.release(MAX_BYTES)
        except Refused as refused:
            if refused.status == 503:  # ours: the next try is not to be held against them
                self._door.people.give_back(caller)
            raise


def _allowed(name: str, caller: Caller) -> Act:
    if name == UNKNOWN:
        raise Refused(404, "unknown_act", f"no such act; there are: {', '.join(ACTS)}")
    act = ACTS[name]
    caller.must_be(*act.roles, to=name)
    return act


def idempotency_key(headers: Headers) -> str:
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
